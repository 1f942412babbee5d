//! The cache for many threads.

mod budget;
mod bulk;
pub mod entry;
mod guarded;
mod lead;
mod load;
#[cfg(feature = "async")]
mod load_async;
mod shards;
mod whole;

use crate::builder::{Builder, Listener, PolicyFactory, Weigher};
use crate::listener::RemovalCause;
use crate::load::Waits;
use crate::policy::{Lru, Policy};
use crate::primitives::RwLockReadGuard;
use crate::shard::{Entry, Incoming, Inserted, Outbox, Shard};
use crate::stats::Stats;
use budget::SharedBudget;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;
use guarded::{Guarded, Writing};
use shards::Shards;
use std::sync::PoisonError;

/// Cleared entries that a writing operation buries on its way.
const BURIED_AT_ONCE: usize = 8;
/// How often room is made for an entry in other shards, of which others may be quicker to make use.
const TRIES: usize = 8;

/// A concurrent cache. See the crate's documentation.
pub struct Cache<K, V, P = Lru, S = RandomState> {
    shards: Shards<K, V, P>,
    hasher: S,
    budget: SharedBudget,
    shares_hits: bool,
    records_stats: bool,
    weigher: Option<Weigher<K, V>>,
    listener: Option<Listener<K, V>>,
    policy: PolicyFactory<P>,
    waits: Waits<V>,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache for so many entries, with everything else as it comes.
    #[must_use]
    pub fn new(max_capacity: u64) -> Self {
        Self::builder(max_capacity).build()
    }

    /// To choose more than the capacity.
    #[must_use]
    pub fn builder(max_capacity: u64) -> Builder<K, V> {
        Builder::new(max_capacity)
    }
}

impl<K, V, P: Policy, S> Builder<K, V, P, S> {
    /// A cache for many threads.
    #[must_use]
    pub fn build(self) -> Cache<K, V, P, S> {
        let weighted = self.weigher.is_some();
        let shards = Shards::new(self.max_capacity, self.shards, weighted, |expected| {
            Shard::new((self.policy)(expected), expected, weighted)
        });
        let shares_hits = (self.policy)(0).shares_hits();
        Cache {
            shards,
            hasher: self.hasher,
            budget: SharedBudget::new(self.max_capacity),
            shares_hits,
            records_stats: self.records_stats,
            weigher: self.weigher,
            listener: self.listener,
            policy: self.policy,
            waits: Waits::new(),
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
    /// The value of a key, if it is here. Counts as a use.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let value = if self.shares_hits {
            let shard = self.read(hash);
            shard.find(hash, key).map(|slot| {
                shard.hit_shared(slot, hash);
                shard.entry(slot).value.clone()
            })
        } else {
            let mut shard = self.write(hash);
            shard.find(hash, key).map(|slot| {
                shard.hit(slot, hash);
                shard.entry(slot).value.clone()
            })
        };
        if self.records_stats {
            self.shards.count_lookup(hash, value.is_some());
        }
        value
    }

