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

mod config;
mod guarded;
mod window;
mod word;

pub use config::BreakerConfig;
pub use guarded::{Breaker, CallError, CallGuard, Outcome};
pub use window::Window;

use crate::sync::{AtomicU64, Ordering};
use crate::{Clock, ConfigError, Instant};
use config::Rules;
use core::time::Duration;
use window::{Counters, Ended};
use word::{EndOfLeases, EndOfOpen, Phase, Probing, Word};

/// A circuit breaker that is told the time.
///
/// A call asks [`try_acquire_at`](Self::try_acquire_at) and reports its end with the [`Call`] it was
/// given, **once**: [`success_at`](Self::success_at), [`failure_at`](Self::failure_at) or
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

/// Where a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass and are watched.
    Closed,
    /// Calls are refused until some time.
    Open,
    /// A few calls pass as probes.
    HalfOpen,
    /// Calls are refused until [`CircuitBreaker::reset`].
    ForcedOpen,
    /// Calls pass and are counted, and nothing opens the circuit.
    Disabled,
}

/// A step of a circuit from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The state that was left.
    pub from: State,
    /// The state that was entered.
    pub to: State,
}

/// A call that was let through: to be handed back with its outcome, once. Plain data; one that is
/// dropped is as if the call had never ended, which for a probe holds its place until the
/// [`probe_timeout`](BreakerConfig::probe_timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a probe that is not reported holds its place until the probe timeout"]
pub struct Call {
    started: Instant,
    generation: u32,
    half_opened: bool,
}

impl Call {
    /// When it was let through.
    #[must_use]
    pub const fn started(self) -> Instant {
        self.started
    }

    /// The step that letting it through took: from open to half-open, for the first probe.
    #[must_use]
    pub const fn transition(self) -> Option<Transition> {
        if self.half_opened {
            let (from, to) = (State::Open, State::HalfOpen);
            return Some(Transition { from, to });
        }
        None
    }
}

/// The circuit lets no call through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is {state:?}, a call may pass in {retry_after:?}")]
#[non_exhaustive]
pub struct Open {
    /// [`State::Open`], [`State::ForcedOpen`], or [`State::HalfOpen`] with all probes out.
    pub state: State,
    /// The least time after which a call would pass if nothing else happened until then: no probe
    /// reported, nobody reset the circuit. [`Duration::MAX`] when forced open.
    pub retry_after: Duration,
}

