//! What concerns all entries: iteration, predicates, another capacity.

use super::Cache;
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use crate::shard::Outbox;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    P: Policy,
    S: BuildHasher,
{
    /// All entries, in no order, without counting as a use.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shard
            .live(self.now())
            .map(|entry| (&entry.key, &entry.value))
    }

    /// Lets entries leave that have expired. Nobody has to call it: they are not found, and leave, a few at a time,
    /// with the insertions; until then they are counted by [`len`](Self::len).
    pub fn run_pending(&mut self) {
        self.mend();
        let mut out = Outbox::new();
        if self.shard.is_timed() {
            let now = self.now();
            self.shard
                .expire(now, usize::MAX, &self.hasher, &mut self.budget, &mut out);
        }
        self.deliver(out);
    }

    /// Removes the entries for which the predicate holds. O(n).
    pub fn invalidate_if(&mut self, mut predicate: impl FnMut(&K, &V) -> bool) {
        self.mend();
        let mut out = Outbox::new();
        let mut slot = Slot(0);
        while slot.index() < self.shard.len() {
            let entry = self.shard.entry(slot);
            if predicate(&entry.key, &entry.value) {
                let hash = self.hasher.hash_one(&entry.key);
                let (cause, budget) = (RemovalCause::Explicit, &mut self.budget);
                self.shard
                    .expel(slot, hash, cause, &self.hasher, budget, &mut out);
                // The last entry has moved here.
            } else {
                slot.0 += 1;
            }
        }
        self.deliver(out);
    }

    /// Removes everything. O(n): what was here is told and dropped now.
    pub fn invalidate_all(&mut self) {
        let policy = (self.policy)(self.shard.expected());
        self.shard.clear(policy, &mut self.budget);
        let mut out = Outbox::new();
        self.shard.bury(usize::MAX, &mut out);
        self.deliver(out);
    }

    /// Changes what the entries may weigh together. If it is less than they do, the policy chooses who
    /// leaves before this returns.
    pub fn set_max_capacity(&mut self, max_capacity: u64) {
        self.mend();
        self.budget.capacity = max_capacity;
        if self.weigher.is_none() {
            let entries = usize::try_from(max_capacity).unwrap_or(usize::MAX / 2);
            self.shard.expect(entries);
        }
        let mut out = Outbox::new();
        while self.budget.used > max_capacity
            && self.shard.evict(&self.hasher, &mut self.budget, &mut out)
        {}
        self.deliver(out);
    }

    /// Keeps an entry from being evicted until [`unpin`](Self::unpin). It still leaves when it is removed,
    /// replaced or cleared, and counts in the capacity: what is pinned is missing to the others. Returns whether
    /// the key is here.
    ///
    /// Pinned entries cost an eviction nothing, however many there are. Where all entries are pinned, new
    /// ones are [`Rejected`](RemovalCause::Rejected).
    pub fn pin<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.mend();
        let slot = self.shard.find_live(hash, key, || self.now());
        slot.inspect(|slot| self.shard.pin(*slot, hash)).is_some()
    }

    /// Lets an entry be evicted again, and returns whether it was pinned.
    pub fn unpin<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.mend();
        let slot = self.shard.find(hash, key);
        slot.is_some_and(|slot| self.shard.unpin(slot, hash))
    }
}
