//! How long entries live.
//!
//! | what | rule |
//! |---|---|
//! | [`TimeToLive`] | so long after it was inserted or its value replaced |
//! | [`TimeToIdle`] | so long after it was last used |
//! | an [`Expiry`] of your own | whatever key, value and the occasion say |
//! | [`Jitter`] | makes a duration shorter, for each key by another part of it |
//!
//! An entry is expired when the clock has reached its deadline, for everyone who looks, from then on. Its memory is freed
//! later, by operations that come by, a few entries each ([`wheel`](crate::wheel)). An entry with a lifetime of zero
//! expires as it comes in: nobody ever sees it. A lifetime that ends past [`Instant::MAX`] has no end.
//!
//! [`Times`] is what a cache keeps for it: a deadline for each slot, which readers may put off together.

mod jitter;
mod times;

pub use jitter::{Jitter, JitterError};
pub use times::Times;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;
use purlin_core::time::Instant;

/// Decides how long each entry lives.
///
/// All answers count from `now`; `None` is for ever. They are asked for when an entry comes in, when its value is
/// replaced, and when it is read. Without an implementation, an entry lives for ever, and to the end it had when it is
/// replaced or read, so that an implementation says only what it wants otherwise. The three occasions are those of Caffeine's `Expiry`.
///
/// # Implementing
///
/// Do answer fast and without side effects: a cache may ask under a lock. Do not panic. In
/// [`expire_after_read`](Self::expire_after_read), rather lengthen a life than shorten it: readers that share an entry
/// can put its deadline off together, while an earlier one takes the entry's lock for one of them.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::expiry::Expiry;
/// use purlin_core::time::Instant;
///
/// /// Failed look-ups are kept for a second, results as long as they say.
/// struct ByResult;
///
/// impl Expiry<String, Result<Duration, ()>> for ByResult {
///     fn expire_after_create(
///         &self,
///         _key: &String,
///         value: &Result<Duration, ()>,
///         _now: Instant,
///     ) -> Option<Duration> {
///         Some(value.unwrap_or(Duration::from_secs(1)))
///     }
/// }
///
/// let key = "example.org".to_string();
/// let after = ByResult.expire_after_create(&key, &Err(()), Instant::ORIGIN);
/// assert_eq!(after, Some(Duration::from_secs(1)));
/// // Reading does not change it.
/// let left = Some(Duration::from_millis(300));
/// assert_eq!(ByResult.expire_after_read(&key, &Err(()), Instant::ORIGIN, left), left);
/// ```
pub trait Expiry<K: ?Sized, V: ?Sized> {
    /// How long an entry lives that was not here.
    fn expire_after_create(&self, key: &K, value: &V, now: Instant) -> Option<Duration> {
        let _ = (key, value, now);
        None
    }

    /// How long an entry lives on whose value was replaced by `value`; it had `current` left.
    fn expire_after_update(
        &self,
        key: &K,
        value: &V,
        now: Instant,
        current: Option<Duration>,
    ) -> Option<Duration> {
        let _ = (key, value, now);
        current
    }

    /// How long an entry lives on that was read; it had `current` left.
    fn expire_after_read(
        &self,
        key: &K,
        value: &V,
        now: Instant,
        current: Option<Duration>,
    ) -> Option<Duration> {
        let _ = (key, value, now);
        current
    }
}

macro_rules! through_pointer {
    ($($pointer:ty),*) => {$(
        impl<K: ?Sized, V: ?Sized, E: Expiry<K, V> + ?Sized> Expiry<K, V> for $pointer {
            fn expire_after_create(&self, key: &K, value: &V, now: Instant) -> Option<Duration> {
                (**self).expire_after_create(key, value, now)
            }

            fn expire_after_update(
                &self,
                key: &K,
                value: &V,
                now: Instant,
                current: Option<Duration>,
            ) -> Option<Duration> {
                (**self).expire_after_update(key, value, now, current)
            }

            fn expire_after_read(
                &self,
                key: &K,
                value: &V,
                now: Instant,
                current: Option<Duration>,
            ) -> Option<Duration> {
                (**self).expire_after_read(key, value, now, current)
            }
        }
    )*};
}

through_pointer!(&E, Box<E>, Arc<E>);

/// An entry lives so long after it was inserted or its value replaced, however often it is read.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::expiry::{Expiry, TimeToLive};
/// use purlin_core::time::Instant;
///
/// let minute = TimeToLive(Duration::from_secs(60));
/// let left = Some(Duration::from_secs(10));
/// assert_eq!(minute.expire_after_update("key", "new", Instant::ORIGIN, left), Some(minute.0));
/// assert_eq!(minute.expire_after_read("key", "new", Instant::ORIGIN, left), left);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeToLive(pub Duration);

impl<K: ?Sized, V: ?Sized> Expiry<K, V> for TimeToLive {
    fn expire_after_create(&self, _: &K, _: &V, _: Instant) -> Option<Duration> {
        Some(self.0)
    }

    fn expire_after_update(
        &self,
        _: &K,
        _: &V,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.0)
    }
}

/// An entry lives so long after it was last inserted, replaced or read.
///
/// For a time to live and a time to idle at once, of which the earlier end counts, give the latter to
/// [`Times::new`]: an [`Expiry`] that is asked what comes after a read does not know how long the other would have gone on.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::expiry::{Expiry, TimeToIdle};
/// use purlin_core::time::Instant;
///
/// let minute = TimeToIdle(Duration::from_secs(60));
/// let left = Some(Duration::from_secs(10));
/// assert_eq!(minute.expire_after_read("key", "value", Instant::ORIGIN, left), Some(minute.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeToIdle(pub Duration);

impl<K: ?Sized, V: ?Sized> Expiry<K, V> for TimeToIdle {
    fn expire_after_create(&self, _: &K, _: &V, _: Instant) -> Option<Duration> {
        Some(self.0)
    }

    fn expire_after_update(
        &self,
        _: &K,
        _: &V,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.0)
    }

    fn expire_after_read(&self, _: &K, _: &V, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(self.0)
    }
}
