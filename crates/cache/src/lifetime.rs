//! How long the entries of a cache live: what its builder was told, and the clock that says what time it is.

use crate::expiry::{Expiry, Jitter, Times};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;
use purlin_core::time::{Clock, Instant};

/// An entry's way to its deadline.
pub(crate) struct Lifetimes<K, V> {
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) expiry: Option<Box<dyn Expiry<K, V> + Send + Sync>>,
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) time_to_idle: Option<Duration>,
    pub(crate) jitter: Option<Jitter>,
    /// How long entries stay after their time is over, for those who serve stale ones.
    pub(crate) grace: Duration,
}

/// How long one entry is to live.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// As the cache has it for all.
    Usual,
    /// From now on, at most.
    For(Duration),
    /// Until then, at most.
    Until(Instant),
}

impl<K, V> Lifetimes<K, V> {
    pub(crate) fn new(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self {
            clock,
            expiry: None,
            time_to_live: None,
            time_to_idle: None,
            jitter: None,
            grace: Duration::ZERO,
        }
    }

    /// What a shard keeps of time, if entries do not live for ever.
    pub(crate) fn times(&self) -> Option<Times> {
        let lives_end = self.expiry.is_some() || self.time_to_live.is_some();
        (lives_end || self.time_to_idle.is_some()).then(|| Times::new(self.time_to_idle))
    }

    /// When an entry that has come in has to leave. `current` is when the one had to whose place it has taken.
    pub(crate) fn deadline(
        &self,
        key: &K,
        value: &V,
        hash: u64,
        now: Instant,
        life: Life,
        current: Option<Instant>,
    ) -> Instant {
        let asked = |expiry: &dyn Expiry<K, V>| match current.map(|at| self.left(at, now)) {
            // What is over is not continued.
            None | Some(Some(Duration::ZERO)) => expiry.expire_after_create(key, value, now),
            Some(left) => expiry.expire_after_update(key, value, now, left),
        };
        let own = match life {
            Life::Usual => self.expiry.as_ref().and_then(|expiry| asked(&**expiry)),
            Life::For(duration) => Some(duration),
            // What was agreed on before is not spread once more.
            Life::Until(at) => return self.time_to_live.map_or(at, |most| at.min(now + most)),
        };
        let shortest = [own, self.time_to_live].into_iter().flatten().min();
        shortest.map_or(Instant::MAX, |duration| {
            let spread = self
                .jitter
                .map_or(duration, |jitter| jitter.spread(duration, hash));
            now + spread + self.grace
        })
    }

    /// When an entry that was read has to leave, where its `Expiry` says that this is another time than it was.
    pub(crate) fn deadline_after_read(
        &self,
        key: &K,
        value: &V,
        now: Instant,
        current: Instant,
    ) -> Option<Instant> {
        let left_before = self.left(current, now);
        let expiry = self.expiry.as_ref()?;
        let left_after = expiry.expire_after_read(key, value, now, left_before);
        (left_after != left_before)
            .then(|| left_after.map_or(Instant::MAX, |duration| now + duration + self.grace))
    }

    fn left(&self, deadline: Instant, now: Instant) -> Option<Duration> {
        (deadline < Instant::MAX).then(|| (deadline - now).saturating_sub(self.grace))
    }
}

/// The clock of who has none: it stands still, so that nothing ever expires.
#[cfg(not(feature = "std"))]
pub(crate) struct Stopped;

#[cfg(not(feature = "std"))]
impl Clock for Stopped {
    fn now(&self) -> Instant {
        Instant::ORIGIN
    }
}
