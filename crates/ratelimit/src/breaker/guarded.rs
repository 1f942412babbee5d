use super::{BreakerConfig, BreakerStats, Call, CircuitBreaker, Open, State, Transition};
use crate::{Clock, ConfigError};

/// A [`CircuitBreaker`] with a clock: calls report through a guard.
///
/// The clock is read only where the time makes a difference: not for a call through a closed circuit
/// that succeeds, unless slow calls or a [`Window::Time`](super::Window::Time) are watched.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::ManualClock;
/// use purlin_ratelimit::breaker::{Breaker, BreakerConfig, CallError, State};
///
/// let clock = ManualClock::new();
/// let config = BreakerConfig::new().consecutive_failures(2).open_for(Duration::from_secs(10));
/// let breaker = Breaker::new(config, clock.clone())?;
///
/// let answer = breaker.call(|| "7".parse::<u32>());
/// assert_eq!(answer, Ok(7));
///
/// for _ in 0..2 {
///     assert!(matches!(breaker.call(|| "x".parse::<u32>()), Err(CallError::Failed(_))));
/// }
/// assert!(matches!(breaker.call(|| "7".parse::<u32>()), Err(CallError::Open(_))));
///
/// clock.advance(Duration::from_secs(10));
/// assert_eq!(breaker.call(|| "7".parse::<u32>()), Ok(7));
/// assert_eq!(breaker.state(), State::Closed);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Breaker<C> {
    core: CircuitBreaker,
    clock: C,
}

/// What the end of a call says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It works.
    Success,
    /// It does not.
    Failure,
    /// Nothing: the caller's own fault, or a call that was given up.
    Ignored,
}

/// Why [`Breaker::call`] has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    /// The call was not made.
    #[error(transparent)]
    Open(#[from] Open),
    /// The call was made and failed.
    #[error("the call failed: {0}")]
    Failed(E),
}

impl<C: Clock> Breaker<C> {
    /// A closed circuit that has seen nothing.
    ///
    /// # Errors
    ///
    /// As [`CircuitBreaker::new`].
    pub fn new(config: BreakerConfig, clock: C) -> Result<Self, ConfigError> {
        let core = CircuitBreaker::new(config)?;
        Ok(Self { core, clock })
    }

