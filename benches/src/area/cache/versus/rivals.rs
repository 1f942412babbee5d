//! The other caches, and the maps that never evict.
//!
//! All hash with foldhash, as ours does by default, but for TinyUFO, which brings ahash and takes no other. Where a
//! crate has several policies, the one whose hits are cheapest is timed. Those for one thread are cut into
//! shards behind a mutex each, as their users do.

use core::hash::BuildHasher as _;
use core::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, RwLock};

use foldhash::fast::RandomState;
use foyer_memory::{Cache as FoyerCache, CacheProperties, LfuConfig, S3FifoConfig};
use hashbrown::HashTable;

use super::contestant::{Contestant, Visitor};
use crate::versus::Role;

/// Shards of what is for one thread only.
const SHARDS: usize = 16;

/// Everybody but us.
pub(super) fn visit_all<V: Visitor>(visitor: V) -> V {
    visitor
        .visit::<QuickCache>()
        .visit::<Moka>()
        .visit::<MiniMoka>()
        .visit::<FoyerS3Fifo>()
        .visit::<TinyUfo>()
        .visit::<Sharded<Lru, SHARDS>>()
        .visit::<Sharded<SchnellRu, SHARDS>>()
        .visit::<Sharded<Senba, SHARDS>>()
        .visit::<DashMap>()
        .visit::<ShardedMap>()
}

pub(super) type QuickCache =
    quick_cache::sync::Cache<u64, u64, quick_cache::UnitWeighter, RandomState>;

impl Contestant for QuickCache {
    const NAME: &'static str = "quick_cache";

