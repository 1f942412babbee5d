//! The sliding-window log.

mod log;

pub use log::Log;

use crate::algorithm::fixed_window::check_window;
use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Decision, Denied, Reason, Reservation};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use core::time::Duration;
use purlin_core::time::Instant;

/// Twice 2²⁵ entries of 16 bytes are 1 GiB, the most that one allocation can be where addresses have
/// 32 bits.
const MAX_LIMIT: u64 = 1 << 25;

/// At most `limit` tokens in every span of length `window`, exactly: the rule by which the others are
/// measured. It remembers when each was admitted.
///
/// A token counts from the instant at which it is admitted until a window later, excluded. Every
/// request that can be admitted without exceeding the limit in some span is.
///
/// # Memory
///
/// Tokens of one instant share an entry of 16 bytes, so that a cost of a million takes as much as a
/// cost of one. There are at most `limit` entries, and as many more while tokens are reserved; the
/// memory grows up to that only as it is needed. Where this is too much, [`SlidingWindowCounter`](crate::SlidingWindowCounter) decides
/// almost the same by one word.
///
/// # Reservations
///
/// Tokens of the future lie in the same log: a request waits until enough of the last `limit` tokens
/// have left, and never overtakes one that was reserved before. So while somebody waits, nobody else
/// is admitted at once. A reservation that is cancelled leaves the log, while later ones keep their
/// instants. [`refund_at`](crate::Limiter::refund_at) takes the newest tokens back that were not
/// reserved for later.
///
/// # Time
///
/// A clock that goes back is taken for one that stood still since the last request that was admitted.
/// So the limit holds for every sequence of instants, if an instant counts as the latest one up to
/// then. Instants are those of the clock, from zero to the end; from a window before the end on,
/// nothing is admitted.
///
/// A decision is O(1) amortised where requests cost the same, and at most a binary search, O(log n),
/// otherwise. Giving back is O(n) at most.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Instant, Limiter, Locked, SlidingWindowLog};
///
/// let limiter = Locked::new(SlidingWindowLog::new(3, Duration::from_secs(60))?);
/// assert!(limiter.try_acquire_at(Instant::from_secs(50), 1).is_ok());
/// assert!(limiter.try_acquire_at(Instant::from_secs(70), 2).is_ok());
///
/// // The token of second 50 leaves at 110, the others at 130.
/// let now = Instant::from_secs(109);
/// let denied = limiter.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(1)));
/// let denied = limiter.try_acquire_at(now, 2).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(21)));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindowLog {
    limit: u64,
    /// In nanoseconds.
    window: u64,
}

impl SlidingWindowLog {
    /// `limit` tokens in every span of that length.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a limit or a window of zero. [`ConfigError::TooLarge`] for a limit
    /// above 2²⁵, of which the log could be larger than 1 GiB, and for a window of more than four and
    /// a half years (2⁵⁷ ns).
    pub fn new(limit: u64, window: Duration) -> Result<Self, ConfigError> {
        check_window(limit, window)?;
        if limit > MAX_LIMIT {
            return Err(ConfigError::TooLarge {
                field: "limit",
                value: limit.into(),
                max: MAX_LIMIT.into(),
            });
        }
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { limit, window })
    }

    /// The length of the window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// The most entries there can be: those that count now, and as many of the future.
    fn capacity(&self) -> usize {
        usize::try_from(2 * self.limit).unwrap_or(usize::MAX)
    }

    /// The first instant, not before `now` nor before that of the newest token, from which on there is
    /// room for the cost.
    fn slot(&self, log: &Log, now: u64, cost: u64) -> u64 {
        let room = match cost {
            0 => None,
            _ => log.all_but(self.limit - cost),
        };
        now.max(room.unwrap_or(0)).max(self.last_admission(log))
    }

    /// The instant of the newest token: ahead of now if it is reserved.
    fn last_admission(&self, log: &Log) -> u64 {
        log.newest().unwrap_or(0).saturating_sub(self.window)
    }

    /// Adds the tokens of that instant. `None`, and nothing was added, where their window does not
    /// end.
    fn record(&self, log: &mut Log, now: u64, slot: u64, cost: u64) -> Option<u64> {
        let leaves = slot.checked_add(self.window)?;
        if cost > 0 {
            log.push(now, leaves, cost, self.capacity());
        }
        Some(leaves)
    }

    /// Panics if a state is not one of this rule.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self, state: &Log) {
        state.check_invariants(self.capacity());
    }
}

