//! What a table can tell about itself.

use super::Keyed;
#[cfg(any(test, fuzzing, feature = "conformance"))]
use super::address::alternate;
use super::address::{owner_of, plan_of};
use super::slot::Content;
use super::table::{BUCKET, is_idle};
use crate::algorithm::{Algorithm, Reconfigure};
use crate::sync::{AtomicU64, Ordering};
use purlin_core::hash::KeyHasher;
use purlin_core::time::Instant;

/// A number that only grows.
#[derive(Debug)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: u64) {
        if count > 0 {
            // ORDERING: nothing is read because of it.
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Counters {
    pub(super) evictions: Counter,
    pub(super) overflows: Counter,
}

impl Counters {
    pub(super) fn new() -> Self {
        let [evictions, overflows] = [0, 0].map(|zero| Counter(AtomicU64::new(zero)));
        Self {
            evictions,
            overflows,
        }
    }
}

/// How full a [`Keyed`] is. See [`Keyed::stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedStats {
    /// Keys that have taken something that still counts.
    pub busy: usize,
    /// Slots there are.
    pub slots: usize,
    /// Entries that new keys took over since the table was made, as there was no room.
    pub evictions: u64,
    /// Requests that found no room, and were refused for it or went to the shared bucket.
    pub overflows: u64,
}

/// A key that has taken something that still counts. See [`Keyed::entries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedEntry {
    /// 48 bits of the key's hash: see [`KeyedEntry::is_of`].
    fingerprint: u64,
    /// The index of the key's plan.
    pub plan: usize,
    /// Its state under that plan.
    pub state: u64,
}

impl KeyedEntry {
    /// Whether it may be that of the key with this hash, but for one in 2⁴⁸.
    #[must_use]
    pub fn is_of(&self, hash: purlin_core::hash::KeyHash) -> bool {
        super::Address::new(hash, 1).owner == self.fingerprint
    }
}

impl<A: Algorithm<State = u64> + Reconfigure, H: KeyHasher> Keyed<A, H> {
    /// How full it is at `now`. O(capacity); others may go on meanwhile.
    #[must_use]
    pub fn stats(&self, now: Instant) -> KeyedStats {
        KeyedStats {
            busy: self.entries(now).count(),
            slots: self.table.buckets() * BUCKET,
            evictions: self.counters.evictions.get(),
            overflows: self.counters.overflows.get(),
        }
    }

    /// All keys that have taken something that still counts at `now`, in no order. O(capacity); others
    /// may go on meanwhile.
    pub fn entries(&self, now: Instant) -> impl Iterator<Item = KeyedEntry> {
        let contents = self
            .table
            .slots()
            .filter_map(|slot| slot.content(slot.tag()));
        let busy = contents.filter(move |&content| !is_idle(&self.plans, content, now));
        busy.map(|Content { tag, state }| KeyedEntry {
            fingerprint: owner_of(tag),
            plan: usize::from(plan_of(tag)),
            state,
        })
    }

    /// That no key has two entries and none is under a plan that does not exist, while nobody else
    /// looks.
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        let buckets = self.table.entries_by_bucket();
        for (index, bucket) in buckets.iter().enumerate() {
            for (position, &Content { tag, .. }) in bucket.iter().enumerate() {
                assert!(usize::from(plan_of(tag)) < self.plans.len(), "{tag:#x}");
                let owner = owner_of(tag);
                let again = |others: &[Content]| others.iter().any(|it| owner_of(it.tag) == owner);
                assert!(!again(&bucket[position + 1..]), "{tag:#x} twice in {index}");
                // If this one is its primary bucket. If not, nothing is there but by chance.
                let other = alternate(owner, index, buckets.len());
                let twice = other != index && again(&buckets[other]);
                assert!(!twice, "{tag:#x} in {index} and {other}");
            }
        }
    }
}
