//! Both caches against a list in the order of use, step by step: who is here, with which value, who left and why.

extern crate alloc;

use alloc::sync::Arc;
use proptest::prelude::*;
use purlin_cache::policy::{Clock, Lru, Random, Sieve};
use purlin_cache::{RemovalCause, Stats, sync, unsync};
use std::sync::Mutex;

type Left = (u16, u32, RemovalCause);
type Told = Arc<Mutex<Vec<Left>>>;

#[derive(Clone, Debug)]
enum Op {
    Get(u16),
    Peek(u16),
    Insert(u16, u32),
    Remove(u16),
    Invalidate(u16),
    InvalidateOdd,
    InvalidateAll,
    Resize(u64),
    Pin(u16),
    Unpin(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..24_u16;
    prop_oneof![
        6 => key.clone().prop_map(Op::Get),
        1 => key.clone().prop_map(Op::Peek),
        // The value is what it weighs where there is a weigher.
        10 => (key.clone(), prop_oneof![9 => 0..4_u32, 1 => 0..40_u32]).prop_map(|(k, v)| Op::Insert(k, v)),
        1 => key.clone().prop_map(Op::Remove),
        1 => key.clone().prop_map(Op::Invalidate),
        1 => Just(Op::InvalidateOdd),
        1 => Just(Op::InvalidateAll),
        1 => (0..20_u64).prop_map(Op::Resize),
        1 => key.clone().prop_map(Op::Pin),
        1 => key.prop_map(Op::Unpin),
    ]
}

/// LRU over a list: the most recently used at the end.
#[derive(Debug, Default)]
struct Model {
    entries: Vec<(u16, u32, bool)>,
    capacity: u64,
    weighted: bool,
    left: Vec<Left>,
}

impl Model {
    fn weight(&self, value: u32) -> u64 {
        if self.weighted {
            u64::from(value.max(1))
        } else {
            1
        }
    }

    fn size(&self) -> u64 {
        self.entries
            .iter()
            .map(|(_, value, _)| self.weight(*value))
            .sum()
    }

    fn position(&self, key: u16) -> Option<usize> {
        self.entries.iter().position(|(one, ..)| *one == key)
    }

    fn get(&mut self, key: u16) -> Option<u32> {
        let entry = self.entries.remove(self.position(key)?);
        self.entries.push(entry);
        Some(entry.1)
    }

    fn evict(&mut self) -> bool {
        let victim = self.entries.iter().position(|(.., pinned)| !pinned);
        if let Some(at) = victim {
            let (key, value, _) = self.entries.remove(at);
            self.left.push((key, value, RemovalCause::Size));
        }
        victim.is_some()
    }

    fn insert(&mut self, key: u16, value: u32) {
        let weight = self.weight(value);
        if let Some(at) = self.position(key) {
            let (_, old, pinned) = self.entries.remove(at);
            self.left.push((key, old, RemovalCause::Replaced));
            let grows_within = self.size() + weight <= self.capacity;
            if weight <= self.capacity && (weight <= self.weight(old) || grows_within) {
                // In its place, also where the cache holds too much already since all of it is pinned.
                return self.entries.push((key, value, pinned));
            }
        }
        while weight <= self.capacity && self.size() + weight > self.capacity {
            if !self.evict() {
                break;
            }
        }
        if self.size() + weight > self.capacity {
            self.left.push((key, value, RemovalCause::Rejected));
        } else {
            self.entries.push((key, value, false));
        }
    }

    fn invalidate_if(&mut self, predicate: impl Fn(u16) -> bool, cause: RemovalCause) {
        for (key, value, _) in self.entries.extract_if(.., |(key, ..)| predicate(*key)) {
            self.left.push((key, value, cause));
        }
    }

    fn resize(&mut self, capacity: u64) {
        self.capacity = capacity;
        while self.size() > self.capacity && self.evict() {}
    }

