//! Threads that do everything at once. When they are done, nothing is lost and nothing is out of bounds. For
//! ThreadSanitizer too: `.ci/stages/deep.sh`.
#![cfg(all(feature = "std", not(purlin_loom)))]

extern crate alloc;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use purlin_cache::policy::{Adaptive, Clock, Lru, Policy, S3Fifo};
use purlin_cache::sync::Cache;
use purlin_cache::{Builder, RemovalCause, Stats};
use purlin_core::random::{RandomExt, SplitMix64};
use purlin_core::time::ManualClock;
use std::thread;

const THREADS: u64 = 4;
const CAPACITY: u64 = 500;
const KEYS: u64 = 1_000;
const ROUNDS: u64 = 100_000;

/// What a listener was told, by cause.
#[derive(Default)]
struct Told([AtomicU64; 6]);

const CAUSES: [RemovalCause; 6] = [
    RemovalCause::Expired,
    RemovalCause::Explicit,
    RemovalCause::Replaced,
    RemovalCause::Size,
    RemovalCause::Rejected,
    RemovalCause::Cleared,
];

fn number(cause: RemovalCause) -> usize {
    CAUSES
        .iter()
        .position(|one| *one == cause)
        .expect("all are known")
}

/// A value tells its key, so that a wrong one is seen, and is heavier than one word, so that a torn one is.
type Value = Arc<(u64, u64)>;

fn value(key: u64) -> Value {
    Arc::new((key, !key))
}

fn is_of(value: &Value, key: u64) -> bool {
    **value == (key, !key)
}

/// One thread's work.
fn work<P: Policy>(
    cache: &Cache<u64, Value, P>,
    clock: &ManualClock,
    taken: &AtomicU64,
    seed: u64,
) {
    let mut random = SplitMix64::new(seed);
    for _ in 0..ROUNDS {
        let bound = random.below(KEYS) + 1;
        let key = random.below(bound);
        match random.below(1_000) {
            0..500 => assert!(cache.get(&key).is_none_or(|value| is_of(&value, key))),
            500..700 => cache.insert(key, value(key)),
            700..850 => assert!(is_of(&cache.get_with(key, || value(key)), key)),
            850..890 => {
                let removed = cache.remove(&key);
                taken.fetch_add(u64::from(removed.is_some()), Relaxed);
                assert!(removed.is_none_or(|value| is_of(&value, key)));
            }
            890..920 => drop(cache.invalidate(&key)),
            920..940 => {
                cache.entry(key).and_upsert_with(|old| {
                    assert!(old.is_none_or(|old| is_of(&old, key)));
                    value(key)
                });
            }
            940..960 => {
                let keys = [key, key / 2, key / 3];
                let values = cache.get_many(&keys);
                let mut pairs = keys.iter().zip(values);
                assert!(pairs.all(|(key, value)| value.is_none_or(|value| is_of(&value, *key))));
            }
            960..970 => drop(cache.pin(&(key % 8))),
            970..980 => drop(cache.unpin(&(key % 8))),
            980..990 => clock.advance(Duration::from_millis(5)),
            990..994 => cache.set_max_capacity(CAPACITY / (1 + random.below(4))),
            994..996 => assert!(cache.iter().all(|(key, value)| is_of(&value, key))),
            996..998 => cache.run_pending(),
            998 => cache.invalidate_if(|key, _| key % 7 == 0),
            _ => cache.invalidate_all(),
        }
    }
}

/// An entry that is present or left for one reason, each of which the listener was told.
fn assert_conserved(stats: &Stats, told: &Told, taken: u64) {
    let left = |cause: RemovalCause| stats.removed(cause);
    let of_those_in = CAUSES
        .iter()
        .filter(|cause| **cause != RemovalCause::Rejected);
    let sum: u64 = of_those_in.map(|cause| left(*cause)).sum();
    assert_eq!(stats.inserted, stats.entries + sum, "{stats:?}");
    for cause in CAUSES {
        // Who removes has the value; the listener is not told.
        let silent = if cause == RemovalCause::Explicit {
            taken
        } else {
            0
        };
        let heard = told.0[number(cause)].load(Relaxed);
        assert_eq!(left(cause), heard + silent, "{cause}");
    }
}

fn stress<P: Policy + Send + Sync + 'static>(
    policy: impl Fn(usize) -> P + Send + Sync + 'static,
    shards: usize,
    weighted: bool,
) {
    let (told, clock) = (Arc::new(Told::default()), ManualClock::new());
    let teller = Arc::clone(&told);
    let mut builder: Builder<u64, Value, P> = Cache::builder(CAPACITY)
        .policy(policy)
        .clock(clock.clone())
        .shards(shards)
        .time_to_live(Duration::from_millis(400))
        .time_to_idle(Duration::from_millis(200))
        .eviction_listener(move |key, value, cause| {
            assert!(is_of(&value, *key));
            teller.0[number(cause)].fetch_add(1, Relaxed);
        });
    if weighted {
        builder = builder.weigher(|key, _| key % 20);
    }
    let (cache, taken) = (builder.build(), AtomicU64::new(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (cache, clock, taken) = (&cache, &clock, &taken);
        let workers: Vec<_> = (0..THREADS)
            .map(|seed| scope.spawn(move || work(cache, clock, taken, seed)))
            .collect();
        let done = &done;
        // A bound that holds at every moment: the capacity is never more than this.
        let watcher = scope.spawn(move || {
            while !done.load(Relaxed) {
                // Shard by shard, so that an entry that moves is counted twice at most.
                assert!(cache.weighted_size() <= 2 * CAPACITY);
                thread::yield_now();
            }
        });
        for worker in workers {
            worker.join().expect("no assertion fails");
        }
        done.store(true, Relaxed);
        watcher.join().expect("no bound is passed");
    });
    cache.check_invariants();
    for key in 0..8 {
        cache.unpin(&key);
    }
    cache.set_max_capacity(CAPACITY / 10);
    assert!(cache.weighted_size() <= CAPACITY / 10);
    clock.advance(Duration::from_secs(1));
    cache.run_pending();
    assert_eq!((cache.len(), cache.weighted_size()), (0, 0));
    cache.check_invariants();
    assert_conserved(&cache.stats(), &told, taken.load(Relaxed));
    assert!(
        is_of(&cache.get_with(1, || value(1)), 1),
        "no flight is left over"
    );
}

#[test]
fn lru_in_one_shard() {
    stress(Lru::new, 1, false);
}

#[test]
fn clock_whose_hits_are_shared() {
    stress(Clock::new, 8, false);
}

#[test]
fn s3_fifo_with_weights() {
    stress(S3Fifo::new, 4, true);
}

#[test]
fn the_default_policy_that_shards_learn_together() {
    stress(Adaptive::family(500), 8, true);
}
