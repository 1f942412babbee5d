use crate::store::Change;
use core::ops::AddAssign;
use core::time::Duration;
use thiserror::Error;

/// How a [`WriteBehind`](super::WriteBehind) writes.
///
/// ```
/// use purlin_cache::store::{AtCapacity, WriteBehindConfig};
///
/// let config = WriteBehindConfig {
///     at_capacity: AtCapacity::WriteNow,
///     ..WriteBehindConfig::default()
/// };
/// assert_eq!(config.max_batch, 128);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteBehindConfig {
    /// A change is due so long after it was made, or after the first one since the last write of its key: later
    /// ones do not put it off. One second by default.
    pub max_delay: Duration,
    /// How many changes go into one [`write_many`](crate::store::Store::write_many); zero counts as one. 128 by default.
    pub max_batch: usize,
    /// How many keys have changes in the buffer at most. 65,536 by default.
    pub capacity: usize,
    /// What happens to a change of one key more.
    pub at_capacity: AtCapacity,
    /// When a change is tried again that has failed for the first time; twice as long each time. 100 ms by default.
    pub retry_delay: Duration,
    /// The longest of these delays. 30 seconds by default.
    pub max_retry_delay: Duration,
}

impl WriteBehindConfig {
    /// How long after a failure, the first being number one.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1));
        let delay = self.retry_delay.saturating_mul(factor.unwrap_or(u32::MAX));
        delay.min(self.max_retry_delay)
    }
}

impl Default for WriteBehindConfig {
    fn default() -> Self {
        Self {
            max_delay: Duration::from_secs(1),
            max_batch: 128,
            capacity: 65_536,
            at_capacity: AtCapacity::default(),
            retry_delay: Duration::from_millis(100),
            max_retry_delay: Duration::from_secs(30),
        }
    }
}

/// What happens to a change when the buffer is full of other keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtCapacity {
    /// The caller gets it back.
    #[default]
    Refuse,
    /// The caller writes it to the store, as with a [`WriteThrough`](crate::store::WriteThrough).
    WriteNow,
}

/// Why a change was not taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteBehindError<V, E> {
    /// The buffer is full. Nothing has changed.
    #[error(
        "as many changes wait for the store as the buffer may hold; flush, or give it more capacity"
    )]
    Full(Change<V>),
    /// The buffer is full, and the store has failed to take it at once. The key is not in the cache.
    #[error("the store failed: {0}")]
    Store(E),
}

/// A change that could not be written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GivenUp<K, V, E> {
    /// The key.
    pub key: K,
    /// What was to become of it.
    pub change: Change<V>,
    /// Why it failed the last time.
    pub error: E,
    /// How often it was tried.
    pub tries: u32,
}

/// What a flush has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flushed {
    /// Changes that the store has now.
    pub written: usize,
    /// Changes that it has refused; they wait for another try.
    pub failed: usize,
    /// Changes that were given up.
    pub given_up: usize,
}

impl AddAssign for Flushed {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.failed += other.failed;
        self.given_up += other.given_up;
    }
}
