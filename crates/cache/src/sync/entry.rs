//! One key at a time: to insert if absent, or to compute a value from the one before.

use super::Cache;
use super::lead::Lead;
use crate::listener::RemovalCause;
use crate::load::{LoadError, REENTRANT};
use crate::policy::{Adaptive, Policy};
use alloc::sync::Arc;
use core::convert::Infallible;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;

/// A key of a cache, and what can be done about it. From [`Cache::entry`].
///
/// It holds no lock. Closures run outside of all locks: what serialises them is the key's *flight* (see
/// [`load`](crate::load)), of which there is one at a time, so that computations and loads of a key follow each
/// other. `get` does not wait: it sees the value before. `insert` and `remove` do not wait
/// either: one that comes while a computation is under way has its effect after it.
///
/// # Panics
///
/// Methods panic with the message of [`LoadError::Reentrant`] when their closure comes back to its own key,
/// directly or through closures and loaders of other keys.
#[must_use = "an entry does nothing by itself"]
pub struct Entry<'a, K, V, P = Adaptive, S = RandomState> {
    cache: &'a Cache<K, V, P, S>,
    key: K,
}

/// What a computation wants to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<V> {
    /// To put this in.
    Put(V),
    /// To remove what is here.
    Remove,
    /// Nothing.
    Nop,
}

/// What a computation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompResult<V> {
    /// This was put in, where nothing was.
    Inserted(V),
    /// This was put in the place of another value.
    ReplacedWith(V),
    /// This was removed.
    Removed(V),
    /// This is here as before.
    Unchanged(V),
    /// Nothing was here, and nothing is.
    StillNone,
}

impl<V> CompResult<V> {
    /// The value that is here now.
    #[must_use]
    pub fn into_value(self) -> Option<V> {
        match self {
            Self::Inserted(value) | Self::ReplacedWith(value) | Self::Unchanged(value) => {
                Some(value)
            }
            Self::Removed(_) | Self::StillNone => None,
        }
    }
}

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// A key, to do something about it that takes more than one look.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// let words = Cache::new(100);
    /// for word in ["a", "rose", "is", "a", "rose"] {
    ///     words.entry(word).and_upsert_with(|count| count.unwrap_or(0) + 1);
    /// }
    /// assert_eq!(words.get("rose"), Some(2));
    /// assert_eq!(words.entry("is").or_insert(7), 1);
    /// ```
    pub const fn entry(&self, key: K) -> Entry<'_, K, V, P, S> {
        Entry { cache: self, key }
    }
}

impl<'a, K, V, P, S> Entry<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// The key.
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// The value that is here; or this one, which is put in. A value that is being loaded is waited for.
    pub fn or_insert(self, value: V) -> V {
        self.or_insert_with(|| value)
    }

    /// [`Cache::get_with`].
    pub fn or_insert_with(self, init: impl FnOnce() -> V) -> V {
        self.cache.get_with(self.key, init)
    }

    /// [`Cache::try_get_with`].
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get_with`].
    pub fn or_try_insert_with<E: Send + Sync + 'static>(
        self,
        init: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>> {
        self.cache.try_get_with(self.key, init)
    }

    /// Puts in what is computed from the value that is here, and returns it.
    pub fn and_upsert_with(self, compute: impl FnOnce(Option<V>) -> V) -> V {
        let (lead, old) = self.lead();
        let value = compute(old);
        lead.land(value.clone());
        value
    }

    /// Puts in, removes or leaves what is here, as is computed from it.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::sync::entry::{CompResult, Op};
    ///
    /// let stock = Cache::new(100);
    /// stock.insert("nail", 2);
    /// let take = |item| {
    ///     stock.entry(item).and_compute_with(|count| match count {
    ///         None => Op::Nop,
    ///         Some(1) => Op::Remove,
    ///         Some(count) => Op::Put(count - 1),
    ///     })
    /// };
    /// assert_eq!(take("nail"), CompResult::ReplacedWith(1));
    /// assert_eq!(take("nail"), CompResult::Removed(1));
    /// assert_eq!(take("nail"), CompResult::StillNone);
    /// ```
    pub fn and_compute_with(self, compute: impl FnOnce(Option<V>) -> Op<V>) -> CompResult<V> {
        let result = self.and_try_compute_with(|old| Ok::<_, Infallible>(compute(old)));
        result.unwrap_or_else(|never| match never {})
    }

    /// The same by a computation that may fail, and changes nothing then.
    ///
    /// # Errors
    ///
    /// What `compute` fails with.
    pub fn and_try_compute_with<E>(
        self,
        compute: impl FnOnce(Option<V>) -> Result<Op<V>, E>,
    ) -> Result<CompResult<V>, E> {
        let (lead, old) = self.lead();
        let op = match compute(old.clone()) {
            Ok(op) => op,
            Err(error) => {
                lead.land_absent(None);
                return Err(error);
            }
        };
        Ok(match (op, old) {
            (Op::Put(value), old) => {
                lead.land(value.clone());
                match old {
                    Some(_) => CompResult::ReplacedWith(value),
                    None => CompResult::Inserted(value),
                }
            }
            (Op::Remove, Some(old)) => {
                lead.land_absent(Some(RemovalCause::Explicit));
                CompResult::Removed(old)
            }
            (Op::Nop, Some(old)) => {
                lead.land_absent(None);
                CompResult::Unchanged(old)
            }
            (Op::Remove | Op::Nop, None) => {
                lead.land_absent(None);
                CompResult::StillNone
            }
        })
    }

    /// Waits until nobody else has a flight of the key, and takes one with the value that is here.
    fn lead(self) -> (Lead<'a, K, V, P, S>, Option<V>) {
        let hash = self.cache.hasher.hash_one(&self.key);
        let mut key = Arc::new(self.key);
        loop {
            let flight = match self.cache.board_alone(hash, key) {
                Ok(lead) => return lead,
                Err((flight, back)) => {
                    key = back;
                    flight
                }
            };
            let landed = self.cache.waits.wait(&flight);
            assert!(landed.is_some(), "{REENTRANT}");
        }
    }
}

impl<K: fmt::Debug, V, P, S> fmt::Debug for Entry<'_, K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
