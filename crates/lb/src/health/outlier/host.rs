//! One endpoint that is watched.

use super::{Arc, Duration, Instant, OutlierConfig, State};

#[derive(Clone, Debug)]
pub(super) struct Host {
    /// Held, so that no other endpoint's can be at the same address.
    state: Arc<State>,
    /// Its counts at the last sweep: successes, failures.
    seen: (u32, u32),
    /// The requests that ended between the last two sweeps.
    pub(super) successes: u32,
    pub(super) failures: u32,
    /// Its count of failures when those in a row were last judged: earlier ones do not count again.
    judged: u32,
    ejected_at: Option<Instant>,
    /// Ejections that are not forgiven yet.
    ejections: u32,
}

impl Host {
    /// `began` if there was a sweep before: all that the endpoint counted, it counted since then.
    pub(super) fn new(state: &Arc<State>, began: bool, now: Instant) -> Self {
        let counts = state.completed();
        let ejected = state.status().is_ejected();
        Self {
            seen: if began { (0, 0) } else { counts },
            successes: 0,
            failures: 0,
            judged: counts.1.wrapping_sub(state.consecutive_failures()),
            ejected_at: ejected.then_some(now),
            ejections: u32::from(ejected),
            state: Arc::clone(state),
        }
    }

    /// Whether it is the endpoint of this state.
    pub(super) fn is(&self, state: &Arc<State>) -> bool {
        Arc::ptr_eq(&self.state, state)
    }

    pub(super) fn close_bucket(&mut self) {
        let (successes, failures) = self.state.completed();
        self.successes = successes.wrapping_sub(self.seen.0);
        self.failures = failures.wrapping_sub(self.seen.1);
        self.seen = (successes, failures);
    }

    pub(super) const fn requests(&self) -> u64 {
        self.successes as u64 + self.failures as u64
    }

    /// From 0 to 1, or NaN without a request.
    #[expect(clippy::cast_precision_loss, reason = "33 bits at most")]
    pub(super) const fn success_rate(&self) -> f64 {
        self.successes as f64 / self.requests() as f64
    }

    /// Failures since the last success, but for those that were judged before.
    pub(super) fn failures_in_a_row(&self) -> u32 {
        let (_, failures) = self.state.completed();
        let since = failures.wrapping_sub(self.judged);
        self.state.consecutive_failures().min(since)
    }

    pub(super) fn forgive_failures(&mut self) {
        self.judged = self.state.completed().1;
    }

    pub(super) const fn is_out(&self) -> bool {
        self.ejected_at.is_some()
    }

    /// Until when, if it is out.
    pub(super) fn out_until(&self, config: &OutlierConfig) -> Option<Instant> {
        let ejected_at = self.ejected_at?;
        let time: Duration = config.time_out(self.ejections);
        Some(ejected_at.saturating_add(time))
    }

    /// No more ejections count than make a difference: else one that was ejected often would be
    /// forgiven none that shows for as many sweeps.
    pub(super) fn eject(&mut self, now: Instant, config: &OutlierConfig) {
        self.ejected_at = Some(now);
        let most = config.most_ejections();
        self.ejections = self.ejections.saturating_add(1).min(most);
    }

    pub(super) fn readmit(&mut self) {
        self.ejected_at = None;
        self.forgive_failures();
    }

    pub(super) const fn forgive_ejection(&mut self) {
        self.ejections = self.ejections.saturating_sub(1);
    }
}