/// A look at a [`CircuitBreaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStats {
    /// As by [`CircuitBreaker::state_at`].
    pub state: State,
    /// Calls that ended in the window; 0 where no rate is watched. Of a busy [`Window::Time`],
    /// scaled down: the rates hold, the counts do not.
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
            counters: rules.window.map(Counters::new),
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
        self.try_acquire(|| now, || now)
    }

    /// As [`try_acquire_at`](Self::try_acquire_at); does not read the clock where nobody will ask
    /// when the call began: most of the cost of a call would be that.
    #[inline]
    fn try_acquire_by(&self, clock: &impl Clock) -> Result<Call, Open> {
        let started = || match self.rules.times_calls() {
            true => clock.now(),
            false => Instant::ORIGIN,
        };
        self.try_acquire(started, || clock.now())
    }

    #[inline]
    fn try_acquire(
        &self,
        started: impl FnOnce() -> Instant,
        now: impl FnOnce() -> Instant,
    ) -> Result<Call, Open> {
        let seen = self.load();
        let word = Word::unpack(seen);
        match word.phase {
            Phase::Closed { .. } | Phase::Disabled => Ok(word.call(started(), false)),
            _ => self.try_probe(seen, now()),
        }
    }

    /// Asks a circuit that is, or was, not closed.
    fn try_probe(&self, mut seen: u64, now: Instant) -> Result<Call, Open> {
        loop {
            let word = Word::unpack(seen);
            let (next, half_opened) = match word.phase {
                Phase::Closed { .. } | Phase::Disabled => return Ok(word.call(now, false)),
                Phase::ForcedOpen => return Err(word.refusal(Duration::MAX)),
                Phase::Open { until, .. } if now < until.instant() => {
                    return Err(word.refusal(until.instant() - now));
                }
                Phase::Open { reopenings, .. } => (self.first_probe(word, reopenings, now), true),
                Phase::HalfOpen(probing) if probing.out < self.rules.probes() => {
                    let leases = EndOfLeases::at(self.rules.leases_until(now));
                    let next = Phase::HalfOpen(Probing {
                        out: probing.out + 1,
                        leases: probing.leases.max(leases),
                        ..probing
                    });
                    (word.with(next), false)
                }
                Phase::HalfOpen(probing) if now < probing.leases.instant() => {
                    return Err(word.refusal(probing.leases.instant() - now));
                }
                // All are lost. A new generation, so that none of them comes back to count.
                Phase::HalfOpen(probing) => {
                    (self.first_probe(word, probing.reopenings, now), false)
                }
            };
            match self.replace(seen, next) {
                Ok(()) => return Ok(next.call(now, half_opened)),
                Err(now_there) => seen = now_there,
            }
        }
    }

    fn first_probe(&self, word: Word, reopenings: u32, now: Instant) -> Word {
        word.step_to(Phase::HalfOpen(Probing {
            reopenings,
            leases: EndOfLeases::at(self.rules.leases_until(now)),
            out: 1,
            good: 0,
            bad: 0,
        }))
    }

    /// The call succeeded; it was slow if it took as long as a slow call does. O(1), unless it was
    /// slow, then as [`failure_at`](Self::failure_at).
    #[inline]
    pub fn success_at(&self, call: Call, now: Instant) -> Option<Transition> {
        self.report(call, false, || now)
    }

    /// The call failed. O(1), with a rule on a rate O(window): at most 128 loads of a
    /// [`Window::Calls`], ten of a [`Window::Time`].
    #[inline]
    pub fn failure_at(&self, call: Call, now: Instant) -> Option<Transition> {
        self.report(call, true, || now)
    }

    /// The call ended in a way that says nothing about the server (cancelled, a bad request): counts
    /// for nothing, and gives a probe's place back.
    pub fn ignore(&self, call: Call) {
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let Phase::HalfOpen(probing) = word.phase else {
                return;
            };
            if word.generation != call.generation {
                return;
            }
            let out = probing.out.saturating_sub(1);
            let next = word.with(Phase::HalfOpen(Probing { out, ..probing }));
            match self.replace(seen, next) {
                Ok(()) => return,
                Err(now_there) => seen = now_there,
            }
        }
    }

    /// Reads the clock where the time makes a difference.
    #[inline]
    fn report(
        &self,
        call: Call,
        failed: bool,
        now: impl FnOnce() -> Instant,
    ) -> Option<Transition> {
        let seen = self.load();
        let word = Word::unpack(seen);
        if word.generation != call.generation {
            return None;
        }
        let Phase::Closed {
            consecutive_failures,
        } = word.phase
        else {
            return self.report_unless_closed(seen, call, now(), failed);
        };
        let timed = failed || self.rules.needs_time();
        let now = if timed { now() } else { Instant::ORIGIN };
        let ended = self.rules.ended(call.started, now, failed);
        if let Some(counters) = &self.counters {
            counters.record(now, ended);
        }
        if failed || ended.slow || consecutive_failures > 0 {
            return self.judge(seen, call, now, ended);
        }
        None
    }

    /// Steps on from closed after a call that was recorded.
    #[cold]
    fn judge(&self, mut seen: u64, call: Call, now: Instant, ended: Ended) -> Option<Transition> {
        let exceeded = (ended.failed || ended.slow)
            && self
                .counters
                .as_ref()
                .is_some_and(|counters| self.rules.exceeded(counters.tally(now), ended));
        loop {
            let word = Word::unpack(seen);
            let Phase::Closed {
                consecutive_failures,
            } = word.phase
            else {
                return None;
            };
            if word.generation != call.generation {
                return None;
            }
            let consecutive = if ended.failed {
                consecutive_failures.saturating_add(1)
            } else {
                0
            };
            let opens = exceeded || ended.failed && self.rules.too_many_failures(consecutive);
            let next = if opens {
                self.opened(word, 0, now)
            } else if consecutive == consecutive_failures {
                return None;
            } else {
                word.with(Phase::Closed {
                    consecutive_failures: consecutive,
                })
            };
            match self.replace(seen, next) {
                Ok(()) => return opens.then(|| word.transition_to(next)),
                Err(now_there) => seen = now_there,
            }
        }
    }

    #[cold]
    fn report_unless_closed(
        &self,
        mut seen: u64,
        call: Call,
        now: Instant,
        failed: bool,
    ) -> Option<Transition> {
        let ended = self.rules.ended(call.started, now, failed);
        loop {
            let word = Word::unpack(seen);
            if word.generation != call.generation {
                return None;
            }
            let probing = match word.phase {
                Phase::HalfOpen(probing) => probing,
                Phase::Disabled => {
                    let counters = self.counters.as_ref()?;
                    counters.record(now, ended);
                    return None;
                }
                Phase::Closed { .. } | Phase::Open { .. } | Phase::ForcedOpen => return None,
            };
            let next = self.after_probe(word, probing, now, ended);
            if let Phase::Closed { .. } = next.phase {
                // Before the circuit closes: nothing of the old time may open it again. If another
                // closes it first, a few of the newest counts may go with the old ones.
                self.clear();
            }
            match self.replace(seen, next) {
                Ok(()) => {
                    let moved = word.generation != next.generation;
                    return moved.then(|| word.transition_to(next));
                }
                Err(now_there) => seen = now_there,
            }
        }
    }

    fn after_probe(&self, word: Word, probing: Probing, now: Instant, ended: Ended) -> Word {
        let out = probing.out.saturating_sub(1);
        let bad = probing.bad + u32::from(ended.failed || ended.slow);
        let good = probing.good + u32::from(!ended.failed && !ended.slow);
        if bad >= self.rules.probe_failures() {
            return self.opened(word, probing.next_reopening(), now);
        }
        if good >= self.rules.probe_successes() {
            return word.step_to(Word::CLOSED.phase);
        }
        word.with(Phase::HalfOpen(Probing {
            out,
            good,
            bad,
            ..probing
        }))
    }

    fn opened(&self, word: Word, reopenings: u32, now: Instant) -> Word {
        let until = EndOfOpen::at(self.rules.open_until(now, reopenings));
        word.step_to(Phase::Open { until, reopenings })
    }

    /// Refuses all calls until [`reset`](Self::reset) or [`disable`](Self::disable).
    pub fn force_open(&self) -> Option<Transition> {
        self.set(Phase::ForcedOpen)
    }

    /// Lets all calls through, still counting, until [`reset`](Self::reset) or
    /// [`force_open`](Self::force_open).
    pub fn disable(&self) -> Option<Transition> {
        self.set(Phase::Disabled)
    }

    /// Closes the circuit and forgets what it has seen. Calls that are out will not count.
    pub fn reset(&self) -> Option<Transition> {
        self.clear();
        self.set(Word::CLOSED.phase)
    }

    /// Steps to a new period; `None` when the state is the same.
    fn set(&self, phase: Phase) -> Option<Transition> {
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let next = word.step_to(phase);
            match self.replace(seen, next) {
                Ok(()) => {
                    let transition = word.transition_to(next);
                    return (transition.from != transition.to).then_some(transition);
                }
                Err(now_there) => seen = now_there,
            }
        }
    }

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

    /// Panics when the state is one that no history leads to.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    #[expect(clippy::missing_panics_doc, reason = "its first line says when")]
    pub fn check_invariants(&self, now: Instant) {
        let rules = &self.rules;
        match Word::unpack(self.load()).phase {
            Phase::Closed {
                consecutive_failures,
            } => {
                assert!(
                    !rules.too_many_failures(consecutive_failures),
                    "it should be open"
                );
            }
            Phase::HalfOpen(probing) => {
                assert!(probing.out <= rules.probes(), "too many probes");
                assert!(
                    probing.good < rules.probe_successes(),
                    "it should be closed"
                );
                assert!(probing.bad < rules.probe_failures(), "it should be open");
            }
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
        let stats = self.stats_at(now);
        assert!(stats.failures <= stats.calls, "more failures than calls");
        assert!(
            stats.slow_calls <= stats.calls,
            "more slow calls than calls"
        );
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
    fn replace(&self, seen: u64, next: Word) -> Result<(), u64> {
        self.word
            .compare_exchange(seen, next.pack(), Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
    }
}

impl Word {
    #[inline]
    const fn call(self, now: Instant, half_opened: bool) -> Call {
        Call {
            started: now,
            generation: self.generation,
            half_opened,
        }
    }

    const fn state(self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::Disabled => State::Disabled,
        }
    }

    const fn transition_to(self, next: Self) -> Transition {
        let (from, to) = (self.state(), next.state());
        Transition { from, to }
    }

    const fn refusal(self, retry_after: Duration) -> Open {
        let state = self.state();
        Open { state, retry_after }
    }
}
