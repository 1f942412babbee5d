use super::word::{Phase, Word};
use super::{CircuitBreaker, State};
use crate::Instant;

/// A look at a [`CircuitBreaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStats {
    /// As by [`CircuitBreaker::state_at`].
    pub state: State,
    /// Calls that ended in the window; 0 where no rate is watched. Of a busy
    /// [`Window::Time`](super::Window::Time), scaled down: the rates hold, the counts do not.
    pub calls: u32,
    /// Those of them that failed.
    pub failures: u32,
    /// Those of them that were slow.
    pub slow_calls: u32,
    /// Failures without a success since, while closed.
    pub consecutive_failures: u32,
    /// Probes without a result, while half-open.
    pub probes_out: u32,
}

impl CircuitBreaker {
    /// The state that a call would find: half-open once an open circuit has been open long enough,
    /// although only the next call makes the step.
    #[must_use]
    pub fn state_at(&self, now: Instant) -> State {
        let word = Word::unpack(self.load());
        match word.phase {
            Phase::Open { until, .. } if now >= until.instant() => State::HalfOpen,
            _ => word.state(),
        }
    }

    /// The state and the counts. O(window). Calls that end meanwhile may be in some of the numbers
    /// and not in others.
    #[must_use]
    pub fn stats_at(&self, now: Instant) -> BreakerStats {
        let tally = self.counters.as_ref().map(|counters| counters.tally(now));
        let tally = tally.unwrap_or_default();
        let phase = Word::unpack(self.load()).phase;
        BreakerStats {
            state: self.state_at(now),
            calls: tally.calls,
            failures: tally.failures,
            slow_calls: tally.slow,
            consecutive_failures: match phase {
                Phase::Closed {
                    consecutive_failures,
                } => consecutive_failures,
                _ => 0,
            },
            probes_out: match phase {
                Phase::HalfOpen(probing) => probing.out,
                _ => 0,
            },
        }
    }
}
