//! A cache that has been full allocates nothing for another entry, whatever its policy, and with lives that end.
#![cfg(all(feature = "registry", not(purlin_loom)))]

use allocation_counter::measure;
use core::time::Duration;
use purlin_cache::policy::{
    Adaptive, Arc, Clock, Fifo, Lirs, Lru, Policy, Random, S3Fifo, Sieve, Slru, TinyLfu, TwoQ,
    WTinyLfu,
};
use purlin_cache::registry::{Algorithm, AnyPolicy, VARIANTS};
use purlin_cache::{Builder, sync};
use purlin_core::random::{Random as _, RandomExt, SplitMix64};
use purlin_core::time::ManualClock;

const CAPACITY: u64 = 1_000;

type Make = fn(usize) -> AnyPolicy;

/// All policies but LFU, two arrays of which have an element for each frequency that occurs.
const POLICIES: [(&str, Make); 13] = [
    ("adaptive", |n| Box::new(Adaptive::new(n))),
    ("arc", |n| Box::new(Arc::new(n))),
    ("clock", |n| Box::new(Clock::new(n))),
    ("fifo", |n| Box::new(Fifo::new(n))),
    ("lirs", |n| Box::new(Lirs::new(n))),
    ("lru", |n| Box::new(Lru::new(n))),
    ("random", |n| Box::new(Random::with_seed(n, 7))),
    ("s3_fifo", |n| Box::new(S3Fifo::new(n))),
    ("sieve", |n| Box::new(Sieve::new(n))),
    ("slru", |n| Box::new(Slru::new(n))),
    ("tiny_lfu", |n| Box::new(TinyLfu::new(n))),
    ("two_q", |n| Box::new(TwoQ::new(n))),
    ("w_tiny_lfu", |n| Box::new(WTinyLfu::new(n))),
];

/// Lookups and insertions of skewed keys, and time that passes, for so many entries' worth.
fn requests(
    random: &mut SplitMix64,
    clock: &ManualClock,
    count: u64,
    mut request: impl FnMut(u64),
) {
    for _ in 0..count {
        clock.advance(Duration::from_micros(random.next_u64() % 500));
        let bound = random.below(8 * CAPACITY) + 1;
        request(random.below(bound));
    }
}

fn builder(make: Make, clock: &ManualClock, lives: bool) -> Builder<u64, u64, AnyPolicy> {
    let builder = sync::Cache::builder(CAPACITY)
        .policy(make)
        .clock(clock.clone());
    if lives {
        let builder = builder.time_to_live(Duration::from_secs(1));
        builder.time_to_idle(Duration::from_millis(300))
    } else {
        builder
    }
}

/// An allocation may belong to the outbox where several entries leave at once, as they do when they expire.
fn most_allocations(lives: bool, requests: u64) -> u64 {
    if lives { requests / 2 } else { 0 }
}

#[test]
fn all_policies_are_here() {
    for variant in VARIANTS {
        let known = POLICIES.iter().any(|(name, _)| *name == variant.name);
        assert!(
            known || variant.algorithm == Algorithm::Lfu,
            "{}",
            variant.name
        );
    }
}

#[test]
fn an_unsync_cache_that_is_full_allocates_nothing() {
    for (name, make) in POLICIES {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let mut cache = builder(make, &clock, false).build_unsync();
        let mut get_or_insert = |key| {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
        };
        requests(&mut random, &clock, 30 * CAPACITY, &mut get_or_insert);
        let count = measure(|| requests(&mut random, &clock, 20_000, &mut get_or_insert));
        assert_eq!(count.count_total, 0, "{name}");
    }
}

#[test]
fn a_sync_cache_that_is_full_allocates_nothing() {
    for (name, make) in POLICIES {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let cache = builder(make, &clock, false).shards(4).build();
        let get_or_insert = |key| {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
        };
        requests(&mut random, &clock, 30 * CAPACITY, get_or_insert);
        let count = measure(|| requests(&mut random, &clock, 20_000, get_or_insert));
        assert!(count.count_total <= 8, "{name}: {}", count.count_total);
    }
}

/// Memory stays where it is, also where entries expire, are removed and come back.
#[test]
fn churn_and_lives_that_end_leave_no_more_memory_behind() {
    for (name, make) in POLICIES {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let mut cache = builder(make, &clock, true).build_unsync();
        let mut churn = |key: u64| match key % 5 {
            0 => drop(cache.remove(&(key / 5))),
            _ => cache.insert(key, key),
        };
        requests(&mut random, &clock, 60 * CAPACITY, &mut churn);
        let count = measure(|| requests(&mut random, &clock, 20_000, &mut churn));
        assert_eq!(count.bytes_current, 0, "{name} grows");
        let most = most_allocations(true, 20_000);
        assert!(count.count_total <= most, "{name}: {}", count.count_total);
    }
}