    /// The value of a key, if it is here, without counting as a use.
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.read(hash);
        shard
            .find(hash, key)
            .map(|slot| shard.entry(slot).value.clone())
    }

    /// Whether a key is here, without counting as a use.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.read(hash).find(hash, key).is_some()
    }

    /// Puts a value in. What has to leave for it, leaves before it is in.
    pub fn insert(&self, key: K, value: V) {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        let mut out = Outbox::new();
        let entry = Entry { key, value };
        self.put(
            Incoming {
                hash,
                entry,
                weight,
            },
            &mut out,
        );
        self.deliver(out);
    }

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
        let slot = shard.find(hash, key)?;
        let entry = shard.remove(slot, hash, &self.hasher, &mut &self.budget);
        drop(shard); // before the key is dropped
        Some(entry.value)
    }

    /// Puts a value in if `admit` says so, which is shown the value that is here now. Returns whether it did;
    /// what was turned away is dropped.
    ///
    /// `admit` runs under the lock of the key's shard: it must not use the cache.
    pub fn insert_if(&self, key: K, value: V, admit: impl FnOnce(Option<&V>) -> bool) -> bool {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        let mut out = Outbox::new();
        let entry = Entry { key, value };
        let admitted = self.put_if(
            Incoming {
                hash,
                entry,
                weight,
            },
            admit,
            &mut out,
        );
        self.deliver(out);
        admitted
    }

    /// Takes a value out if it is as `condition` says. Returns whether it did.
    ///
    /// `condition` runs under the lock of the key's shard: it must not use the cache.
    pub fn remove_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut out = Outbox::new();
        let mut shard = self.write(hash);
        let Some(slot) = shard.find(hash, key) else {
            return false;
        };
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

    /// Finishes what operations leave for later: entries that were cleared.
    pub fn run_pending(&self) {
        for at in 0..self.shards.count() {
            let mut out = Outbox::new();
            self.write_at(at).bury(usize::MAX, &mut out);
            self.deliver(out);
        }
    }

    /// How many entries are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.each().map(|shard| shard.len()).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh together; their number if there is no weigher.
    #[must_use]
    pub fn weighted_size(&self) -> u64 {
        self.each().map(|shard| shard.used()).sum()
    }

    /// What they may weigh.
    #[must_use]
    pub fn max_capacity(&self) -> u64 {
        self.budget.capacity()
    }

    /// Counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.shards.lookups();
        for shard in self.each() {
            stats.add(shard.counters(), shard.len());
            stats.loaded += shard.flights.loaded;
            stats.load_failures += shard.flights.failed;
        }
        stats
    }

    fn write(&self, hash: u64) -> Writing<'_, K, V, P> {
        self.write_at(self.shards.home(hash))
    }

    /// The shard, for one thread. After a panic of a key's `Hash` in the middle of a change it is emptied.
    fn write_at(&self, at: usize) -> Writing<'_, K, V, P> {
        let lock = self.shards.lock(at);
        Writing::new(lock.write().unwrap_or_else(|poisoned| {
            let mut guarded = poisoned.into_inner();
            if guarded.is_torn() {
                guarded.shard.clear(self.new_policy(), &mut &self.budget);
            }
            #[cfg(not(purlin_loom))]
            lock.clear_poison();
            guarded
        }))
    }

    /// The shard, for many threads.
    #[inline]
    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Guarded<K, V, P>> {
        self.read_at(self.shards.home(hash))
    }

    #[inline]
    fn read_at(&self, at: usize) -> RwLockReadGuard<'_, Guarded<K, V, P>> {
        match self.shards.lock(at).read() {
            Ok(shard) => shard,
            Err(poisoned) => self.read_poisoned(at, poisoned),
        }
    }

    #[cold]
    fn read_poisoned<'a>(
        &'a self,
        at: usize,
        poisoned: PoisonError<RwLockReadGuard<'a, Guarded<K, V, P>>>,
    ) -> RwLockReadGuard<'a, Guarded<K, V, P>> {
        drop(poisoned);
        drop(self.write_at(at)); // which repairs it
        self.shards
            .lock(at)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn each(&self) -> impl Iterator<Item = RwLockReadGuard<'_, Guarded<K, V, P>>> {
        (0..self.shards.count()).map(|at| self.read_at(at))
    }

    fn new_policy(&self) -> P {
        (self.policy)(self.shards.expected(self.budget.capacity()))
    }

    fn weigh(&self, key: &K, value: &V) -> u64 {
        self.weigher
            .as_ref()
            .map_or(1, |weigh| weigh(key, value).max(1))
    }

    fn put(&self, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        self.put_if(new, |_| true, out);
    }

    /// Puts an entry in, unless `admit` is against it. Where its own shard holds less than half of its
    /// share, others make room.
    fn put_if(
        &self,
        mut new: Incoming<K, V>,
        admit: impl FnOnce(Option<&V>) -> bool,
        out: &mut Outbox<K, V>,
    ) -> bool {
        let (share, mut floor) = self.share_and_floor();
        let mut shard = self.write(new.hash);
        let old = shard.find(new.hash, &new.entry.key);
        if !admit(old.map(|slot| &shard.entry(slot).value)) {
            return false;
        }
        if new.weight > self.budget.capacity() {
            shard.supersede_by(new.hash, &new.entry.key, &new.entry.value);
            self.reject(&mut shard, new, out);
            return true;
        }
        for _ in 0..TRIES {
            shard.bury(BURIED_AT_ONCE, out);
            shard.supersede_by(new.hash, &new.entry.key, &new.entry.value);
            match shard.insert(new, floor, &self.hasher, &mut &self.budget, out) {
                Inserted::Done | Inserted::Rejected => return true,
                Inserted::Homeless(back) => new = back,
            }
            drop(shard);
            self.make_room_elsewhere(new.hash, new.weight, share, out);
            floor = 0;
            shard = self.write(new.hash);
        }
        self.reject(&mut shard, new, out);
        true
    }

    /// A shard's share of the capacity, and what it keeps of it while others can make room.
    fn share_and_floor(&self) -> (u64, u64) {
        let share = self.budget.capacity() / self.shards.count() as u64;
        (
            share,
            if self.shards.count() == 1 {
                0
            } else {
                share / 2
            },
        )
    }

    /// Evicts in other shards, first in those that hold more than their share, until there is room.
    fn make_room_elsewhere(&self, hash: u64, weight: u64, share: u64, out: &mut Outbox<K, V>) {
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
    fn reject(&self, shard: &mut Shard<K, V, P>, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
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

    /// Tells the listener, and drops, outside of all locks.
    fn deliver(&self, out: Outbox<K, V>) {
        for (entry, cause) in out.into_iter() {
            if let Some(listener) = &self.listener {
                listener(&entry.key, entry.value, cause);
            }
        }
    }
}

impl<K, V, P, S> fmt::Debug for Cache<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("max_capacity", &self.budget.capacity())
            .field("left", &self.budget.left())
            .finish_non_exhaustive()
    }
}
