//! Entries come in.

use super::Cache;
use super::guarded::Writing;
use crate::lifetime::Life;
use crate::listener::RemovalCause;
use crate::policy::Policy;
use crate::shard::{Entry, Incoming, Inserted, Outbox, Shard};
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use purlin_core::time::Instant;

/// Cleared entries that a writing operation buries on its way.
pub(super) const BURIED_AT_ONCE: usize = 8;
/// How often room is made for an entry in other shards, of which others may be quicker to make use.
pub(super) const TRIES: usize = 8;

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// Puts a value in. What has to leave for it, leaves before it is in.
    pub fn insert(&self, key: K, value: V) {
        self.insert_living(key, value, Life::Usual, None);
    }

    /// The same for those who know what time it is, by the clock of the cache.
    pub fn insert_at(&self, now: Instant, key: K, value: V) {
        self.insert_living(key, value, Life::Usual, Some(now));
    }

    /// Puts a value in that lives so long at most, in place of what the cache's
    /// [`Expiry`](crate::expiry::Expiry) would say. A cache without any expiry can have such entries too.
    pub fn insert_with_ttl(&self, key: K, value: V, time_to_live: Duration) {
        self.insert_living(key, value, Life::For(time_to_live), None);
    }

    /// Puts a value in if `admit` says so, which is shown the value that is here now. Returns whether it did;
    /// what was turned away is dropped.
    ///
    /// `admit` runs under the lock of the key's shard: it must not use the cache. Where others have to make room it is
    /// asked again when they have, as the key may have changed meanwhile.
    pub fn insert_if(&self, key: K, value: V, admit: impl FnMut(Option<&V>) -> bool) -> bool {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        let mut out = Outbox::new();
        let new = Incoming::new(hash, Entry { key, value }, weight);
        let admitted = self.put_if(new, admit, &mut out);
        self.deliver(out);
        admitted
    }

    fn insert_living(&self, key: K, value: V, life: Life, now: Option<Instant>) {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        let mut out = Outbox::new();
        let new = Incoming::new(hash, Entry { key, value }, weight);
        self.put(Incoming { life, now, ..new }, &mut out);
        self.deliver(out);
    }

    pub(super) fn weigh(&self, key: &K, value: &V) -> u64 {
        self.weigher
            .as_ref()
            .map_or(1, |weigh| weigh(key, value).max(1))
    }

    pub(super) fn put(&self, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        let shard = self.write(new.hash);
        self.put_into(shard, new, |_, _| true, out);
    }

    /// Puts an entry in, unless `admit` is against it.
    fn put_if(
        &self,
        new: Incoming<K, V>,
        mut admit: impl FnMut(Option<&V>) -> bool,
        out: &mut Outbox<K, V>,
    ) -> bool {
        let mut shard = self.write(new.hash);
        let mut admits = |shard: &mut Writing<'_, K, V, P>, new: &Incoming<K, V>| {
            let now = || new.now.unwrap_or_else(|| self.now());
            let old = shard.find_live(new.hash, &new.entry.key, now);
            admit(old.map(|slot| &shard.entry(slot).value))
        };
        admits(&mut shard, &new) && self.put_into(shard, new, admits, out)
    }

    /// Puts an entry into its shard. Where that holds less than half of its share, others make room; if it is not admitted
    /// any more after that, it is dropped, and this is false.
    pub(super) fn put_into<'a>(
        &'a self,
        mut shard: Writing<'a, K, V, P>,
        mut new: Incoming<K, V>,
        mut admits: impl FnMut(&mut Writing<'a, K, V, P>, &Incoming<K, V>) -> bool,
        out: &mut Outbox<K, V>,
    ) -> bool {
        shard.supersede_by(new.hash, &new.entry.key, &new.entry.value);
        if new.weight > self.budget.capacity() {
            self.reject(&mut shard, new, out);
            return true;
        }
        let (share, mut floor) = self.share_and_floor();
        for _ in 0..TRIES {
            shard.bury(BURIED_AT_ONCE, out);
            let mut budget = &self.budget;
            match shard.insert(new, floor, &self.hasher, &self.lifetimes, &mut budget, out) {
                Inserted::Done | Inserted::Rejected => return true,
                Inserted::Homeless(back) => new = back,
            }
            drop(shard);
            self.make_room_elsewhere(new.hash, new.weight, share, out);
            floor = 0;
            shard = self.write(new.hash);
            if !admits(&mut shard, &new) {
                drop(shard); // before the key and the value
                return false;
            }
            shard.supersede_by(new.hash, &new.entry.key, &new.entry.value);
        }
        self.reject(&mut shard, new, out);
        true
    }

    /// A shard's share of the capacity, and what it keeps of it while others can make room.
    pub(super) fn share_and_floor(&self) -> (u64, u64) {
        let share = self.shards.share(self.budget.capacity());
        let floor = if self.shards.count() == 1 {
            0
        } else {
            share / 2
        };
        (share, floor)
    }

    /// Evicts in other shards, first in those that hold more than their share, until there is room.
    pub(super) fn make_room_elsewhere(
        &self,
        hash: u64,
        weight: u64,
        share: u64,
        out: &mut Outbox<K, V>,
    ) {
        let home = self.shards.home(hash);
        for least in [share, 0] {
            for step in 1..self.shards.count() {
                let mut shard = self.write_at((home + step) % self.shards.count());
                while shard.used() > least {
                    if self.budget.left() >= weight {
                        return;
                    }
                    if !shard.evict(&self.hasher, &mut &self.budget, out) {
                        break;
                    }
                }
            }
        }
    }

    /// Turns an entry away; an older value of its key must not outlive it.
    pub(super) fn reject(
        &self,
        shard: &mut Shard<K, V, P>,
        new: Incoming<K, V>,
        out: &mut Outbox<K, V>,
    ) {
        if let Some(slot) = shard.find(new.hash, &new.entry.key) {
            let mut budget = &self.budget;
            shard.expel(
                slot,
                new.hash,
                RemovalCause::Replaced,
                &self.hasher,
                &mut budget,
                out,
            );
        }
        shard.reject(new.entry, out);
    }
}
