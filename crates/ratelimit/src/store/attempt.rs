//! Compare-and-swap until it succeeds, without the store.

use super::StoredState;
use super::encoding::{from_bytes, to_bytes};
use crate::algorithm::Algorithm;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use purlin_core::time::Instant;

/// One call of a limiter whose state lies in a store: says what to do there and is told what came of
/// it. It does no input or output itself, so that blocking and asynchronous clients run the same code.
///
/// Ask for the [`step`](Self::step), do it, report it, until it is [`Step::Done`]. A swap that somebody
/// else forestalled is tried again on the new value, as often as `tries` says; wait a random moment
/// before you read again if many contend. Nothing is written where the state does not change, as by a
/// refusal. Dropped before it is done, it admitted nothing, though it may have written.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::store::{Attempt, Step};
/// use purlin_ratelimit::{Algorithm, Gcra, Instant, Quota};
///
/// let rule = Gcra::new(Quota::per_second(1)?)?;
/// let mut value: Option<(u64, Vec<u8>)> = None; // The store: a version, and bytes.
///
/// let mut attempt = Attempt::new(&rule, Instant::from_secs(1), 5, |rule: &Gcra, state, now| {
///     rule.decide(state, now, 1)
/// });
/// loop {
///     // In your service: `client.get(key).await`, `client.swap(..).await`.
///     match attempt.step() {
///         Step::Read => attempt.read(value.clone(), None),
///         Step::Swap { expected, value: new, .. } => {
///             let unchanged = value.as_ref().map(|(version, _)| version) == expected;
///             if unchanged {
///                 value = Some((expected.map_or(1, |version| version + 1), new.to_vec()));
///             }
///             attempt.swapped(unchanged);
///         }
///         Step::Done => break,
///     }
/// }
/// assert_eq!(attempt.finish(), Ok(Ok(())));
/// assert!(value.is_some());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Attempt<'a, A, V, F, R> {
    algorithm: &'a A,
    now: Instant,
    tries: u32,
    update: F,
    phase: Phase<V, R>,
}

enum Phase<V, R> {
    Read,
    Swap {
        expected: Option<V>,
        value: Vec<u8>,
        ttl: Duration,
        result: R,
    },
    Done(R),
    Failed(AttemptError),
}

/// What to do next with the store.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a, V> {
    /// Read the key, and [report](Attempt::read) what is there.
    Read,
    /// Write the value if the version is still the same, and [report](Attempt::swapped) whether it
    /// was.
    Swap {
        /// The version that must still be there; `None` if nothing was there.
        expected: Option<&'a V>,
        /// What to write.
        value: &'a [u8],
        /// How long it has to be kept: until the state is that of a limiter that nobody used yet,
        /// rounded up to whole seconds. [`Duration::MAX`] where that time is not known.
        ttl: Duration,
    },
    /// [Take the result](Attempt::finish).
    Done,
}

/// Why there is no result. Nothing was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// Others always came first.
    #[error("the value changed between read and write at every try")]
    Contended,
    /// What is under the key is a state of another rule, or of this one configured otherwise. It is left
    /// alone, until its time to live is over.
    #[error("the value under the key is the state of another rule")]
    AnotherRule,
    /// What is under the key was not written by this version, or is no state. It is left alone.
    #[error("the value under the key is no state of this limiter")]
    Format,
    /// The attempt is not done yet.
    #[error("the attempt is not done")]
    Unfinished,
}

impl<'a, A, V, F, R> Attempt<'a, A, V, F, R>
where
    A: Algorithm<State: StoredState>,
    F: FnMut(&A, &mut A::State, Instant) -> R,
{
    /// A call of `update` on the stored state, at an instant, with at most `tries` swaps (at least
    /// one).
    pub const fn new(algorithm: &'a A, now: Instant, tries: u32, update: F) -> Self {
        let phase = Phase::Read;
        Self {
            algorithm,
            now,
            tries,
            update,
            phase,
        }
    }

    /// What to do next.
    pub fn step(&self) -> Step<'_, V> {
        match &self.phase {
            Phase::Read => Step::Read,
            Phase::Swap {
                expected,
                value,
                ttl,
                ..
            } => Step::Swap {
                expected: expected.as_ref(),
                value,
                ttl: *ttl,
            },
            Phase::Done(_) | Phase::Failed(_) => Step::Done,
        }
    }

    /// Reports what is under the key, and the instant by the store's clock if it told its time. Without
    /// effect unless the step was [`Step::Read`].
    pub fn read(&mut self, entry: Option<(V, Vec<u8>)>, now: Option<Instant>) {
        if !matches!(self.phase, Phase::Read) {
            return;
        }
        let (expected, seen) = match entry {
            Some((version, bytes)) => (Some(version), Some(bytes)),
            None => (None, None),
        };
        let state = seen.as_deref().map_or_else(
            || Ok(A::State::default()),
            |bytes| from_bytes(self.algorithm, bytes),
        );
        let mut state = match state {
            Ok(state) => state,
            Err(error) => {
                self.phase = Phase::Failed(error);
                return;
            }
        };
        let now = now.unwrap_or(self.now);
        let before = seen.unwrap_or_else(|| to_bytes(self.algorithm, &state));
        let result = (self.update)(self.algorithm, &mut state, now);
        let value = to_bytes(self.algorithm, &state);
        self.phase = if value == before {
            Phase::Done(result)
        } else {
            let reset = self.algorithm.inspect(&state, now, 0).reset_after;
            Phase::Swap {
                expected,
                value,
                ttl: whole_seconds(reset),
                result,
            }
        };
    }

    /// Reports whether the value was written. Without effect unless the step was [`Step::Swap`].
    pub fn swapped(&mut self, written: bool) {
        let phase = core::mem::replace(&mut self.phase, Phase::Read);
        self.phase = match phase {
            Phase::Swap { result, .. } if written => Phase::Done(result),
            Phase::Swap { .. } => {
                self.tries = self.tries.saturating_sub(1);
                match self.tries {
                    0 => Phase::Failed(AttemptError::Contended),
                    _ => Phase::Read,
                }
            }
            other => other,
        };
    }

    /// What `update` answered, on the state that it then was.
    ///
    /// # Errors
    ///
    /// [`AttemptError`]: nothing was admitted.
    pub fn finish(self) -> Result<R, AttemptError> {
        match self.phase {
            Phase::Done(result) => Ok(result),
            Phase::Failed(error) => Err(error),
            Phase::Read | Phase::Swap { .. } => Err(AttemptError::Unfinished),
        }
    }
}

/// Rounded up, as stores count, and at least one: some take zero for "always".
fn whole_seconds(duration: Duration) -> Duration {
    if duration == Duration::MAX {
        return duration;
    }
    let up = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs(duration.as_secs().saturating_add(up).max(1))
}

impl<A, V, F, R> fmt::Debug for Attempt<'_, A, V, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("now", &self.now)
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}
