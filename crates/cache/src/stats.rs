//! What a cache has done so far.

use crate::listener::RemovalCause;
use crate::shard::Counters;

/// Counts since the cache was made.
///
/// `inserted` is `entries` + all of `removed` but [`Rejected`](RemovalCause::Rejected) whenever nobody is at
/// work: each entry that came in is present or left for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Lookups that found their key; zero unless the cache was told to record it.
    pub hits: u64,
    /// Lookups that did not; zero unless the cache was told to record it.
    pub misses: u64,
    /// Entries that are present.
    pub entries: u64,
    /// Values that came in.
    pub inserted: u64,
    removed: [u64; RemovalCause::COUNT],
    /// Loads that brought a value.
    pub loaded: u64,
    /// Loads that failed, panicked or were cancelled.
    pub load_failures: u64,
}

impl Stats {
    /// How many entries have left for this reason.
    #[must_use]
    pub fn removed(&self, cause: RemovalCause) -> u64 {
        self.removed[cause as usize]
    }

    /// The share of lookups that found their key; none if there was no lookup, or none was recorded.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }

    pub(crate) fn add(&mut self, counters: &Counters, entries: usize) {
        self.entries += entries as u64;
        self.inserted += counters.inserted;
        for (sum, more) in self.removed.iter_mut().zip(counters.removed) {
            *sum += more;
        }
    }
}
