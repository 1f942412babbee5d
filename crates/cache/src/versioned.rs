//! Values with versions: an older one never takes the place of a newer one.
//!
//! Where values come in by several ways (a fill from a replica that is behind, a message that a key has changed, a
//! write of one's own), the last one to come need not be the newest. Where each has a version (the number of a row, a log's offset, a
//! hybrid time), order of arrival does not matter.

use crate::policy::{Adaptive, Policy};
use crate::sync::Cache;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;

/// A version of a value, or what is left of older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Version<V> {
    /// Greater is newer.
    pub version: u64,
    /// None for a tombstone: all that is known is that older versions are out of date.
    pub value: Option<V>,
}

/// A [`sync::Cache`](Cache) of values with versions.
///
/// An invalidation by version leaves a tombstone in the place of the value, so that a fill that was read before and
/// comes after it is refused. A tombstone is an entry like any other: it counts in `len`, weighs what the weigher says,
/// expires and is evicted, and after that older versions can come in again; give tombstones at least as long as a fill may take.
///
/// # Examples
///
/// ```
/// use purlin_cache::sync::Cache;
/// use purlin_cache::versioned::VersionedCache;
///
/// let users = VersionedCache::new(Cache::new(100));
/// assert!(users.insert_newer(7, 2, "Ada Lovelace"));
/// assert!(!users.insert_newer(7, 1, "Ada Byron")); // from a replica that is behind
/// assert_eq!(users.get(&7), Some("Ada Lovelace"));
///
/// users.invalidate_older(7, 3); // "version 3 was written", says a message
/// assert_eq!(users.get(&7), None);
/// assert!(!users.insert_newer(7, 2, "Ada Lovelace"));
/// assert!(users.insert_newer(7, 3, "Countess Lovelace"));
/// ```
pub struct VersionedCache<K, V, P = Adaptive, S = RandomState> {
    cache: Cache<K, Version<V>, P, S>,
}

impl<K, V, P, S> VersionedCache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// On top of this cache.
    #[must_use]
    pub const fn new(cache: Cache<K, Version<V>, P, S>) -> Self {
        Self { cache }
    }

    /// The value of a key, if it is here.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.cache.get(key)?.value
    }

    /// The value of a key and its version, or that of its tombstone.
    pub fn get_version<Q>(&self, key: &Q) -> Option<Version<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.cache.get(key)
    }

    /// Puts a value in unless one of the same or a newer version is here, or a tombstone of a newer one. Returns whether it did.
    ///
    /// `true` says that it was the newest, not that the policy has let it stay.
    pub fn insert_newer(&self, key: K, version: u64, value: V) -> bool {
        let new = Version {
            version,
            value: Some(value),
        };
        self.cache.insert_if(key, new, |held| match held {
            None => true,
            Some(held) if held.value.is_none() => held.version <= version,
            Some(held) => held.version < version,
        })
    }

    /// Removes a value that is older than this version, and keeps such values from coming in as long as the
    /// tombstone is here. Returns whether it did something: not if this version or a newer one is known.
    pub fn invalidate_older(&self, key: K, version: u64) -> bool {
        let tombstone = Version {
            version,
            value: None,
        };
        self.cache.insert_if(key, tombstone, |held| {
            held.is_none_or(|held| held.version < version)
        })
    }

    /// The cache below, for everything else. To insert into it is to bypass the versions.
    pub const fn cache(&self) -> &Cache<K, Version<V>, P, S> {
        &self.cache
    }
}

impl<K, V, P, S> fmt::Debug for VersionedCache<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionedCache")
            .field("cache", &self.cache)
            .finish()
    }
}
