//! Entries leave.

use super::Cache;
use super::guarded::Writing;
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use crate::shard::Outbox;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

/// Steps of [`Cache::run_pending`] under one hold of a lock.
const PENDING_AT_ONCE: usize = 64;

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// Removes an entry, and returns whether there was one. The listener has its value.
    pub fn invalidate<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Takes a value out. The listener is not told: the caller has it.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.write(hash);
        shard.supersede(hash, key);
        let slot = shard.find_live(hash, key, || self.now())?;
        let entry = shard.remove(slot, hash, &self.hasher, &mut &self.budget);
        drop(shard); // before the key is dropped
        Some(entry.value)
    }

    /// Takes a value out if it is as `condition` says. Returns whether it did. If the key is not here, what is being
    /// loaded for it does not enter the cache.
    ///
    /// `condition` runs under the lock of the key's shard: it must not use the cache.
    pub fn remove_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.write(hash);
        let Some(slot) = shard.find_live(hash, key, || self.now()) else {
            // Nobody knows what a load under way will bring.
            shard.supersede(hash, key);
            return false;
        };
        self.remove_found_if(shard, slot, hash, key, condition)
    }

    /// The same for who knows that it does not depend on when a load began: one that is under way stays so, if the
    /// key is not here.
    pub(crate) fn take_out_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.write(hash);
        if let Some(slot) = shard.find_live(hash, key, || self.now()) {
            self.remove_found_if(shard, slot, hash, key, condition);
        }
    }

    fn remove_found_if<Q>(
        &self,
        mut shard: Writing<'_, K, V, P>,
        slot: Slot,
        hash: u64,
        key: &Q,
        condition: impl FnOnce(&V) -> bool,
    ) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut out = Outbox::new();
        let removes = condition(&shard.entry(slot).value);
        if removes {
            shard.supersede(hash, key);
            let mut budget = &self.budget;
            shard.expel(
                slot,
                hash,
                RemovalCause::Explicit,
                &self.hasher,
                &mut budget,
                &mut out,
            );
        }
        drop(shard);
        self.deliver(out);
        removes
    }

    /// Removes everything, in time that does not depend on how much it is: nobody finds any of it after
    /// this. The memory is given back, and the listener told, by the writing operations that
    /// follow, a few entries each, or by [`run_pending`](Self::run_pending).
    pub fn invalidate_all(&self) {
        for at in 0..self.shards.count() {
            let mut shard = self.write_at(at);
            shard.supersede_all();
            shard.clear(self.new_policy(), &mut &self.budget);
        }
    }

    /// Finishes what operations leave for later: lets entries leave that have expired or were cleared.
    ///
    /// Nobody has to call it. Entries that have expired are not found, and leave, a few at a time, with the insertions into
    /// their shard; until then they are counted by [`len`](Self::len). Who wants their memory back sooner calls this.
    pub fn run_pending(&self) {
        for at in 0..self.shards.count() {
            while self.run_pending_at(at) {}
        }
    }

    /// A part of it, under one hold of a shard's lock. Whether there is more to do.
    fn run_pending_at(&self, at: usize) -> bool {
        let mut out = Outbox::new();
        let mut shard = self.write_at(at);
        shard.bury(PENDING_AT_ONCE, &mut out);
        let expired = !shard.is_timed() || {
            let (now, mut budget) = (self.now(), &self.budget);
            shard.expire(now, PENDING_AT_ONCE, &self.hasher, &mut budget, &mut out)
        };
        let more = !(expired && shard.is_buried());
        drop(shard);
        self.deliver(out);
        more
    }

    /// Tells the listener, and drops, outside of all locks.
    pub(super) fn deliver(&self, out: Outbox<K, V>) {
        for (entry, cause) in out.into_iter() {
            if let Some(listener) = &self.listener {
                listener(&entry.key, entry.value, cause);
            }
        }
    }
}