    fn pin(&mut self, key: u16, pin: bool) -> bool {
        let Some(at) = self.position(key) else {
            return false;
        };
        let was_pinned = self.entries[at].2;
        self.entries[at].2 = pin;
        if was_pinned && !pin {
            // It comes back as if it were new.
            let entry = self.entries.remove(at);
            self.entries.push(entry);
            self.resize(self.capacity);
        }
        if pin { true } else { was_pinned }
    }
}

/// What the two caches have in common, as far as the model knows it.
trait Subject {
    fn get(&mut self, key: u16) -> Option<u32>;
    fn peek(&self, key: u16) -> Option<u32>;
    fn insert(&mut self, key: u16, value: u32);
    fn remove(&mut self, key: u16) -> Option<u32>;
    fn invalidate(&mut self, key: u16) -> bool;
    fn invalidate_if(&mut self, predicate: fn(u16) -> bool);
    fn invalidate_all(&mut self);
    fn resize(&mut self, capacity: u64);
    fn pin(&mut self, key: u16) -> bool;
    fn unpin(&mut self, key: u16) -> bool;
    fn size(&self) -> (usize, u64);
    fn stats(&self) -> Stats;
    fn all(&self) -> Vec<(u16, u32)>;
}

macro_rules! subject {
    ($cache:ty, $read:ident) => {
        impl<P: purlin_cache::policy::Policy> Subject for $cache {
            fn get(&mut self, key: u16) -> Option<u32> {
                <$cache>::get(self, &key).$read()
            }
            fn peek(&self, key: u16) -> Option<u32> {
                <$cache>::peek(self, &key).$read()
            }
            fn insert(&mut self, key: u16, value: u32) {
                <$cache>::insert(self, key, value);
            }
            fn remove(&mut self, key: u16) -> Option<u32> {
                <$cache>::remove(self, &key)
            }
            fn invalidate(&mut self, key: u16) -> bool {
                <$cache>::invalidate(self, &key)
            }
            fn invalidate_if(&mut self, predicate: fn(u16) -> bool) {
                <$cache>::invalidate_if(self, |key, _| predicate(*key));
            }
            fn invalidate_all(&mut self) {
                <$cache>::invalidate_all(self);
            }
            fn resize(&mut self, capacity: u64) {
                self.set_max_capacity(capacity);
            }
            fn pin(&mut self, key: u16) -> bool {
                <$cache>::pin(self, &key)
            }
            fn unpin(&mut self, key: u16) -> bool {
                <$cache>::unpin(self, &key)
            }
            fn size(&self) -> (usize, u64) {
                (self.len(), self.weighted_size())
            }
            fn stats(&self) -> Stats {
                <$cache>::stats(self)
            }
            fn all(&self) -> Vec<(u16, u32)> {
                self.iter()
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect()
            }
        }
    };
}

subject!(unsync::Cache<u16, u32, P>, copied);
subject!(sync::Cache<u16, u32, P>, plain);

/// So that the macro can say the same for references and values.
trait Plain {
    fn plain(self) -> Option<u32>;
}

impl Plain for Option<u32> {
    fn plain(self) -> Self {
        self
    }
}

fn told() -> (
    Told,
    impl Fn(&u16, u32, RemovalCause) + Send + Sync + 'static,
) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = told.clone();
    (told, move |key: &u16, value, cause| {
        teller
            .lock()
            .expect("nobody panics")
            .push((*key, value, cause));
    })
}

fn builder(capacity: u64, weighted: bool) -> (Told, purlin_cache::Builder<u16, u32, Lru>) {
    let (told, listener) = told();
    let mut builder = sync::Cache::builder(capacity)
        .policy(Lru::new)
        .eviction_listener(listener);
    if weighted {
        builder = builder.weigher(|_, value| u64::from(*value));
    }
    (told, builder)
}