impl Algorithm for SlidingWindowLog {
    type State = Log;

    fn decide(&self, state: &mut Log, now: Instant, cost: u64) -> Result<(), Denied> {
        self.reserve(state, now, cost, Duration::ZERO).map(|_| ())
    }

    fn inspect(&self, state: &Log, now: Instant, cost: u64) -> Decision {
        let at = state.clamp(now);
        let slot = (cost <= self.limit).then(|| self.slot(state, at, cost));
        let outcome = match slot {
            None => Err(Denied::because(now, Reason::TooLarge)),
            Some(slot) if slot > at => Err(Denied::until(now, Instant::from_nanos(slot))),
            Some(slot) if slot.checked_add(self.window).is_none() => {
                Err(Denied::because(now, Reason::Horizon))
            }
            Some(_) => Ok(()),
        };
        let remaining = if self.last_admission(state) > at {
            0
        } else {
            self.limit.saturating_sub(state.used(at))
        };
        let reset = state.newest().unwrap_or(0).saturating_sub(now.as_nanos());
        Decision {
            outcome,
            limit: self.limit,
            remaining,
            reset_after: Duration::from_nanos(reset),
            window: self.window(),
        }
    }

    fn reserve(
        &self,
        state: &mut Log,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        if cost > self.limit {
            return Err(Denied::because(now, Reason::TooLarge));
        }
        let at = state.clamp(now);
        let slot = self.slot(state, at, cost);
        let ready = if slot > at {
            Instant::from_nanos(slot)
        } else {
            now
        };
        if ready.saturating_duration_since(now) > max_wait {
            return Err(Denied::until(now, ready));
        }
        match self.record(state, at, slot, cost) {
            Some(leaves) => Ok(Reservation::new(ready, cost, leaves.into())),
            None => Err(Denied::because(now, Reason::Horizon)),
        }
    }

    fn cancel(&self, state: &mut Log, now: Instant, reservation: &Reservation) -> u64 {
        match u64::try_from(reservation.mark) {
            Ok(leaves) if now <= reservation.ready => state.take_from(leaves, reservation.cost),
            _ => 0,
        }
    }

    fn refund(&self, state: &mut Log, now: Instant, cost: u64) {
        let at = state.clamp(now);
        state.take_newest(at, at.saturating_add(self.window), cost);
    }

    fn is_idle(&self, state: &Log, now: Instant) -> bool {
        let newest = state.newest().unwrap_or(0);
        newest <= now.as_nanos() && state.clamp(now) == now.as_nanos()
    }

    fn rebase(&self, state: &Log, from: Instant, to: Instant) -> Log {
        let shift = i128::from(to.as_nanos()) - i128::from(from.as_nanos());
        let seen = shifted(state.clamp(Instant::default()), shift);
        state.map_instants(seen, |leaves| {
            (leaves > from.as_nanos()).then(|| shifted(leaves, shift))
        })
    }

    fn limit(&self) -> u64 {
        self.limit
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::of("window, log")
            .and(self.limit)
            .and(self.window)
            .hash()
    }
}

/// Every token keeps its instant, and counts for the length of the new window. Tokens that the old
/// window had forgotten stay forgotten.
impl Reconfigure for SlidingWindowLog {
    fn migrate(&self, old: &Self, state: &Log, now: Instant, carry: Carry) -> Log {
        if carry == Carry::Reset {
            return Log::default();
        }
        let at = state.clamp(now);
        let shift = i128::from(self.window) - i128::from(old.window);
        let mut log = state.map_instants(at, |leaves| {
            (leaves > at)
                .then(|| shifted(leaves, shift))
                .filter(|leaves| *leaves > at)
        });
        let (from, to) = (old.limit, self.limit);
        log.map_counts(self.capacity(), |count| match carry {
            Carry::Proportional => {
                let scaled = (u128::from(count) * u128::from(to)).div_ceil(u128::from(from));
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
            // The oldest are forgotten first.
            Carry::AsIs => count.saturating_sub(from.saturating_sub(to)),
            Carry::Additive | Carry::Reset => count,
        });
        if carry == Carry::AsIs && to > from {
            let slot = at.max(self.last_admission(&log));
            self.record(&mut log, at, slot, to - from);
        }
        log
    }
}

/// Clamped to the instants there are.
fn shifted(nanos: u64, shift: i128) -> u64 {
    let nanos = (i128::from(nanos) + shift).max(0);
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
