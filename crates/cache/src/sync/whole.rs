//! What concerns all entries: iteration, predicates, another capacity.

use super::Cache;
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use crate::shard::Outbox;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// Removes the entries for which the predicate holds. It is applied shard by shard: an entry that comes
    /// in meanwhile may be seen or not. What is being loaded for a key that has no value does not enter
    /// the cache, as the predicate cannot be asked about it.
    ///
    /// O(n); a shard is locked while its entries are looked at, and the predicate runs under that lock: it must
    /// not use the cache.
    pub fn invalidate_if(&self, mut predicate: impl FnMut(&K, &V) -> bool) {
        for at in 0..self.shards.count() {
            self.expel_below(at, usize::MAX, usize::MAX, true, &mut predicate);
        }
    }

    /// Looks at so many entries, from where the last call ended, and removes those for which the predicate holds. Returns
    /// how many, and where to go on. What is being loaded is left alone: the predicate must not hold for what will come in.
    pub(crate) fn invalidate_some(
        &self,
        mut place: Place,
        mut looks: usize,
        mut predicate: impl FnMut(&K, &V) -> bool,
    ) -> (usize, Place) {
        let mut removed = 0;
        // No shard twice in one call.
        for _ in 0..=self.shards.count() {
            let at = place.shard % self.shards.count();
            let done = self.expel_below(at, place.below, looks, false, &mut predicate);
            removed += done.removed;
            looks -= done.looked;
            place = match done.below {
                0 => Place {
                    shard: at + 1,
                    below: usize::MAX,
                },
                below => Place { shard: at, below },
            };
            if looks == 0 {
                break;
            }
        }
        (removed, place)
    }

    /// Looks at so many entries of a shard, from before `below` downwards: who takes the place of one that leaves
    /// has been looked at already.
    fn expel_below(
        &self,
        at: usize,
        below: usize,
        looks: usize,
        supersedes: bool,
        predicate: &mut impl FnMut(&K, &V) -> bool,
    ) -> Done {
        let mut out = Outbox::new();
        let mut shard = self.write_at(at);
        let (before, start) = (shard.len(), below.min(shard.len()));
        let end = start.saturating_sub(looks);
        for index in (end..start).rev() {
            let slot = Slot::at(index);
            let entry = shard.entry(slot);
            if predicate(&entry.key, &entry.value) {
                let hash = self.hasher.hash_one(&entry.key);
                let (hasher, mut budget) = (&self.hasher, &self.budget);
                shard.expel(
                    slot,
                    hash,
                    RemovalCause::Explicit,
                    hasher,
                    &mut budget,
                    &mut out,
                );
            }
        }
        let removed = before - shard.len();
        if supersedes {
            shard.supersede_absent(|| self.now());
        }
        drop(shard);
        self.deliver(out);
        Done {
            looked: start - end,
            removed,
            below: end,
        }
    }

    /// All entries, cloned shard by shard as the iterator comes to them, in no order: what comes in or
    /// leaves meanwhile may be seen or not, nothing is seen twice unless it was put in twice. No lock is held
    /// between two calls of `next`.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)>
    where
        K: Clone,
    {
        (0..self.shards.count()).flat_map(|at| {
            let shard = self.read_at(at);
            let entries = shard.live(self.now());
            entries
                .map(|entry| (entry.key.clone(), entry.value.clone()))
                .collect::<Vec<_>>()
        })
    }

    /// Changes what the entries may weigh together. If it is less than they do, the policy chooses who
    /// leaves before this returns, one shard at a time, each in proportion.
    pub fn set_max_capacity(&self, max_capacity: u64) {
        self.budget.set_capacity(max_capacity);
        let share = max_capacity / self.shards.count() as u64;
        for at in 0..self.shards.count() {
            if self.weigher.is_none() {
                self.write_at(at).expect(self.shards.expected(max_capacity));
            }
            self.evict_down_to(at, share);
        }
        // What does not divide, and what came in meanwhile.
        for at in 0..self.shards.count() {
            self.evict_down_to(at, 0);
        }
    }

    /// Keeps an entry from being evicted until [`unpin`](Self::unpin). It still leaves when it is removed,
    /// replaced or cleared, and counts in the capacity: what is pinned is missing to the others. Returns whether
    /// the key is here.
    ///
    /// Pinned entries cost an eviction nothing, however many there are. Where all entries are pinned, new
    /// ones are [`Rejected`](RemovalCause::Rejected).
    pub fn pin<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.write(hash);
        let slot = shard.find_live(hash, key, || self.now());
        slot.inspect(|slot| shard.pin(*slot, hash)).is_some()
    }

    /// Lets an entry be evicted again, and returns whether it was pinned. Where more is in use than the capacity, as
    /// after a [`set_max_capacity`](Self::set_max_capacity) to less than what was pinned, entries leave now.
    pub fn unpin<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.write(hash);
        let slot = shard.find(hash, key);
        let was_pinned = slot.is_some_and(|slot| shard.unpin(slot, hash));
        drop(shard);
        if was_pinned && self.budget.is_exceeded() {
            self.evict_down_to(self.shards.home(hash), 0);
        }
        was_pinned
    }

    /// Verifies that the parts of the cache fit each other, for tests. O(n). Nobody may change the cache
    /// meanwhile.
    ///
    /// # Panics
    ///
    /// When they do not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        for at in 0..self.shards.count() {
            let shard = self.read_at(at);
            shard.check_invariants(&self.hasher);
            let mut keys = shard.entries().iter().map(|entry| &entry.key);
            let is_home = |key| self.shards.home(self.hasher.hash_one(key)) == at;
            assert!(keys.all(is_home), "each entry is in its key's shard");
        }
        let used = self.weighted_size();
        assert_eq!(self.budget.used(), used, "the budget is what is used");
    }

    /// Evicts while the cache is over its capacity and the shard holds more than `least`, a few entries under one
    /// hold of the lock.
    fn evict_down_to(&self, at: usize, least: u64) {
        loop {
            let mut out = Outbox::new();
            let mut shard = self.write_at(at);
            let mut more = true;
            for _ in 0..EVICTED_AT_ONCE {
                more = self.budget.is_exceeded()
                    && shard.used() > least
                    && shard.evict(&self.hasher, &mut &self.budget, &mut out);
                if !more {
                    break;
                }
            }
            drop(shard);
            self.deliver(out);
            if !more {
                return;
            }
        }
    }
}

/// Where a walk over all entries goes on: in this shard, before this slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    shard: usize,
    below: usize,
}

impl Place {
    /// The start.
    pub(crate) const fn new() -> Self {
        Self {
            shard: 0,
            below: usize::MAX,
        }
    }
}

/// A part of a walk through a shard.
struct Done {
    looked: usize,
    removed: usize,
    below: usize,
}

/// Entries that leave under one hold of a lock, so that nobody waits long.
const EVICTED_AT_ONCE: usize = 64;