    /// Lets a call through, or not.
    ///
    /// # Errors
    ///
    /// [`Open`], with the time to come back.
    #[inline]
    pub fn try_call(&self) -> Result<CallGuard<'_, C>, Open> {
        let call = self.core.try_acquire_by(&self.clock)?;
        Ok(CallGuard {
            breaker: self,
            call: Some(call),
            #[cfg(feature = "std")]
            unwinds: std::thread::panicking(),
        })
    }

    /// Makes the call if it is let through; an `Err` counts as a failure, a panic too.
    ///
    /// # Errors
    ///
    /// [`CallError::Open`] when the call was not made, [`CallError::Failed`] with its error.
    #[inline]
    pub fn call<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        self.call_judged(f, |answer| match answer {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        })
    }

    /// Makes the call if it is let through; `judge` says what its answer means for the circuit. A
    /// panic is a failure.
    ///
    /// ```
    /// use purlin_ratelimit::SystemClock;
    /// use purlin_ratelimit::breaker::{Breaker, BreakerConfig, Outcome, State};
    ///
    /// let breaker = Breaker::new(BreakerConfig::new().consecutive_failures(1), SystemClock::new())?;
    /// let answer = breaker.call_judged(
    ///     || Err::<(), u16>(404),
    ///     |answer| match answer {
    ///         Ok(()) | Err(..500) => Outcome::Success,
    ///         Err(_) => Outcome::Failure,
    ///     },
    /// );
    /// assert!(answer.is_err());
    /// assert_eq!(breaker.state(), State::Closed);
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Open`] when the call was not made, [`CallError::Failed`] with its error,
    /// whatever its judgement.
    #[inline]
    pub fn call_judged<T, E>(
        &self,
        f: impl FnOnce() -> Result<T, E>,
        judge: impl FnOnce(&Result<T, E>) -> Outcome,
    ) -> Result<T, CallError<E>> {
        let mut fails = FailsUnlessTaken {
            call: Some(self.core.try_acquire_by(&self.clock)?),
            breaker: self,
        };
        let answer = f();
        let outcome = judge(&answer);
        if let Some(call) = fails.call.take() {
            self.report(call, outcome);
        }
        answer.map_err(CallError::Failed)
    }

    #[inline]
    fn report(&self, call: Call, outcome: Outcome) -> Option<Transition> {
        match outcome {
            Outcome::Success => self.core.report(&call, false, || self.clock.now()),
            Outcome::Failure => self.core.report(&call, true, || self.clock.now()),
            Outcome::Ignored => {
                self.core.ignore(call);
                None
            }
        }
    }

    /// The state that a call would find now.
    #[must_use]
    pub fn state(&self) -> State {
        self.core.state_at(self.clock.now())
    }

    /// The state and the counts now.
    #[must_use]
    pub fn stats(&self) -> BreakerStats {
        self.core.stats_at(self.clock.now())
    }

    /// The circuit itself, to reset it or to force it open.
    pub const fn core(&self) -> &CircuitBreaker {
        &self.core
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}

/// A call that a closure makes. Only a panic of the closure drops it with the call still in it, so
/// nobody needs to ask whether the thread panics.
struct FailsUnlessTaken<'b, C: Clock> {
    breaker: &'b Breaker<C>,
    call: Option<Call>,
}

impl<C: Clock> Drop for FailsUnlessTaken<'_, C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.breaker.report(call, Outcome::Failure);
        }
    }
}

/// A call on its way through a [`Breaker`].
///
/// Dropped without a word it counts for nothing, as [`ignore`](Self::ignore): a cancelled future
/// says nothing about the server. Dropped by a panic it counts as a failure (with feature `std`;
/// without, nobody can tell a panic from a return).
#[derive(Debug)]
#[must_use = "dropped at once, the call counts for nothing"]
pub struct CallGuard<'b, C: Clock> {
    breaker: &'b Breaker<C>,
    /// `None` once reported.
    call: Option<Call>,
    /// Whether the thread was unwinding already, so that only a panic of the call itself counts.
    #[cfg(feature = "std")]
    unwinds: bool,
}

#[expect(
    clippy::must_use_candidate,
    reason = "reporting is the point; the transition is for whoever logs it"
)]
impl<C: Clock> CallGuard<'_, C> {
    /// The call succeeded.
    #[inline]
    pub fn success(self) -> Option<Transition> {
        self.end(Outcome::Success)
    }

    /// The call failed.
    #[inline]
    pub fn failure(self) -> Option<Transition> {
        self.end(Outcome::Failure)
    }

    /// The call says nothing about the server.
    pub fn ignore(self) {
        drop(self);
    }

    /// The call ended so.
    #[inline]
    pub fn end(mut self, outcome: Outcome) -> Option<Transition> {
        let call = self.call.take()?;
        self.breaker.report(call, outcome)
    }

    /// The step that letting the call through took: from open to half-open, for the first probe.
    #[must_use]
    pub fn transition(&self) -> Option<Transition> {
        self.call.as_ref().and_then(Call::transition)
    }

    #[cfg(feature = "std")]
    fn panicked(&self) -> bool {
        std::thread::panicking() && !self.unwinds
    }

    #[cfg(not(feature = "std"))]
    #[expect(clippy::unused_self, reason = "as with std")]
    const fn panicked(&self) -> bool {
        false
    }
}

impl<C: Clock> Drop for CallGuard<'_, C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let outcome = if self.panicked() {
                Outcome::Failure
            } else {
                Outcome::Ignored
            };
            self.breaker.report(call, outcome);
        }
    }
}
