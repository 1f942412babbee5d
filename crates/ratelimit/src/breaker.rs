//! A circuit breaker: after too many failures it refuses calls at once for a while, then lets a few
//! probes through, and closes when they succeed (M. Nygard, "Release It!", 2007).
//!
//! | type | for |
//! |---|---|
//! | [`CircuitBreaker`] | the state machine: the caller gives the time and reports each call's end |
//! | [`Breaker`] | the same with a clock, and a guard that reports for whoever forgets to |
//!
//! ```text
//!              a rule holds                   open long enough, at the next call
//!   closed ────────────────────▶ open ◀──────────────────────────▶ half-open
//!      ▲                               bad probes                      │
//!      └───────────────────────────────────────────────────────────────┘
//!                                      good probes
//! ```

mod admission;
mod by_hand;
mod call;
mod config;
mod guarded;
#[cfg(any(test, fuzzing, feature = "conformance"))]
mod invariants;
mod reports;
mod rules;
#[cfg(feature = "serde")]
mod serialized;
mod state;
mod stats;
mod window;
mod word;

pub use call::{Call, Open};
pub use config::BreakerConfig;
pub use guarded::{Breaker, CallError, CallGuard, Outcome};
pub use state::{State, Transition};
pub use stats::BreakerStats;
pub use window::Window;

use crate::sync::{AtomicU64, Ordering};
use crate::{ConfigError, Instant};
use rules::Rules;
use window::Counters;
use word::{Pass, Word};

/// A circuit breaker that is told the time.
///
/// A call asks [`try_acquire_at`](Self::try_acquire_at) and hands the [`Call`] it was given back with
/// its end: [`success_at`](Self::success_at), [`failure_at`](Self::failure_at) or
/// [`ignore`](Self::ignore). Whatever a call of an earlier period reports (the circuit has opened
/// since, say) changes nothing. Methods that can move the circuit answer with the [`Transition`]
/// that they made, each to exactly one caller, who may log it.
///
/// The whole state is one atomic word, so in half-open no more probes are out than were allowed,
/// whatever threads meet. While closed and without failures, a call costs two loads, and one atomic
/// addition (or exchange) more where a rate is watched. Lock-free. Any number of threads may use it
/// at once; reports at once all count, and a rate is judged by all that ended before.
///
/// A clock that steps back keeps an open circuit open the longer, and never lets more probes out.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::breaker::{BreakerConfig, CircuitBreaker, State, Transition};
///
/// let config = BreakerConfig::new().consecutive_failures(2).open_for(Duration::from_secs(10));
/// let breaker = CircuitBreaker::new(config)?;
///
/// let now = Instant::from_secs(1);
/// let [first, second] = [breaker.try_acquire_at(now)?, breaker.try_acquire_at(now)?];
/// assert_eq!(breaker.failure_at(first, now), None);
/// let opened = Transition { from: State::Closed, to: State::Open };
/// assert_eq!(breaker.failure_at(second, now), Some(opened));
///
/// let refused = breaker.try_acquire_at(now).unwrap_err();
/// assert!(refused.retry_after <= Duration::from_secs(10));
///
/// let later = now + refused.retry_after;
/// let probe = breaker.try_acquire_at(later)?;
/// assert!(breaker.try_acquire_at(later).is_err()); // one probe at a time
/// assert!(breaker.success_at(probe, later).is_some());
/// assert_eq!(breaker.state_at(later), State::Closed);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CircuitBreaker {
    word: AtomicU64,
    counters: Option<Counters>,
    rules: Rules,
}

impl CircuitBreaker {
    /// A closed circuit that has seen nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming the field: no rule at all, a number or duration of zero, a percentage
    /// above 100, more probes than 31, a window or a minimum of calls above what it can hold.
    pub fn new(config: BreakerConfig) -> Result<Self, ConfigError> {
        let rules = config.validate()?;
        Ok(Self {
            word: AtomicU64::new(Word::CLOSED.pack()),
            counters: rules
                .window
                .map(|window| Counters::new(window, rules.minimum_calls)),
            rules,
        })
    }

    /// Lets a call through, or not. O(1); one load while closed or open.
    ///
    /// # Errors
    ///
    /// [`Open`], with the time to come back.
    #[inline]
    pub fn try_acquire_at(&self, now: Instant) -> Result<Call, Open> {
        let seen = self.load();
        if Word::is_closed(seen) {
            let (started, pass) = (now, Pass::of(seen));
            return Ok(Call { started, pass });
        }
        // Taken apart and put together, so that neither branch needs it in memory: to write parts
        // and read the whole would stall the fast one.
        match self.try_probe(now) {
            Ok(Call { started, pass }) => Ok(Call { started, pass }),
            Err(Open { state, retry_after }) => Err(Open { state, retry_after }),
        }
    }

    /// The call succeeded; it was slow if it took as long as a slow call does. O(1), unless it was
    /// slow, then as [`failure_at`](Self::failure_at).
    #[inline]
    pub fn success_at(&self, call: Call, now: Instant) -> Option<Transition> {
        self.report(&call, false, || now)
    }

    /// The call failed. O(1), with a rule on a rate O(window): at most 128 loads of a
    /// [`Window::Calls`], ten of a [`Window::Time`].
    #[inline]
    pub fn failure_at(&self, call: Call, now: Instant) -> Option<Transition> {
        self.report(&call, true, || now)
    }

    /// The call ended in a way that says nothing about the server (cancelled, a bad request): counts
    /// for nothing, and gives a probe's place back.
    pub fn ignore(&self, call: Call) {
        self.give_back(&call);
    }

    fn clear(&self) {
        if let Some(counters) = &self.counters {
            counters.clear();
        }
    }

    /// ORDERING: Acquire, paired with the Release in `replace`: who sees a circuit closed again sees
    /// its window cleared.
    #[inline]
    fn load(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Makes a step, or answers what is there instead.
    #[inline]
    fn replace(&self, seen: u64, next: Word) -> Result<(), u64> {
        self.word
            .compare_exchange(seen, next.pack(), Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
    }
}
