//! The cache for many threads.

mod budget;
mod bulk;
pub mod entry;
mod guarded;
mod lead;
mod load;
#[cfg(feature = "async")]
mod load_async;
pub mod refresh;
mod shards;
mod snapshot;
mod whole;

pub(crate) use whole::Place;

use crate::builder::{Builder, Listener, PolicyFactory, Weigher};
use crate::lifetime::{Life, Lifetimes};
use crate::listener::RemovalCause;
use crate::load::Waits;
use crate::policy::{Adaptive, Policy, Slot};
use crate::primitives::RwLockReadGuard;
use crate::shard::{Entry, Incoming, Inserted, Outbox, Seen, Shard};
use crate::stats::Stats;
use budget::SharedBudget;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use foldhash::fast::RandomState;
use guarded::{Guarded, Writing};
use purlin_core::time::Instant;
use shards::Shards;
use std::sync::PoisonError;

/// Cleared entries that a writing operation buries on its way.
const BURIED_AT_ONCE: usize = 8;
/// Steps of [`Cache::run_pending`] under one hold of a lock.
const PENDING_AT_ONCE: usize = 64;
/// How often room is made for an entry in other shards, of which others may be quicker to make use.
const TRIES: usize = 8;

/// A concurrent cache. See the crate's documentation.
pub struct Cache<K, V, P = Adaptive, S = RandomState> {
    shards: Shards<K, V, P>,
    hasher: S,
    budget: SharedBudget,
    shares_hits: bool,
    records_stats: bool,
    lifetimes: Lifetimes<K, V>,
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
            let times = self.lifetimes.times();
            Shard::new((self.policy)(expected), expected, weighted, times)
        });
        let shares_hits = (self.policy)(0).shares_hits();
        Cache {
            shards,
            hasher: self.hasher,
            budget: SharedBudget::new(self.max_capacity),
            shares_hits,
            records_stats: self.records_stats,
            lifetimes: self.lifetimes,
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
        self.look_up(key, None)
    }

    /// The same for those who know what time it is, by the clock of the cache.
    #[inline]
    pub fn get_at<Q>(&self, now: Instant, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.look_up(key, Some(now))
    }

    #[inline]
    fn look_up<Q>(&self, key: &Q, now: Option<Instant>) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let value = if self.shares_hits {
            self.look_up_shared(hash, key, now)
        } else {
            self.look_up_alone(hash, key, now)
        };
        if self.records_stats {
            self.shards.count_lookup(hash, value.is_some());
        }
        value
    }

    #[inline]
    fn look_up_shared<Q>(&self, hash: u64, key: &Q, now: Option<Instant>) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let shard = self.read(hash);
        let slot = shard.find(hash, key)?;
        match shard.read(slot, &self.lifetimes, now) {
            Seen::Expired => return None,
            Seen::Alive => {}
            Seen::AliveUntil(_) => {
                // Deadlines come nearer under the lock of one thread only.
                drop(shard);
                return self.look_up_alone(hash, key, now);
            }
        }
        let value = shard.entry(slot).value.clone();
        shard.hit_shared(slot, hash);
        Some(value)
    }

    #[inline(never)]
    fn look_up_alone<Q>(&self, hash: u64, key: &Q, now: Option<Instant>) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.look_up_in(&mut self.write(hash), hash, key, now)
    }

    /// The same in a shard that is locked.
    fn look_up_in<Q>(
        &self,
        shard: &mut Shard<K, V, P>,
        hash: u64,
        key: &Q,
        now: Option<Instant>,
    ) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = shard.find(hash, key)?;
        match shard.read(slot, &self.lifetimes, now) {
            Seen::Expired => return None,
            Seen::Alive => {}
            Seen::AliveUntil(deadline) => {
                let now = now.unwrap_or_else(|| self.now());
                shard.set_deadline(slot, now, deadline);
            }
        }
        shard.hit(slot, hash);
        Some(shard.entry(slot).value.clone())
    }

    /// The value of a key, if it is here, without counting as a use.
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.read(hash);
        let slot = shard.find_live(hash, key, || self.now())?;
        Some(shard.entry(slot).value.clone())
    }

    /// Whether a key is here, without counting as a use.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.read(hash);
        shard.find_live(hash, key, || self.now()).is_some()
    }

    /// How long an entry still lives if it is not used: none if the key is not here, [`Duration::MAX`] for ever.
    pub fn time_left<Q>(&self, key: &Q) -> Option<Duration>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let now = self.now();
        let shard = self.read(hash);
        let slot = shard.find_live(hash, key, || now)?;
        Some(match shard.deadline(slot) {
            Instant::MAX => Duration::MAX,
            deadline => deadline - now,
        })
    }

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

    fn insert_living(&self, key: K, value: V, life: Life, now: Option<Instant>) {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        let mut out = Outbox::new();
        let new = Incoming::new(hash, Entry { key, value }, weight);
        self.put(Incoming { life, now, ..new }, &mut out);
        self.deliver(out);
    }

    /// What time it is by the clock of the cache.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.lifetimes.clock.now()
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
        let slot = shard.find_live(hash, key, || self.now())?;
        let entry = shard.remove(slot, hash, &self.hasher, &mut &self.budget);
        drop(shard); // before the key is dropped
        Some(entry.value)
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
    fn put_into<'a>(
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
    fn share_and_floor(&self) -> (u64, u64) {
        let share = self.shards.share(self.budget.capacity());
        let floor = if self.shards.count() == 1 {
            0
        } else {
            share / 2
        };
        (share, floor)
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