/// Runs the steps on both, comparing everything that can be seen after each.
fn agrees(cache: &mut dyn Subject, told: &Told, capacity: u64, weighted: bool, ops: &[Op]) {
    let mut model = Model {
        capacity,
        weighted,
        ..Model::default()
    };
    for op in ops {
        match *op {
            Op::Get(key) => assert_eq!(cache.get(key), model.get(key)),
            Op::Peek(key) => {
                let there = model.position(key).map(|at| model.entries[at].1);
                assert_eq!(cache.peek(key), there);
            }
            Op::Insert(key, value) => {
                cache.insert(key, value);
                model.insert(key, value);
            }
            Op::Remove(key) => {
                let there = model.position(key).map(|at| model.entries.remove(at).1);
                assert_eq!(cache.remove(key), there);
            }
            Op::Invalidate(key) => {
                assert_eq!(cache.invalidate(key), model.position(key).is_some());
                model.invalidate_if(|one| one == key, RemovalCause::Explicit);
            }
            Op::InvalidateOdd => {
                cache.invalidate_if(|key| key % 2 == 1);
                model.invalidate_if(|key| key % 2 == 1, RemovalCause::Explicit);
            }
            Op::InvalidateAll => {
                cache.invalidate_all();
                model.invalidate_if(|_| true, RemovalCause::Cleared);
            }
            Op::Resize(capacity) => {
                cache.resize(capacity);
                model.resize(capacity);
            }
            Op::Pin(key) => assert_eq!(cache.pin(key), model.pin(key, true)),
            Op::Unpin(key) => assert_eq!(cache.unpin(key), model.pin(key, false)),
        }
        assert_eq!(
            cache.size(),
            (model.entries.len(), model.size()),
            "after {op:?}"
        );
        let mut all = cache.all();
        all.sort_unstable();
        let mut here: Vec<_> = model
            .entries
            .iter()
            .map(|(key, value, _)| (*key, *value))
            .collect();
        here.sort_unstable();
        assert_eq!(all, here, "after {op:?}");
    }
    conserved(&cache.stats());
    // Cleared entries are told later, and several of one operation in another order.
    let mut heard = told.lock().expect("nobody panics").clone();
    heard.retain(|(.., cause)| *cause != RemovalCause::Cleared);
    model
        .left
        .retain(|(.., cause)| *cause != RemovalCause::Cleared);
    heard.sort_unstable_by_key(|(key, value, cause)| (*key, *value, *cause as u8));
    model
        .left
        .sort_unstable_by_key(|(key, value, cause)| (*key, *value, *cause as u8));
    assert_eq!(heard, model.left);
}

/// What came in is here or has left for one reason.
fn conserved(stats: &Stats) {
    use RemovalCause::{Cleared, Expired, Explicit, Replaced, Size};
    let left: u64 = [Cleared, Expired, Explicit, Replaced, Size]
        .map(|cause| stats.removed(cause))
        .iter()
        .sum();
    assert_eq!(stats.inserted, stats.entries + left, "{stats:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn unsync_is_a_list_in_the_order_of_use(
        capacity in 0..16_u64,
        weighted: bool,
        ops in proptest::collection::vec(op(), 0..200),
    ) {
        let (told, builder) = builder(capacity, weighted);
        agrees(&mut builder.build_unsync(), &told, capacity, weighted, &ops);
    }

    #[test]
    fn sync_with_one_shard_is_a_list_in_the_order_of_use(
        capacity in 0..16_u64,
        weighted: bool,
        ops in proptest::collection::vec(op(), 0..200),
    ) {
        let (told, builder) = builder(capacity, weighted);
        agrees(&mut builder.shards(1).build(), &told, capacity, weighted, &ops);
    }

    /// With many shards and other policies, who leaves is another matter; that nothing is wrong is not.
    #[test]
    fn sync_with_many_shards_keeps_its_promises(
        capacity in 0..64_u64,
        shards in 1..9_usize,
        weighted: bool,
        policy in 0..3_u8,
        ops in proptest::collection::vec(op(), 0..300),
    ) {
        let (told, builder) = builder(capacity, weighted);
        let builder = builder.shards(shards);
        match policy {
            0 => promises(&builder.policy(Clock::new).build(), &told, capacity, &ops),
            1 => promises(&builder.policy(Sieve::new).build(), &told, capacity, &ops),
            _ => promises(&builder.policy(|entries| Random::with_seed(entries, 7)).build(), &told, capacity, &ops),
        }
    }
}

