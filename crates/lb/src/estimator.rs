//! How the latencies of an endpoint's requests become one number.

use crate::error::ConfigError;
use crate::state::State;
use core::time::Duration;
use purlin_core::time::Instant;

/// An exponentially weighted moving average of latency, in the manner of Finagle's peak EWMA.
///
/// A sample `rtt` that comes `dt` after the one before moves the estimate to
/// `w * estimate + (1 - w) * rtt` with `w = exp(-dt / tau)`; with [`peak`](Self::peak) one above the
/// estimate becomes the estimate at once. Nothing but a sample moves it: it does not decay while an
/// endpoint is silent.
///
/// A failure counts as a sample of the latency it had, or of the [penalty](Self::failure_penalty),
/// whichever is longer: what fails fast must not look fast. It is averaged, though, and never taken
/// for a peak, nor for more than an eighth of the average: one failure in a hundred, at all endpoints
/// alike, must not hide which of them are slow. After five failures in a row the endpoint is
/// [avoided](State::avoided_until) for the penalty, and twice as long each time that it fails again, up
/// to 32 times; failures while it is avoided do not prolong it, and a success ends it. Fewer in a row come by chance where
/// all endpoints fail a few percent alike, and what is avoided by chance overloads the others.
///
/// A timestamp that is wrong does no lasting harm: a sample from before the one before it counts as of
/// the same time, and an endpoint is never avoided for longer than 32 penalties from now.
///
/// Two requests that end at once may leave the estimate of either; that is a sample less, and what
/// makes this a few nanoseconds. Source: Finagle, `PeakEwma`; tower, `load::PeakEwma`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimator {
    average: Average,
    /// 1 / tau.
    per_nano: f64,
    failure_penalty: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Average {
    Peak,
    Mean,
    None,
}

impl Estimator {
    /// Follows peaks at once and forgets them with this time constant.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a `tau` of zero.
    pub const fn peak(tau: Duration) -> Result<Self, ConfigError> {
        Self::new(tau, Average::Peak)
    }

    /// A plain moving average with this time constant.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a `tau` of zero.
    pub const fn mean(tau: Duration) -> Result<Self, ConfigError> {
        Self::new(tau, Average::Mean)
    }

    /// No average, for policies that do not look at latencies: [`State::latency_nanos`] stays `None`.
    /// Failures are counted and penalised nevertheless.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            average: Average::None,
            per_nano: 0.0,
            failure_penalty: Duration::from_secs(1),
        }
    }

    const fn new(tau: Duration, average: Average) -> Result<Self, ConfigError> {
        if tau.is_zero() {
            return Err(ConfigError::Zero { field: "tau" });
        }
        Ok(Self {
            average,
            per_nano: 1e-9 / tau.as_secs_f64(),
            failure_penalty: Duration::from_secs(1),
        })
    }

    /// The latency that a failure counts as, at least; a second unless said otherwise. Zero turns
    /// the penalty off.
    #[must_use]
    pub const fn failure_penalty(self, penalty: Duration) -> Self {
        Self {
            failure_penalty: penalty,
            ..self
        }
    }

    #[inline]
    pub(crate) fn observe(&self, state: &State, now: Instant, started: Instant) {
        let rtt = nanos_between(started, now);
        let next = match (self.average, state.latency_nanos()) {
            (Average::None, _) => return,
            (Average::Peak, Some(estimate)) if rtt > estimate => rtt,
            (_, Some(estimate)) => toward(rtt, estimate, self.keep(state, now)),
            (_, None) => rtt,
        };
        set(state, now, next);
    }

    /// A failure, after so many in a row.
    pub(crate) fn penalise(&self, state: &State, now: Instant, started: Instant, run: u32) {
        if self.average != Average::None {
            let penalty = self.failure_penalty.as_secs_f64() * 1e9;
            let rtt = nanos_between(started, now).max(penalty);
            let next = state.latency_nanos().map_or(rtt, |estimate| {
                let keep = self.keep(state, now).max(KEPT_BY_A_FAILURE);
                toward(rtt, estimate, keep)
            });
            set(state, now, next);
        }
        if run >= BY_CHANCE && !self.avoids(state, now) {
            let doubled = 1 << (run - BY_CHANCE).min(LONGEST.ilog2());
            let penalty = self.failure_penalty.saturating_mul(doubled);
            state.avoid_until(now.saturating_add(penalty));
        }
    }

    /// Whether the endpoint is to be avoided now. What is further ahead than any penalty came from a
    /// timestamp that was wrong, and would last for as long as that was.
    #[inline]
    pub(crate) fn avoids(&self, state: &State, now: Instant) -> bool {
        let until = state.avoided_until();
        until > now && self.is_in_force(until.saturating_duration_since(now))
    }

    #[cold]
    fn is_in_force(&self, ahead: Duration) -> bool {
        ahead <= self.failure_penalty.saturating_mul(LONGEST)
    }

    /// How much of the estimate a sample leaves.
    #[inline]
    fn keep(&self, state: &State, now: Instant) -> f64 {
        let age = nanos_between(state.latency_at(), now) * self.per_nano;
        if age < 1e-3 {
            // The series, to the last bit but two, for a third of the time.
            1.0 - age * (1.0 - age * (0.5 - age / 6.0))
        } else {
            (-age).exp()
        }
    }

    /// A request that was given up: its latency is what it had by then, or longer. That says nothing
    /// new unless it is above the estimate already.
    #[cold]
    pub(crate) fn observe_at_least(&self, state: &State, now: Instant, started: Instant) {
        let rtt = nanos_between(started, now);
        // What has never answered must not look fast for a client that hung up at once; nor may it
        // stay unknown, which looks average, when it lets everybody wait.
        let known = state.latency_nanos();
        let floor = known.unwrap_or(self.failure_penalty.as_secs_f64() * 1e8);
        if rtt > floor {
            self.observe(state, now, started);
        }
    }
}

/// An endpoint that has been silent for long would be known by its next request alone. If that is
/// the one in a hundred that fails, it is not yet worse than a slow one.
const KEPT_BY_A_FAILURE: f64 = 0.875;

/// So many failures in a row are not yet a reason to avoid an endpoint. Four of them are one in
/// 160,000 where 5 % fail, and hardly cost anything where all do.
const BY_CHANCE: u32 = 4;

/// So many penalties are the longest for which an endpoint is avoided at once.
const LONGEST: u32 = 32;

#[inline]
fn toward(rtt: f64, estimate: f64, keep: f64) -> f64 {
    (estimate - rtt) * keep + rtt
}

#[inline]
fn set(state: &State, now: Instant, estimate: f64) {
    // A latency of zero is one too, and so is what rounding makes of huge ones: 0 stands for none.
    // The time is that of the sample even if it went back: one that was ahead would stop the average
    // until the clock has come there.
    state.set_latency(estimate.max(1.0), now);
}

/// Ten seconds, peaks at once, as Finagle and linkerd have it.
impl Default for Estimator {
    fn default() -> Self {
        Self {
            average: Average::Peak,
            per_nano: 1e-10,
            failure_penalty: Duration::from_secs(1),
        }
    }
}

#[inline]
#[expect(clippy::cast_precision_loss, reason = "latencies need no 64 bits")]
fn nanos_between(earlier: Instant, later: Instant) -> f64 {
    later.as_nanos().saturating_sub(earlier.as_nanos()) as f64
}
