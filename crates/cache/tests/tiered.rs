//! Two tiers against a map, and what invalidations may not bring back.

#![cfg(not(purlin_loom))]

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use proptest::prelude::*;
use purlin_cache::Builder;
use purlin_cache::policy::Fifo;
use purlin_cache::sync::Cache;
use purlin_cache::tiered::{Tier, Tiered};
use std::collections::{HashMap, HashSet};
use std::sync::{Barrier, Mutex};
use std::thread;

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u8, u32),
    Get(u8),
    Invalidate(u8),
    InvalidateAll,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u8..20;
    prop_oneof![
        8 => (key(), any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
        8 => key().prop_map(Op::Get),
        2 => key().prop_map(Op::Invalidate),
        1 => Just(Op::InvalidateAll),
    ]
}

type Check<'a> = &'a dyn Fn(&HashMap<u8, u32>) -> Result<(), TestCaseError>;

/// The second tier is large enough for everything, so that a pair is a map.
fn as_a_map<L1: Tier<u8, u32>>(
    ops: &[Op],
    tiers: &Tiered<u8, u32, L1, Cache<u8, u32>>,
    check: Check<'_>,
) -> Result<(), TestCaseError> {
    let mut model = HashMap::new();
    for op in ops {
        match *op {
            Op::Insert(key, value) => {
                tiers.insert(key, value);
                model.insert(key, value);
            }
            Op::Get(key) => prop_assert_eq!(tiers.get(&key), model.get(&key).copied()),
            Op::Invalidate(key) => {
                tiers.invalidate(&key);
                model.remove(&key);
            }
            Op::InvalidateAll => {
                tiers.invalidate_all();
                model.clear();
            }
        }
        check(&model)?;
    }
    Ok(())
}

fn keys<P: purlin_cache::policy::Policy>(cache: &Cache<u8, u32, P>) -> HashSet<u8> {
    cache.iter().map(|(key, _)| key).collect()
}

proptest! {
    #[test]
    fn an_exclusive_pair_is_a_map(ops in prop::collection::vec(op(), 1..200), rejects in any::<bool>()) {
        if rejects {
            // The first tier turns everything away.
            let tiers = Tiered::exclusive(Builder::new(0), Cache::new(1_000));
            as_a_map(&ops, &tiers, &|_| Ok(()))?;
        }
        let tiers = Tiered::exclusive(Builder::new(4).policy(Fifo::new), Cache::new(1_000));
        as_a_map(&ops, &tiers, &|model| {
            let (first, second) = (keys(tiers.first()), keys(tiers.second()));
            prop_assert!(first.is_disjoint(&second));
            prop_assert_eq!(first.union(&second).count(), model.len());
            Ok(())
        })?;
    }

    #[test]
    fn an_inclusive_pair_is_a_map(ops in prop::collection::vec(op(), 1..200)) {
        let tiers = Tiered::inclusive(Cache::builder(4).policy(Fifo::new).build(), Cache::new(1_000));
        as_a_map(&ops, &tiers, &|model| {
            let (first, second) = (keys(tiers.first()), keys(tiers.second()));
            prop_assert!(first.is_subset(&second));
            prop_assert_eq!(second.len(), model.len());
            Ok(())
        })?;
    }
}

/// A second tier that stops after it has read.
struct Paused {
    inner: Mutex<HashMap<u32, u32>>,
    pauses: AtomicBool,
    has_read: Barrier,
    goes_on: Barrier,
}

impl Tier<u32, u32> for Paused {
    fn get(&self, key: &u32) -> Option<u32> {
        let value = self.inner.lock().expect("no panic").get(key).copied();
        if self.pauses.swap(false, SeqCst) {
            self.has_read.wait();
            self.goes_on.wait();
        }
        value
    }

    fn insert(&self, key: u32, value: u32) {
        self.inner.lock().expect("no panic").insert(key, value);
    }

    fn invalidate(&self, key: &u32) {
        self.inner.lock().expect("no panic").remove(key);
    }

    fn invalidate_all(&self) {
        self.inner.lock().expect("no panic").clear();
    }
}

#[test]
fn a_promotion_brings_nothing_back() {
    type Invalidate = fn(&Tiered<u32, u32, Cache<u32, u32>, Paused>);
    let ways: [Invalidate; 3] = [
        |tiers| tiers.invalidate(&7),
        |tiers| tiers.invalidate_all(),
        |tiers| tiers.insert(7, 2),
    ];
    for (way, expected) in ways.into_iter().zip([None, None, Some(2)]) {
        let second = Paused {
            inner: Mutex::new(HashMap::from([(7, 1)])),
            pauses: AtomicBool::new(true),
            has_read: Barrier::new(2),
            goes_on: Barrier::new(2),
        };
        let tiers = Tiered::inclusive(Cache::new(10), second);
        thread::scope(|scope| {
            let reader = scope.spawn(|| tiers.get(&7));
            tiers.second().has_read.wait();
            let other = scope.spawn(|| way(&tiers));
            thread::sleep(core::time::Duration::from_millis(10));
            tiers.second().goes_on.wait();
            assert_eq!(reader.join().unwrap(), Some(1));
            other.join().unwrap();
        });
        assert_eq!(tiers.get(&7), expected);
    }
}

