//! The cache for one thread: no lock, no clock of its own, no `std`.

mod snapshot;
mod whole;

use crate::builder::{Builder, Listener, PolicyFactory, Weigher};
use crate::lifetime::{Life, Lifetimes};
use crate::listener::RemovalCause;
use crate::policy::{Adaptive, Policy, Slot};
use crate::shard::{Entry, Incoming, Inserted, Outbox, OwnBudget, Seen, Shard};
use crate::stats::Stats;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use foldhash::fast::RandomState;
use purlin_core::time::Instant;

/// A cache for one thread at a time.
///
/// It is `Send` if keys, values, policy and hasher are. Lookups that count as a use take `&mut self` and answer with a
/// reference; [`peek`](Self::peek) takes `&self`. All operations but those that say so are O(1), an insertion
/// amortized: arrays grow by doubling up to the capacity.
///
/// ```
/// use purlin_cache::unsync::Cache;
///
/// let mut cache = Cache::new(100);
/// cache.insert("lime", 3);
/// assert_eq!(cache.get("lime"), Some(&3));
/// assert_eq!(cache.remove("lime"), Some(3));
/// assert!(cache.is_empty());
/// ```
pub struct Cache<K, V, P = Adaptive, S = RandomState> {
    shard: Shard<K, V, P>,
    budget: OwnBudget,
    hasher: S,
    hits: u64,
    misses: u64,
    lifetimes: Lifetimes<K, V>,
    weigher: Option<Weigher<K, V>>,
    listener: Option<Listener<K, V>>,
    policy: PolicyFactory<P>,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// A cache for so many entries, with everything else as it comes.
    #[must_use]
    pub fn new(max_capacity: u64) -> Self {
        Self::builder(max_capacity).build_unsync()
    }

    /// To choose more than the capacity.
    #[must_use]
    pub fn builder(max_capacity: u64) -> Builder<K, V> {
        Builder::new(max_capacity)
    }
}

