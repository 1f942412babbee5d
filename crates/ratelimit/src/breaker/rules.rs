use super::config::BreakerConfig;
use super::window::{Ended, Tally, Window};
use crate::Instant;
use crate::backoff::Backoff;

/// A configuration that was found valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) config: BreakerConfig,
    pub(super) minimum_calls: u32,
    pub(super) open: Backoff,
    /// `None` where no rate is asked for.
    pub(super) window: Option<Window>,
    /// Whether anybody asks how long a call took.
    pub(super) times_calls: bool,
    /// Whether anybody asks when a call that succeeded ended.
    pub(super) needs_time: bool,
}

impl Rules {
    pub(super) fn ended(&self, started: Instant, now: Instant, failed: bool) -> Ended {
        let slow = self.config.slow_call_rate;
        let slow = slow.is_some_and(|(_, duration)| now - started >= duration);
        Ended { failed, slow }
    }

    pub(super) fn too_many_failures(&self, consecutive: u32) -> bool {
        let most = self.config.consecutive_failures;
        most.is_some_and(|most| consecutive >= most)
    }

    /// Whether the call that has just ended, now in the tally too, opens the circuit by a rate. A
    /// rate is judged by a call that raised it, and by the one that filled the minimum of calls.
    pub(super) fn exceeded(&self, tally: Tally, ended: Ended, fills: bool) -> bool {
        let reached = |count: u32, percent: u32| {
            u64::from(count) * 100 >= u64::from(tally.calls) * u64::from(percent)
        };
        let failing = self.config.failure_rate;
        let slow = self.config.slow_call_rate;
        tally.calls >= self.minimum_calls
            && ((fills || ended.failed)
                && failing.is_some_and(|percent| reached(tally.failures, percent))
                || (fills || ended.slow)
                    && slow.is_some_and(|(percent, _)| reached(tally.slow, percent)))
    }

    /// The end of an opening now, the n-th in a row from 0.
    pub(super) fn open_until(&self, now: Instant, reopenings: u32) -> Instant {
        now + self.open.delay(reopenings)
    }

    pub(super) fn leases_until(&self, now: Instant) -> Instant {
        now + self.config.probe_timeout
    }

    pub(super) const fn probes(&self) -> u32 {
        self.config.probes
    }

    pub(super) const fn probe_successes(&self) -> u32 {
        self.config.probe_successes
    }

    pub(super) const fn probe_failures(&self) -> u32 {
        self.config.probe_failures
    }
}
