//! Refreshing: values are loaded again before, or shortly after, their time is over, while those who ask get the old ones.
//!
//! A [`Refreshing`] cache is built by [`Builder::build_refreshing`](crate::Builder::build_refreshing), from what its [`Staleness`] allows:
//!
//! | an entry | `get` | [`get_or_refresh`](Refreshing::get_or_refresh) |
//! |---|---|---|
//! | is young | finds it | [`Fresh`](Served::Fresh) |
//! | is older than [`refresh_after_write`](Staleness::refresh_after_write) | finds it | one caller loads, the others get it as [`Stale`](Served::Stale) at once |
//! | has expired since less than [`stale_while_revalidate`](Staleness::stale_while_revalidate) | does not | the same |
//! | has expired since less than [`stale_if_error`](Staleness::stale_if_error) | does not | one loads, the others wait; if the load fails all get it as [`StaleIfError`](Served::StaleIfError) |
//! | has expired before | does not | one loads, the others wait |
//!
//! The last two windows are those of HTTP (RFC 5861), the first is Caffeine's. A refresh is a flight like any load (see
//! [`load`](crate::load)), with all its promises: there is one at a time for a key, and an insertion or an invalidation meanwhile wins
//! over what it brings. No thread is started: the caller who has to load does it itself, or takes a [`Refresh`] from
//! [`get_and_refresh`](Refreshing::get_and_refresh) to where it shall run.
//!
//! After a refresh that failed the next caller tries again, one at a time: put a breaker into the loader if that is too often.
//!
//! ```
//! use core::time::Duration;
//! use purlin_cache::sync::Cache;
//! use purlin_cache::sync::refresh::{Served, Staleness};
//! use purlin_core::time::ManualClock;
//!
//! let clock = ManualClock::new();
//! let minute = Duration::from_secs(60);
//! let prices = Cache::builder(100)
//!     .time_to_live(5 * minute)
//!     .clock(clock.clone())
//!     .build_refreshing(
//!         Staleness::none()
//!             .refresh_after_write(minute)
//!             .stale_if_error(60 * minute),
//!     );
//!
//! let loaded = prices.get_or_refresh("plum", || Ok::<_, &str>(3))?;
//! assert!(matches!(loaded, Served::Loaded(3)));
//! clock.advance(minute);
//! let loaded = prices.get_or_refresh("plum", || Ok::<_, &str>(4))?;
//! assert!(matches!(loaded, Served::Loaded(4)));
//!
//! clock.advance(10 * minute);
//! assert_eq!(prices.get("plum"), None); // its time is over
//! let old = prices.get_or_refresh("plum", || Err("no route"))?;
//! assert!(matches!(old, Served::StaleIfError { value: 4, age, .. } if age == 10 * minute));
//! # Ok::<_, purlin_cache::LoadError<&str>>(())
//! ```

#[cfg(feature = "async")]
mod asynchronous;
mod build;
mod look;
mod served;
mod token;

pub use served::{Served, Staleness};
pub use token::Refresh;

use super::Cache;
use super::load::settled;
use crate::load::{Flight, LoadError};
use crate::policy::{Adaptive, Policy};
use crate::stats::Stats;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use foldhash::fast::RandomState;
use look::Found;
use purlin_core::time::Instant;

/// A cache that loads values again while the old ones are still served. See the [module](self).
///
/// Its clones are the same cache.
pub struct Refreshing<K, V, P = Adaptive, S = RandomState> {
    cache: Arc<Cache<K, Timed<V>, P, S>>,
    staleness: Staleness,
}

/// A value and when it was put in.
#[derive(Clone, Debug)]
pub(super) struct Timed<V> {
    value: V,
    written: Instant,
}