impl<K, V, P: Policy, S> Builder<K, V, P, S> {
    /// A cache for one thread at a time. [`shards`](Self::shards) and [`record_stats`](Self::record_stats) change
    /// nothing: it has one shard, and always counts.
    #[must_use]
    pub fn build_unsync(self) -> Cache<K, V, P, S> {
        let weighted = self.weigher.is_some();
        let entries = usize::try_from(self.max_capacity).unwrap_or(usize::MAX / 2);
        let expected = if weighted { entries.min(64) } else { entries };
        Cache {
            shard: Shard::new(
                (self.policy)(expected),
                expected,
                weighted,
                self.lifetimes.times(),
            ),
            budget: OwnBudget {
                capacity: self.max_capacity,
                used: 0,
            },
            hasher: self.hasher,
            hits: 0,
            misses: 0,
            lifetimes: self.lifetimes,
            weigher: self.weigher,
            listener: self.listener,
            policy: self.policy,
        }
    }
}

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    P: Policy,
    S: BuildHasher,
{
    /// The value of a key, if it is here. Counts as a use.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_mut(key).map(|value| &*value)
    }

    /// The same for those who know what time it is, by the clock of the cache.
    pub fn get_at<Q>(&mut self, now: Instant, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.look_up(key, Some(now)).map(|value| &*value)
    }

    /// The value of a key, to change it in place. Counts as a use. What it weighs is not asked again.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.look_up(key, None)
    }

    fn look_up<Q>(&mut self, key: &Q, now: Option<Instant>) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.mend();
        let found = self.shard.find(hash, key);
        let seen = found.map(|slot| (slot, self.shard.read(slot, &self.lifetimes, now)));
        let Some((slot, seen)) = seen.filter(|(_, seen)| *seen != Seen::Expired) else {
            self.misses += 1;
            return None;
        };
        if let Seen::AliveUntil(deadline) = seen {
            let now = now.unwrap_or_else(|| self.now());
            self.shard.set_deadline(slot, now, deadline);
        }
        self.hits += 1;
        self.shard.hit(slot, hash);
        Some(self.shard.value_mut(slot))
    }

    /// The value of a key, if it is here, without counting as a use.
    pub fn peek<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = self.find_live(key)?;
        Some(&self.shard.entry(slot).value)
    }

    /// Whether a key is here, without counting as a use.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.peek(key).is_some()
    }

    /// How long an entry still lives if it is not used: none if the key is not here, [`Duration::MAX`] for ever.
    pub fn time_left<Q>(&self, key: &Q) -> Option<Duration>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = self.find_live(key)?;
        Some(self.shard.time_left(slot, self.now()))
    }

    /// Puts a value in. What has to leave for it, leaves before it is in.
    pub fn insert(&mut self, key: K, value: V) {
        self.insert_living(key, value, Life::Usual, None);
    }

    /// The same for those who know what time it is, by the clock of the cache.
    pub fn insert_at(&mut self, now: Instant, key: K, value: V) {
        self.insert_living(key, value, Life::Usual, Some(now));
    }

    /// Puts a value in that lives so long at most, in place of what the cache's
    /// [`Expiry`](crate::expiry::Expiry) would say. A cache without any expiry can have such entries too.
    pub fn insert_with_ttl(&mut self, key: K, value: V, time_to_live: Duration) {
        self.insert_living(key, value, Life::For(time_to_live), None);
    }

    fn insert_living(&mut self, key: K, value: V, life: Life, now: Option<Instant>) {
        let weight = self.weigh(&key, &value);
        let hash = self.hasher.hash_one(&key);
        self.mend();
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

    /// The value of a key; where there is none, `load` makes it, and it is put in if the policy has room for it.
    ///
    /// The value is handed out by clone, since it may have been refused.
    pub fn get_with(&mut self, key: K, load: impl FnOnce() -> V) -> V
    where
        V: Clone,
    {
        if let Some(value) = self.get(&key) {
            return value.clone();
        }
        let value = load();
        self.insert(key, value.clone());
        value
    }

    /// The same where making the value may fail; then nothing is put in.
    ///
    /// # Errors
    ///
    /// What `load` fails with.
    pub fn try_get_with<E>(&mut self, key: K, load: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        V: Clone,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value.clone());
        }
        let value = load()?;
        self.insert(key, value.clone());
        Ok(value)
    }

    /// Removes an entry, and returns whether there was one. The listener has its value.
    pub fn invalidate<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.mend();
        let Some(slot) = self.shard.find_live(hash, key, || self.now()) else {
            return false;
        };
        let mut out = Outbox::new();
        let (cause, budget) = (RemovalCause::Explicit, &mut self.budget);
        self.shard
            .expel(slot, hash, cause, &self.hasher, budget, &mut out);
        self.deliver(out);
        true
    }

    /// Takes a value out. The listener is not told: the caller has it.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.mend();
        let slot = self.shard.find_live(hash, key, || self.now())?;
        let entry = self
            .shard
            .remove(slot, hash, &self.hasher, &mut self.budget);
        Some(entry.value)
    }

    /// How many entries are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shard.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh together; their number if there is no weigher.
    #[must_use]
    pub fn weighted_size(&self) -> u64 {
        self.shard.used()
    }

    /// What they may weigh.
    #[must_use]
    pub fn max_capacity(&self) -> u64 {
        self.budget.capacity
    }

    /// Counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        stats.hits = self.hits;
        stats.misses = self.misses;
        stats.add(self.shard.counters(), self.shard.len());
        stats
    }

    /// For those who can mend nothing: what a panic has torn, nobody sees.
    fn find_live<Q>(&self, key: &Q) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let slot = self.shard.find_live(hash, key, || self.now())?;
        (!self.shard.is_torn()).then_some(slot)
    }

    fn weigh(&self, key: &K, value: &V) -> u64 {
        self.weigher
            .as_ref()
            .map_or(1, |weigh| weigh(key, value).max(1))
    }

    fn put(&mut self, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        if new.weight > self.budget.capacity {
            return self.reject(new, out);
        }
        let inserted =
            self.shard
                .insert(new, 0, &self.hasher, &self.lifetimes, &mut self.budget, out);
        if let Inserted::Homeless(new) = inserted {
            self.reject(new, out);
        }
    }

    /// Turns an entry away; an older value of its key must not outlive it.
    fn reject(&mut self, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        if let Some(slot) = self.shard.find(new.hash, &new.entry.key) {
            let cause = RemovalCause::Replaced;
            self.shard
                .expel(slot, new.hash, cause, &self.hasher, &mut self.budget, out);
        }
        self.shard.reject(new.entry, out);
    }

    /// After a panic of a key's `Hash` in the middle of a change there is nothing to rely on but what was paid
    /// for: all of it goes.
    fn mend(&mut self) {
        if self.shard.is_torn() {
            let policy = (self.policy)(self.shard.expected());
            self.shard.clear(policy, &mut self.budget);
        }
    }

    fn deliver(&self, out: Outbox<K, V>) {
        if let Some(listener) = &self.listener {
            for (entry, cause) in out.into_iter() {
                listener(&entry.key, entry.value, cause);
            }
        }
    }
}

impl<K, V, P, S> fmt::Debug for Cache<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("weighted_size", &self.budget.used)
            .field("max_capacity", &self.budget.capacity)
            .finish_non_exhaustive()
    }
}
