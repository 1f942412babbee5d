//! What concerns all entries: iteration, predicates, another capacity.

use super::Cache;
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use crate::shard::Outbox;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use std::vec::Vec;

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// Removes the entries for which the predicate holds. It is applied shard by shard: an entry that comes
    /// in meanwhile may be seen or not. What is being loaded when this comes to its shard, whatever it will be, does
    /// not enter the cache: it may have been read before.
    ///
    /// O(n); a shard is locked while its entries are looked at, and the predicate runs under that lock: it must
    /// not use the cache.
    pub fn invalidate_if(&self, mut predicate: impl FnMut(&K, &V) -> bool) {
        for at in 0..self.shards.count() {
            let mut out = Outbox::new();
            let mut shard = self.write_at(at);
            shard.supersede_all();
            let mut slot = Slot(0);
            while slot.index() < shard.len() {
                let entry = shard.entry(slot);
                if predicate(&entry.key, &entry.value) {
                    let hash = self.hasher.hash_one(&entry.key);
                    let mut budget = &self.budget;
                    shard.expel(
                        slot,
                        hash,
                        RemovalCause::Explicit,
                        &self.hasher,
                        &mut budget,
                        &mut out,
                    );
                    // The last entry has moved here.
                } else {
                    slot.0 += 1;
                }
            }
            drop(shard);
            self.deliver(out);
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

    /// Lets an entry be evicted again, and returns whether it was pinned.
    pub fn unpin<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.write(hash);
        let slot = shard.find(hash, key);
        slot.is_some_and(|slot| shard.unpin(slot, hash))
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

/// Entries that leave under one hold of a lock, so that nobody waits long.
const EVICTED_AT_ONCE: usize = 64;
