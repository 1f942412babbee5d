//! The cache for many threads.

mod budget;
mod bulk;
pub mod entry;
mod guarded;
mod lead;
mod load;
#[cfg(feature = "async")]
mod load_async;
mod locks;
mod put;
pub mod refresh;
mod remove;
mod shards;
mod snapshot;
mod whole;

pub(crate) use whole::Place;

use crate::builder::{Builder, Listener, PolicyFactory, Weigher};
use crate::lifetime::Lifetimes;
use crate::load::Waits;
use crate::policy::{Adaptive, Policy};
use crate::shard::{Seen, Shard};
use crate::stats::Stats;
use budget::SharedBudget;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use foldhash::fast::RandomState;
use purlin_core::time::Instant;
use shards::Shards;

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
        Some(shard.time_left(slot, now))
    }

    /// What time it is by the clock of the cache.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.lifetimes.clock.now()
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
}

impl<K, V, P, S> fmt::Debug for Cache<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("max_capacity", &self.budget.capacity())
            .field("left", &self.budget.left())
            .finish_non_exhaustive()
    }
}
