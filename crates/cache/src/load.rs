//! Loading: one load of a key at a time, whoever asks.
//!
//! A cache in front of something slow is asked for the same missing key by many at once. The first becomes
//! the *leader* of a *flight* and loads; the others become *waiters* of the flight and get what it brings
//! ("single flight", as Go's `singleflight` and Caffeine's `get(key, loader)` do it). The methods are those of
//! `sync::Cache`: `get_with`, `try_get_with`, `get_all_with`, `get_with_async`, `entry`.
//!
//! # What a flight promises
//!
//! * The loader runs outside of all locks. Other keys, and other operations on the same key, go on meanwhile.
//! * **A change meanwhile wins over the load.** A value that is inserted under the key while it is being
//!   loaded stays, and is what leader and waiters get. When the key is removed or invalidated
//!   meanwhile, those who asked before get what is loaded, but it does not enter the cache, and who asks
//!   later starts a new flight. So nothing that was read before an invalidation is found after it.
//! * **Errors are shared, and never cached.** All waiters with the same type of error get the same one; a
//!   waiter with another type of error, or with a loader that cannot fail, tries for itself.
//! * **A panic stays with its loader.** It goes on in the caller that gave the loader. Waiters get
//!   [`LoadError::Panicked`], or try for themselves where the method has no errors.
//! * **Nobody waits for himself.** A loader that asks for its own key is told [`LoadError::Reentrant`], and
//!   so is, of several threads whose loaders wait for each other's keys in one cache, the one that would
//!   close the circle. Methods without errors panic then. What is not seen: circles through several
//!   caches, through tasks of an async runtime, or through threads that a loader starts and waits for.
//!
//! # Negative caching: remembering that there is nothing
//!
//! Errors are not cached, but absence can be, as a value: with `Option<V>` as the type of values `None` is an
//! entry like any other, which a lookup finds and which keeps the loader from being asked again. Somebody may create it
//! soon, so it should live shorter than what is there: the loaders of `get_with_ttl`, `try_get_with_ttl` and
//! `try_get_with_ttl_async` say so with their value. Who creates it removes the key, or inserts the value, and is seen at once.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use core::time::Duration;
//! use purlin_cache::sync::Cache;
//! use purlin_core::time::ManualClock;
//!
//! let clock = ManualClock::new();
//! let users: Cache<u32, Option<&str>> = Cache::builder(100)
//!     .time_to_live(Duration::from_secs(300))
//!     .clock(clock.clone())
//!     .build();
//! let find = |id| {
//!     users.get_with_ttl(id, || match id {
//!         7 => (Some("Ada"), None),                    // as usual
//!         _ => (None, Some(Duration::from_secs(10))), // not for long
//!     })
//! };
//! assert_eq!((find(7), find(8)), (Some("Ada"), None));
//! assert_eq!(users.get(&8), Some(None)); // known to be absent
//! assert_eq!(users.get(&9), None); // not known
//!
//! clock.advance(Duration::from_secs(10));
//! assert_eq!(users.get(&8), None); // not known any more
//! assert_eq!(users.get(&7), Some(Some("Ada")));
//! # }
//! ```

mod flight;
mod flights;
#[cfg(feature = "async")]
mod future;
mod waits;

pub(crate) use flight::{Flight, Outcome, SharedError};
pub(crate) use flights::{Flights, InFlight};
#[cfg(feature = "async")]
pub(crate) use future::{BoxedLoad, Step};
pub(crate) use waits::Waits;

use alloc::sync::Arc;
use core::error::Error;
use core::fmt;

/// Why there is no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader failed. Everybody who waited for it with this type of error shares this one.
    Failed(Arc<E>),
    /// The loader that this caller waited for panicked, in its own thread or task. Another try is worthwhile:
    /// it may run another loader.
    Panicked,
    /// The load waits for itself: a loader asked, directly or through others, for a key that cannot come before
    /// the loader is done.
    Reentrant,
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Panicked => Self::Panicked,
            Self::Reentrant => Self::Reentrant,
        }
    }
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the load failed: {error}"),
            Self::Panicked => f.write_str("the loader that was waited for panicked"),
            Self::Reentrant => f.write_str(REENTRANT),
        }
    }
}

impl<E: Error + 'static> Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked | Self::Reentrant => None,
        }
    }
}

pub(crate) const REENTRANT: &str = "a loader asked for a key that waits for the loader itself";