impl<K, V, P, S> Refreshing<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// The value of a key, if its time is not over. Counts as a use, and refreshes nothing.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.cache.hasher.hash_one(key);
        let value = self.live(hash, key, self.cache.now());
        self.count(hash, value.is_some());
        value
    }

    /// The value of a key; loaded in this call if it is not here, or if it has to be refreshed and nobody else is
    /// doing that. Otherwise a value that may be served is returned at once, and any other is waited for.
    ///
    /// # Errors
    ///
    /// As [`try_get_with`](Cache::try_get_with), where there is no value that may be served in spite of the error.
    ///
    /// # Panics
    ///
    /// With what `load` panics with. Others who wait for it get the old value as for an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::sync::refresh::{Served, Staleness};
    ///
    /// let squares = Cache::builder(100).build_refreshing(Staleness::none());
    /// let first = squares.get_or_refresh(7, || Ok::<_, ()>(49)).unwrap();
    /// assert!(matches!(first, Served::Loaded(49)));
    /// let second = squares.get_or_refresh(7, || Err(())).unwrap();
    /// assert!(matches!(second, Served::Fresh(49)));
    /// ```
    pub fn get_or_refresh<E>(
        &self,
        key: K,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<Served<V, E>, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        let hash = self.cache.hasher.hash_one(&key);
        let served = self.look(hash, &key, self.cache.now());
        self.count(hash, served.is_some());
        if let Some(served) = served {
            return Ok(served);
        }
        let mut key = Arc::new(key);
        loop {
            let flight = match self.board(hash, key, Flight::led_here) {
                Found::Served(served) => return Ok(served),
                Found::Leads(lead, _) => {
                    let error = match load() {
                        Ok(value) => return Ok(Served::Loaded(lead.land(self.stamp(value)).value)),
                        Err(error) => Arc::new(error),
                    };
                    // Looked for while the key is there.
                    let old = lead.key().and_then(|key| self.old(hash, key));
                    return match lead.fail(error) {
                        Ok(newer) => Ok(Served::Loaded(newer.value)),
                        Err(error) => Served::in_spite_of(LoadError::Failed(error), old),
                    };
                }
                Found::Waits(flight, back) => {
                    key = back;
                    flight
                }
            };
            let result = match self.cache.waits.wait(&flight) {
                Some(outcome) => settled(outcome, false),
                None => Some(Err(LoadError::Reentrant)),
            };
            match result {
                Some(Ok(loaded)) => return Ok(Served::Loaded(loaded.value)),
                Some(Err(error)) => return Served::in_spite_of(error, self.old(hash, &*key)),
                None => {}
            }
        }
    }

    /// What may be served of a key right now, and what has to be done about it: if somebody should load it and nobody
    /// does, the [`Refresh`] is this caller's, to run now, in another thread, or in a task.
    ///
    /// Never waits: without a value and without a `Refresh` somebody else is loading it.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::sync::refresh::{Served, Staleness};
    ///
    /// let eager = Staleness::none().refresh_after_write(Duration::ZERO);
    /// let cache = Cache::builder(100).build_refreshing(eager);
    /// cache.insert(7, "old");
    ///
    /// let (served, refresh) = cache.get_and_refresh(7);
    /// assert!(matches!(served, Some(Served::Stale { value: "old", .. })));
    /// let refresh = refresh.expect("it has to be refreshed");
    /// assert!(cache.get_and_refresh(7).1.is_none()); // by one only
    ///
    /// let worker = std::thread::spawn(|| refresh.run(|| Ok::<_, ()>("new")));
    /// assert_eq!(worker.join().unwrap().unwrap(), "new");
    /// assert_eq!(cache.get(&7), Some("new"));
    /// ```
    #[expect(clippy::type_complexity, reason = "both are taken apart at once")]
    pub fn get_and_refresh(&self, key: K) -> (Option<Served<V>>, Option<Refresh<K, V, P, S>>) {
        let hash = self.cache.hasher.hash_one(&key);
        let served = self.look(hash, &key, self.cache.now());
        self.count(hash, served.is_some());
        if served.is_some() {
            return (served, None);
        }
        match self.board(hash, Arc::new(key), Flight::led_later) {
            Found::Served(served) => (Some(served), None),
            Found::Waits(..) => (None, None),
            Found::Leads(lead, old) => {
                let refresh = Refresh::new(self.clone(), hash, lead.into_flight());
                (old.and_then(Served::while_revalidating), Some(refresh))
            }
        }
    }

    /// Puts a value in.
    pub fn insert(&self, key: K, value: V) {
        self.cache.insert(key, self.stamp(value));
    }

    /// Puts a value in that lives so long at most. As [`Cache::insert_with_ttl`].
    pub fn insert_with_ttl(&self, key: K, value: V, time_to_live: Duration) {
        self.cache
            .insert_with_ttl(key, self.stamp(value), time_to_live);
    }

    /// Removes a value, also one that is stale, and returns whether there was one. It is not served any more, and what is being
    /// loaded does not enter.
    pub fn invalidate<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.cache.invalidate(key)
    }

    /// As [`Cache::invalidate_if`], for stale values too.
    pub fn invalidate_if(&self, mut predicate: impl FnMut(&K, &V) -> bool) {
        self.cache
            .invalidate_if(|key, timed| predicate(key, &timed.value));
    }

    /// As [`Cache::invalidate_all`].
    pub fn invalidate_all(&self) {
        self.cache.invalidate_all();
    }

    /// As [`Cache::run_pending`].
    pub fn run_pending(&self) {
        self.cache.run_pending();
    }

    /// How many entries are here, with those that are stale.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }

    /// What the entries weigh together.
    #[must_use]
    pub fn weighted_size(&self) -> u64 {
        self.cache.weighted_size()
    }

    /// Counts so far. What is served at once is a hit, also if it is stale.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }

    fn stamp(&self, value: V) -> Timed<V> {
        Timed {
            value,
            written: self.cache.now(),
        }
    }

    fn count(&self, hash: u64, hit: bool) {
        if self.cache.records_stats {
            self.cache.shards.count_lookup(hash, hit);
        }
    }
}

impl<K, V, P, S> Clone for Refreshing<K, V, P, S> {
    fn clone(&self) -> Self {
        Self {
            cache: Arc::clone(&self.cache),
            staleness: self.staleness,
        }
    }
}

impl<K, V, P, S> fmt::Debug for Refreshing<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshing")
            .field("cache", &self.cache)
            .field("staleness", &self.staleness)
            .finish()
    }
}