/// Each key has one writer, who counts up; whoever reads sees nothing from before what it knows to be written or
/// invalidated, in spite of evictions, demotions and promotions by all.
#[test]
fn nothing_old_comes_back_in_an_exclusive_pair() {
    const KEYS: u64 = 24;
    let tiers: Tiered<u64, u64, _, _> = Tiered::exclusive(
        Builder::new(4).policy(Fifo::new).shards(1),
        Cache::new(1_000),
    );
    let least: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for writer in 0..3 {
            let (tiers, least) = (&tiers, &least);
            scope.spawn(move || {
                for turn in 1..6_000_u64 {
                    let own = (turn * 5 % (KEYS / 3)) * 3 + writer;
                    if turn % 4 == 0 {
                        tiers.invalidate(&own);
                        least[usize::try_from(own).unwrap()].store(turn, SeqCst);
                    } else {
                        tiers.insert(own, turn);
                        least[usize::try_from(own).unwrap()].store(turn, SeqCst);
                    }
                    let any = turn * 7 % KEYS;
                    let known = least[usize::try_from(any).unwrap()].load(SeqCst);
                    if let Some(value) = tiers.get(&any) {
                        assert!(
                            value >= known,
                            "key {any} has {value}, and {known} was before"
                        );
                    }
                }
            });
        }
    });
    for key in 0..KEYS {
        let known = least[usize::try_from(key).unwrap()].load(SeqCst);
        assert!(tiers.get(&key).is_none_or(|value| value == known));
    }
}

/// A tier that does something at each call: it is told its name and the call's.
struct Watched<F>(&'static str, Mutex<HashMap<u32, u32>>, F);

impl<F: Fn(&str)> Watched<F> {
    fn call<R>(&self, call: &str, act: impl FnOnce(&mut HashMap<u32, u32>) -> R) -> R {
        (self.2)(&format!("{} {call}", self.0));
        act(&mut self.1.lock().expect("no panic"))
    }
}

impl<F: Fn(&str)> Tier<u32, u32> for Watched<F> {
    fn get(&self, key: &u32) -> Option<u32> {
        self.call("get", |map| map.get(key).copied())
    }

    fn insert(&self, key: u32, value: u32) {
        self.call("insert", |map| map.insert(key, value));
    }

    fn invalidate(&self, key: &u32) {
        self.call("invalidate", |map| map.remove(key));
    }

    fn invalidate_all(&self) {
        self.call("invalidate_all", HashMap::clear);
    }
}

#[test]
fn the_second_tier_is_invalidated_first() {
    let calls = Mutex::new(Vec::new());
    let log = |call: &str| calls.lock().expect("no panic").push(call.to_owned());
    let [first, second] = ["first", "second"].map(|name| Watched(name, Mutex::default(), log));
    let tiers = Tiered::inclusive(first, second);
    tiers.invalidate(&7);
    tiers.invalidate_all();
    let expected = [
        "second invalidate",
        "first invalidate",
        "second invalidate_all",
        "first invalidate_all",
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
}

thread_local! {
    /// How many drops of keys take their time in this thread.
    static SLOW_DROPS: Cell<u32> = const { Cell::new(0) };
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct SlowToDrop(u32);

impl Drop for SlowToDrop {
    fn drop(&mut self) {
        let slow = SLOW_DROPS.try_with(|left| left.replace(left.get().saturating_sub(1)));
        if slow.is_ok_and(|left| left > 0) {
            thread::sleep(core::time::Duration::from_millis(10));
        }
    }
}

/// What leaves the first tier for one heavy value, is on its way to the second when everything is removed.
#[test]
fn a_demotion_brings_nothing_back() {
    let (demotes, has_begun) = std::sync::mpsc::channel();
    let demotes = Mutex::new(Some(demotes));
    let second = Cache::builder(1_000)
        .weigher(move |_: &SlowToDrop, _: &u32| {
            if let Some(demotes) = demotes.lock().expect("no panic").take() {
                demotes.send(()).expect("the test waits");
                // Some of them while no key is locked.
                SLOW_DROPS.set(5);
            }
            1
        })
        .build();
    let first = Builder::new(100)
        .shards(1)
        .policy(Fifo::new)
        .weigher(|_: &SlowToDrop, value: &u32| u64::from(*value));
    let tiers = Tiered::exclusive(first, second);
    for key in 0..100 {
        tiers.insert(SlowToDrop(key), 1);
    }
    thread::scope(|scope| {
        scope.spawn(|| tiers.insert(SlowToDrop(100), 100));
        has_begun.recv().expect("they leave");
        tiers.invalidate_all();
    });
    assert!((0..100).all(|key| tiers.get(&SlowToDrop(key)).is_none()));
}
