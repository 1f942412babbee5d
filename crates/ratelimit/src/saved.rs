//! States that outlive a process.

use crate::algorithm::Algorithm;
use purlin_core::time::{Instant, UnixTime};

/// The version of what is written.
const FORMAT: u32 = 1;

/// The state of a limiter as data, for a restart or a move to another process: with feature `serde` to
/// be written in any format.
///
/// Instants of one process mean nothing in another. A state is saved with both its instant and the
/// time of the day; what passed meanwhile is measured by the latter. If that went backwards, nothing
/// passed: no tokens come of it.
///
/// # Compatibility
///
/// What is written carries a version. This one reads format 1; of any other it says so. The state is
/// that of one rule in one configuration, whose [fingerprint](Algorithm::fingerprint) is kept with it:
/// [restore](Self::restore) it by the same rule, then [migrate](crate::Reconfigure::migrate) it to
/// another.
///
/// # Examples
///
/// ```
/// use purlin_core::time::UnixTime;
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Saved, Shared};
///
/// let rule = Gcra::new(Quota::per_minute(60)?)?;
/// let limiter = Shared::new(rule.clone());
/// let now = Instant::from_secs(5_000);
/// assert!(limiter.try_acquire_at(now, 60).is_ok());
/// let saved = Saved::new(&rule, limiter.state(), now, UnixTime::from_secs(1_800_000_000));
///
/// // Ten seconds later, in a process that has just begun to count.
/// let now = Instant::from_millis(3);
/// let state = saved.restore(&rule, now, UnixTime::from_secs(1_800_000_010))?;
/// let limiter = Shared::with_state(rule, state);
/// assert_eq!(limiter.peek_at(now, 1).remaining, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Saved<S> {
    version: u32,
    /// The fingerprint of the rule whose state it is.
    rule: u64,
    /// In nanoseconds of the clock by which the limiter was asked.
    at: u64,
    unix: UnixTime,
    state: S,
}

/// Why a state cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Written by another version.
    #[error("the state is of format {found}, and only {FORMAT} is known")]
    Version {
        /// The format.
        found: u32,
    },
    /// Of another rule, or of the same one configured otherwise.
    #[error("the state is that of another rule")]
    AnotherRule,
}

impl<S: Clone> Saved<S> {
    /// The state of a limiter by that rule at an instant, which is that time of the day.
    #[must_use]
    pub fn new<A>(algorithm: &A, state: S, now: Instant, unix: UnixTime) -> Self
    where
        A: Algorithm<State = S>,
    {
        Self {
            version: FORMAT,
            rule: algorithm.fingerprint(),
            at: now.as_nanos(),
            unix,
            state,
        }
    }

    /// The state as it is now, at the instant of another clock, for a holder's `with_state`. By the
    /// same rule as it was saved, with the same origin.
    ///
    /// # Errors
    ///
    /// [`RestoreError::Version`] for what another version wrote, [`RestoreError::AnotherRule`] for the
    /// state of another rule.
    pub fn restore<A>(&self, algorithm: &A, now: Instant, unix: UnixTime) -> Result<S, RestoreError>
    where
        A: Algorithm<State = S>,
    {
        if self.version != FORMAT {
            let found = self.version;
            return Err(RestoreError::Version { found });
        }
        if self.rule != algorithm.fingerprint() {
            return Err(RestoreError::AnotherRule);
        }
        let passed = unix.saturating_duration_since(self.unix);
        let from = Instant::from_nanos(self.at).saturating_add(passed);
        Ok(algorithm.rebase(&self.state, from, now))
    }
}