fn promises<P: purlin_cache::policy::Policy>(
    cache: &sync::Cache<u16, u32, P>,
    told: &Told,
    mut capacity: u64,
    ops: &[Op],
) {
    let mut latest = std::collections::HashMap::new();
    let mut pins = std::collections::HashSet::new();
    for op in ops {
        match *op {
            Op::Get(key) | Op::Peek(key) => {
                if let Some(value) = cache.get(&key) {
                    assert_eq!(
                        Some(&value),
                        latest.get(&key),
                        "a value that was not the last put in"
                    );
                }
            }
            Op::Insert(key, value) => {
                let pinned = pins.contains(&key);
                cache.insert(key, value);
                latest.insert(key, value);
                // A pinned key stays so with its new value, unless that is too large.
                if pinned && !(cache.contains_key(&key) && cache.pin(&key)) {
                    pins.remove(&key);
                }
            }
            Op::Remove(key) | Op::Invalidate(key) => {
                cache.remove(&key);
                latest.remove(&key);
                pins.remove(&key);
                assert!(!cache.contains_key(&key));
            }
            Op::InvalidateOdd => {
                cache.invalidate_if(|key, _| key % 2 == 1);
                pins.retain(|key| key % 2 == 0);
                assert!(cache.iter().all(|(key, _)| key % 2 == 0));
            }
            Op::InvalidateAll => {
                cache.invalidate_all();
                pins.clear();
                assert!(cache.is_empty());
            }
            Op::Resize(to) => {
                cache.set_max_capacity(to);
                capacity = to;
            }
            Op::Pin(key) => {
                if cache.pin(&key) {
                    pins.insert(key);
                }
            }
            Op::Unpin(key) => {
                cache.unpin(&key);
                pins.remove(&key);
            }
        }
        for key in &pins {
            assert!(cache.contains_key(key), "pinned, and gone after {op:?}");
        }
        let pinned: u64 = cache.weighted_size();
        assert!(
            pinned <= capacity || !pins.is_empty(),
            "{pinned} of {capacity}"
        );
    }
    cache.invalidate_all();
    cache.run_pending();
    assert_eq!(cache.weighted_size(), 0);
    conserved(&cache.stats());
    heard_as_counted(told, &cache.stats());
}

fn heard_as_counted(told: &Told, stats: &Stats) {
    let told = told.lock().expect("nobody panics");
    for cause in [
        RemovalCause::Size,
        RemovalCause::Rejected,
        RemovalCause::Replaced,
        RemovalCause::Cleared,
    ] {
        let heard = told.iter().filter(|(.., one)| *one == cause).count() as u64;
        assert_eq!(heard, stats.removed(cause), "{cause}");
    }
}

#[test]
fn nothing_leaves_before_the_cache_is_full() {
    let cache: sync::Cache<u32, u32> = sync::Cache::builder(10_000).shards(64).build();
    for key in 0..10_000 {
        cache.insert(key, key);
    }
    assert_eq!(cache.len(), 10_000);
    for key in 10_000..50_000 {
        cache.insert(key, key);
        assert_eq!(cache.len(), 10_000);
    }
}

#[test]
fn an_item_as_large_as_the_cache_is_admitted() {
    let cache = sync::Cache::builder(1_000)
        .shards(16)
        .weigher(|_: &u32, weight: &u64| *weight)
        .build();
    for key in 0..500 {
        cache.insert(key, 2);
    }
    assert_eq!(cache.weighted_size(), 1_000);
    cache.insert(1_000, 1_000);
    assert_eq!(cache.get(&1_000), Some(1_000));
    assert_eq!(cache.len(), 1);
    cache.insert(1_000, 1_001);
    assert_eq!(
        cache.get(&1_000),
        None,
        "an old value outlived its key's newer one"
    );
}