    fn new(capacity: usize) -> Self {
        Self::with(
            capacity,
            capacity as u64,
            quick_cache::UnitWeighter,
            RandomState::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        )
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

pub(super) type Moka = moka::sync::Cache<u64, u64, RandomState>;

impl Contestant for Moka {
    const NAME: &'static str = "moka";

    fn new(capacity: usize) -> Self {
        moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .build_with_hasher(RandomState::default())
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

pub(super) type MiniMoka = mini_moka::sync::Cache<u64, u64, RandomState>;

impl Contestant for MiniMoka {
    const NAME: &'static str = "mini-moka";

    fn new(capacity: usize) -> Self {
        mini_moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .build_with_hasher(RandomState::default())
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

/// foyer's memory tier with its S3-FIFO: its default, an LRU, locks out others at a hit.
#[derive(Debug)]
pub(super) struct FoyerS3Fifo(FoyerCache<u64, u64, RandomState, CacheProperties>);

impl Contestant for FoyerS3Fifo {
    const NAME: &'static str = "foyer (S3-FIFO)";

    fn new(capacity: usize) -> Self {
        let builder = FoyerCache::builder(capacity).with_eviction_config(S3FifoConfig::default());
        Self(builder.with_hash_builder(RandomState::default()).build())
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|entry| *entry.value())
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        let _entry = self.0.insert(key, value);
    }
}

/// The same with its W-TinyLFU.
#[derive(Debug)]
pub(super) struct FoyerLfu(FoyerCache<u64, u64, RandomState, CacheProperties>);

impl Contestant for FoyerLfu {
    const NAME: &'static str = "foyer (LFU)";

    fn new(capacity: usize) -> Self {
        let builder = FoyerCache::builder(capacity).with_eviction_config(LfuConfig::default());
        Self(builder.with_hash_builder(RandomState::default()).build())
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|entry| *entry.value())
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        let _entry = self.0.insert(key, value);
    }
}

pub(super) type TinyUfo = tinyufo::TinyUfo<u64, u64>;

impl Contestant for TinyUfo {
    const NAME: &'static str = "TinyUFO (ahash)";

    fn new(capacity: usize) -> Self {
        Self::new(capacity, capacity)
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        let _evicted = self.put(key, value, 1);
    }
}

/// A cache for one thread.
pub(super) trait Single: Send + 'static {
    /// The crate.
    const NAME: &'static str;

    fn new(capacity: usize) -> Self;
    fn get(&mut self, key: u64) -> Option<u64>;
    fn insert(&mut self, key: u64, value: u64);
}

/// So many of them, behind a mutex each and on its own cache lines.
#[derive(Debug)]
pub(super) struct Sharded<C, const SHARDS: usize> {
    shards: [Padded<Mutex<C>>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

impl<C: Single, const SHARDS: usize> Sharded<C, SHARDS> {
    /// Another hasher than the caches have: what it decides, they need not see in their own.
    #[inline]
    fn with<R>(&self, key: u64, operation: impl FnOnce(&mut C) -> R) -> R {
        let at = if SHARDS == 1 {
            0
        } else {
            (self.hasher.hash_one(key) >> 32) as usize % SHARDS
        };
        let shard = self.shards[at].0.lock();
        operation(&mut shard.unwrap_or_else(PoisonError::into_inner))
    }
}

impl<C: Single, const SHARDS: usize> Contestant for Sharded<C, SHARDS> {
    const NAME: &'static str = C::NAME;

    fn new(capacity: usize) -> Self {
        Self {
            shards: core::array::from_fn(|_| Padded(Mutex::new(C::new(capacity / SHARDS)))),
            hasher: RandomState::default(),
        }
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.with(key, |cache| cache.get(key))
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.with(key, |cache| cache.insert(key, value));
    }
}

pub(super) type Lru = lru::LruCache<u64, u64, RandomState>;

impl Single for Lru {
    const NAME: &'static str = "lru";

    fn new(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        Self::with_hasher(capacity, RandomState::default())
    }

    #[inline]
    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) {
        self.put(key, value);
    }
}

pub(super) type SchnellRu = schnellru::LruMap<u64, u64, schnellru::ByLength, RandomState>;

impl Single for SchnellRu {
    const NAME: &'static str = "schnellru";

    fn new(capacity: usize) -> Self {
        let limit = u32::try_from(capacity).unwrap_or(u32::MAX);
        Self::with_hasher(schnellru::ByLength::new(limit), RandomState::default())
    }

    #[inline]
    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

/// With the smallest slots that the entries fit in.
pub(super) type Senba = senba::Cache<u64, u64, senba::Slot16, RandomState>;

impl Single for Senba {
    const NAME: &'static str = "senba";

    fn new(capacity: usize) -> Self {
        Self::with_hasher(capacity, RandomState::default())
    }

    #[inline]
    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

pub(super) type DashMap = dashmap::DashMap<u64, u64, RandomState>;

impl Contestant for DashMap {
    const NAME: &'static str = "dashmap, which never evicts";
    const EVICTS: bool = false;

    fn new(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, RandomState::default())
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|value| *value)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

/// What a hit takes at least: a hash, a lock that readers share, and a table. It never evicts.
#[derive(Debug)]
pub(super) struct ShardedMap {
    shards: [Padded<RwLock<HashTable<[u64; 2]>>>; 1 << Self::BITS],
    hasher: RandomState,
}

impl ShardedMap {
    /// The best of 16, 64 and 256 shards by two threads; no matter by one.
    const BITS: u32 = 6;

    /// The upper bits choose the shard; then they go where the table does not look for its tags.
    #[inline]
    fn locate(&self, key: u64) -> (&RwLock<HashTable<[u64; 2]>>, u64) {
        let hash = self.hasher.hash_one(key);
        let at = (hash >> (64 - Self::BITS)) as usize;
        (&self.shards[at].0, hash.rotate_left(Self::BITS))
    }
}

impl Contestant for ShardedMap {
    const NAME: &'static str = "map in shards";
    const ROLE: Role = Role::Floor;
    const EVICTS: bool = false;

    fn new(capacity: usize) -> Self {
        let share = capacity >> Self::BITS;
        Self {
            shards: core::array::from_fn(|_| {
                Padded(RwLock::new(HashTable::with_capacity(share + share / 8)))
            }),
            hasher: RandomState::default(),
        }
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        let (shard, hash) = self.locate(key);
        let table = shard.read().unwrap_or_else(PoisonError::into_inner);
        table
            .find(hash, |entry| entry[0] == key)
            .map(|entry| entry[1])
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        let (shard, hash) = self.locate(key);
        let mut table = shard.write().unwrap_or_else(PoisonError::into_inner);
        let rehash = |entry: &[u64; 2]| self.hasher.hash_one(entry[0]).rotate_left(Self::BITS);
        match table.entry(hash, |entry| entry[0] == key, rehash) {
            hashbrown::hash_table::Entry::Occupied(mut entry) => entry.get_mut()[1] = value,
            hashbrown::hash_table::Entry::Vacant(entry) => {
                entry.insert([key, value]);
            }
        }
    }
}
