//! A cache's content, to start the next process warm.
//!
//! `snapshot()` of either cache copies its entries in hot order, `restore()` puts as many of the hottest as there
//! is room for into a cache, which may be smaller, of the other kind, or with another policy. With the feature `serde` a
//! [`Snapshot`] can be written to a disk in between.
//!
//! ```
//! use purlin_cache::unsync::Cache;
//! use purlin_cache::policy::Lru;
//!
//! let mut cache = Cache::builder(3).policy(Lru::new).build_unsync();
//! for key in ["a", "b", "c"] {
//!     cache.insert(key, key.to_uppercase());
//! }
//! cache.get("a");
//!
//! let mut smaller = Cache::new(2);
//! smaller.restore(cache.snapshot());
//! assert!(smaller.contains_key("a") && smaller.contains_key("c"));
//! assert_eq!(smaller.len(), 2);
//! ```
//!
//! # Format
//!
//! With `serde` it is a structure of a `version`, which is 1, and of `entries`, the coldest first, each with `key`, `value` and
//! `time_left`. The version comes first, and one that this crate does not know is an error before any entry is
//! read. Versions that were once written stay readable. What becomes of keys and values
//! between two versions of your program is up to their own `Deserialize`.

use crate::lifetime::Life;
use crate::shard::{Entry, Incoming};
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// Entries in hot order, the coldest first, each with the time that it had left.
///
/// No time passes for it: see [`aged`](Self::aged).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot<K, V> {
    #[cfg(feature = "serde")]
    version: version::Version,
    entries: Vec<Kept<K, V>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Kept<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    /// None for ever.
    pub(crate) time_left: Option<Duration>,
}

impl<K, V> Snapshot<K, V> {
    /// Of entries the coldest of which is the first.
    pub(crate) const fn new(entries: Vec<Kept<K, V>>) -> Self {
        Self {
            #[cfg(feature = "serde")]
            version: version::Version,
            entries,
        }
    }

    /// How many entries it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its entries, the coldest first: key, value, and the time it had left to live, if not for ever.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V, Option<Duration>)> {
        self.entries
            .iter()
            .map(|kept| (&kept.key, &kept.value, kept.time_left))
    }

    /// What is left of it after some time: entries have so much less to live, and some are no more. O(n).
    ///
    /// For who keeps a snapshot for a while: only you know how long.
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::unsync::Cache;
    ///
    /// let mut cache = Cache::new(100);
    /// cache.insert_with_ttl("soon", 1, Duration::from_secs(10));
    /// cache.insert_with_ttl("later", 2, Duration::from_secs(60));
    /// let after_a_restart = cache.snapshot().aged(Duration::from_secs(20));
    ///
    /// let mut cache = Cache::new(100);
    /// cache.restore(after_a_restart);
    /// assert_eq!(cache.get("soon"), None);
    /// assert_eq!(cache.get("later"), Some(&2));
    /// assert!(cache.time_left("later").unwrap() <= Duration::from_secs(40));
    /// ```
    #[must_use]
    pub fn aged(mut self, by: Duration) -> Self {
        for kept in &mut self.entries {
            kept.time_left = kept.time_left.map(|left| left.saturating_sub(by));
        }
        self.entries.retain(Kept::is_alive);
        self
    }

    /// As many of the hottest as weigh no more than `room` together, the coldest of them first, with their weights.
    pub(crate) fn hottest_within(
        self,
        mut room: u64,
        weigh: impl Fn(&K, &V) -> u64,
    ) -> Vec<(Kept<K, V>, u64)> {
        let mut fitting = Vec::new();
        for kept in self.entries.into_iter().rev().filter(Kept::is_alive) {
            if room == 0 {
                break;
            }
            let weight = weigh(&kept.key, &kept.value);
            // One that is too heavy does not keep lighter ones out.
            if let Some(left) = room.checked_sub(weight) {
                room = left;
                fitting.push((kept, weight));
            }
        }
        fitting.reverse();
        fitting
    }
}

impl<K, V> Kept<K, V> {
    fn is_alive(&self) -> bool {
        self.time_left != Some(Duration::ZERO)
    }

    pub(crate) fn incoming(self, hash: u64, weight: u64, now: Instant) -> Incoming<K, V> {
        let entry = Entry {
            key: self.key,
            value: self.value,
        };
        let life = self
            .time_left
            .map_or(Life::Usual, |left| Life::Until(now + left));
        Incoming {
            life,
            now: Some(now),
            ..Incoming::new(hash, entry, weight)
        }
    }
}

#[cfg(feature = "serde")]
mod version {
    use serde::{Deserialize, Serialize};

    /// The format that is written, a number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(try_from = "u32", into = "u32")]
    pub(super) struct Version;

    const CURRENT: u32 = 1;

    #[derive(Debug, thiserror::Error)]
    #[error("snapshots of format {0} are not known, only of format {CURRENT}")]
    pub(super) struct Unknown(u32);

    impl TryFrom<u32> for Version {
        type Error = Unknown;

        fn try_from(number: u32) -> Result<Self, Unknown> {
            if number == CURRENT {
                Ok(Self)
            } else {
                Err(Unknown(number))
            }
        }
    }

    impl From<Version> for u32 {
        fn from(_: Version) -> Self {
            CURRENT
        }
    }
}
