//! A cache that has been full allocates nothing for another entry, whatever its policy, and with lives that end.
#![cfg(all(feature = "registry", not(purlin_loom)))]

use allocation_counter::measure;
use core::time::Duration;
use purlin_cache::registry::{Algorithm, AnyPolicy, VARIANTS, Variant};
use purlin_cache::{Builder, sync};
use purlin_core::random::{Random as _, RandomExt, SplitMix64};
use purlin_core::time::ManualClock;

const CAPACITY: u64 = 1_000;

/// LFU has two arrays of an element for each frequency that occurs, which double when there are more than ever.
fn doublings(algorithm: Algorithm) -> u64 {
    match algorithm {
        Algorithm::Lfu => 2 * u64::from(CAPACITY.ilog2() + 1),
        _ => 0,
    }
}

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

fn builder(algorithm: Algorithm, clock: &ManualClock, lives: bool) -> Builder<u64, u64, AnyPolicy> {
    let builder = sync::Cache::builder(CAPACITY)
        .policy(move |entries| algorithm.build(entries, 7))
        .clock(clock.clone());
    if lives {
        let builder = builder.time_to_live(Duration::from_secs(1));
        builder.time_to_idle(Duration::from_millis(300))
    } else {
        builder
    }
}

#[test]
fn an_unsync_cache_that_is_full_allocates_nothing() {
    for Variant {
        algorithm, name, ..
    } in VARIANTS
    {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let mut cache = builder(*algorithm, &clock, false).build_unsync();
        let mut get_or_insert = |key| {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
        };
        requests(&mut random, &clock, 30 * CAPACITY, &mut get_or_insert);
        let count = measure(|| requests(&mut random, &clock, 20_000, &mut get_or_insert));
        let most = doublings(*algorithm);
        assert!(count.count_total <= most, "{name}: {}", count.count_total);
    }
}

#[test]
fn a_sync_cache_that_is_full_allocates_nothing() {
    for Variant {
        algorithm, name, ..
    } in VARIANTS
    {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let cache = builder(*algorithm, &clock, false).shards(4).build();
        let get_or_insert = |key| {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
        };
        requests(&mut random, &clock, 30 * CAPACITY, get_or_insert);
        let count = measure(|| requests(&mut random, &clock, 20_000, get_or_insert));
        let most = 8 + 4 * doublings(*algorithm);
        assert!(count.count_total <= most, "{name}: {}", count.count_total);
    }
}

/// Memory stays where it is, also where entries expire, are removed and come back.
#[test]
fn churn_and_lives_that_end_leave_no_more_memory_behind() {
    for Variant {
        algorithm, name, ..
    } in VARIANTS
    {
        let (clock, mut random) = (ManualClock::new(), SplitMix64::new(7));
        let mut cache = builder(*algorithm, &clock, true).build_unsync();
        let mut churn = |key: u64| match key % 5 {
            0 => drop(cache.remove(&(key / 5))),
            _ => cache.insert(key, key),
        };
        requests(&mut random, &clock, 60 * CAPACITY, &mut churn);
        let count = measure(|| requests(&mut random, &clock, 20_000, &mut churn));
        println!("{name}: {count:?}");
        let most = doublings(*algorithm);
        // Where several entries leave at once there is a list of them for the listener, and soon no more.
        assert!(count.count_current <= most as i64, "{name} keeps {count:?}");
        assert!(count.bytes_max <= 64 << 10, "{name}: {count:?}");
    }
}
