//! Snapshots: in hot order, with the time that is left, into caches of any size, and in formats that stay.

#![cfg(not(purlin_loom))]

extern crate alloc;

use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use purlin_cache::policy::{Adaptive, Arc, Lirs, Lru, S3Fifo, TinyLfu, WTinyLfu};
use purlin_cache::registry::{Algorithm, AnyPolicy};
use purlin_cache::{Snapshot, sync, unsync};
use purlin_core::time::ManualClock;
use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;

const SECOND: Duration = Duration::from_secs(1);

fn keys<K: Clone, V>(snapshot: &Snapshot<K, V>) -> Vec<K> {
    snapshot.iter().map(|(key, ..)| key.clone()).collect()
}

proptest! {
    /// LRU's order is that of the last uses, by a list of them.
    #[test]
    fn it_is_in_the_order_of_the_policy(uses in vec(0..40_u32, 0..200), smaller in 0..20_usize) {
        let mut cache = unsync::Cache::builder(20).policy(Lru::new).build_unsync();
        let mut model = Vec::new();
        for key in uses {
            cache.get_with(key, || key);
            model.retain(|other| *other != key);
            model.push(key);
            if model.len() > 20 {
                model.remove(0);
            }
        }
        prop_assert_eq!(keys(&cache.snapshot()), model.clone());
        prop_assert!(cache.coldest(5).map(|(key, _)| key).eq(model.iter().take(5)));
        prop_assert!(cache.hottest(5).map(|(key, _)| key).eq(model.iter().rev().take(5)));

        let mut other = unsync::Cache::builder(smaller as u64).policy(Lru::new).build_unsync();
        other.restore(cache.snapshot());
        let hottest = model.split_off(model.len().saturating_sub(smaller));
        prop_assert_eq!(keys(&other.snapshot()), hottest);
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(entries in vec(any::<u8>(), 0..200)) {
        let bytes = [&[1], &*entries].concat();
        if let Ok(snapshot) = postcard::from_bytes::<Snapshot<String, u64>>(&bytes) {
            let mut cache = unsync::Cache::new(3);
            cache.restore(snapshot);
            prop_assert!(cache.len() <= 3);
        }
    }
}

type Named = (&'static str, fn(usize) -> AnyPolicy);

/// Those of the registry, and those that adapt or refuse.
fn policies() -> impl Iterator<Item = Named> {
    let adapting: [Named; 6] = [
        ("adaptive", |entries| Box::new(Adaptive::new(entries))),
        ("arc", |entries| Box::new(Arc::new(entries))),
        ("lirs", |entries| Box::new(Lirs::new(entries))),
        ("s3_fifo", |entries| Box::new(S3Fifo::new(entries))),
        ("tiny_lfu", |entries| Box::new(TinyLfu::new(entries))),
        ("w_tiny_lfu", |entries| Box::new(WTinyLfu::new(entries))),
    ];
    let simple: [Named; 4] = [
        ("lfu", |entries| Algorithm::Lfu.build(entries, 1)),
        ("lru", |entries| Algorithm::Lru.build(entries, 1)),
        ("two_q", |entries| Algorithm::TwoQ.build(entries, 1)),
        ("sieve", |entries| Algorithm::Sieve.build(entries, 1)),
    ];
    adapting.into_iter().chain(simple)
}

/// Also one that would refuse entries, or evict them by frequency.
#[test]
fn a_smaller_cache_keeps_the_hottest_under_every_policy() {
    for (name, build) in policies() {
        let mut cache = unsync::Cache::builder(200).policy(build).build_unsync();
        for step in 0..5_000_u32 {
            let key = step.wrapping_mul(2_654_435_761) >> (20 + step % 4);
            cache.get_with(key, || step);
        }
        let snapshot = cache.snapshot();
        assert_eq!(snapshot.len(), cache.len(), "{name}");
        let expected: HashSet<_> = keys(&snapshot).into_iter().rev().take(50).collect();

        let mut one = unsync::Cache::builder(50).policy(build).build_unsync();
        one.restore(snapshot.clone());
        let left: HashSet<_> = one.iter().map(|(key, _)| *key).collect();
        assert_eq!(left, expected, "{name}");

        let many = sync::Cache::builder(50).policy(build).shards(8).build();
        many.restore(snapshot);
        let left: HashSet<_> = many.iter().map(|(key, _)| key).collect();
        assert_eq!(left, expected, "{name}");
    }
}

/// The order of a whole is that of its shards, in which keys are by chance: no key is far from its place.
#[test]
fn shards_are_merged_by_rank() {
    let cache = sync::Cache::builder(2_000)
        .policy(Lru::new)
        .shards(4)
        .build();
    for key in 0..1_024_u32 {
        cache.insert(key, ());
    }
    let order = keys(&cache.snapshot());
    assert_eq!(order.len(), 1_024);
    for (place, key) in order.iter().enumerate() {
        assert!(place.abs_diff(*key as usize) < 256, "{key} at {place}");
    }
    let of = |entries: Vec<(u32, ())>| entries.into_iter().map(|(key, ())| key).collect::<Vec<_>>();
    assert_eq!(of(cache.coldest(100)), order[..100]);
    let hottest: Vec<_> = order.iter().rev().take(100).copied().collect();
    assert_eq!(of(cache.hottest(100)), hottest);
    assert_eq!(cache.hottest(5_000).len(), 1_024);
}

#[test]
fn time_goes_on_where_it_stopped() {
    let clock = ManualClock::new();
    let builder = || sync::Cache::<&str, u32>::builder(100).clock(clock.clone());
    let cache = builder().time_to_live(SECOND * 100).build();
    cache.insert("gone", 0);
    clock.advance(SECOND * 90);
    cache.insert("usual", 1);
    cache.insert_with_ttl("short", 2, SECOND * 20);
    clock.advance(SECOND * 10);
    let snapshot = cache.snapshot();
    let left: Vec<_> = snapshot.iter().map(|(key, _, left)| (*key, left)).collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&("usual", Some(SECOND * 90))));
    assert!(left.contains(&("short", Some(SECOND * 10))));

    clock.advance(SECOND * 1_000);
    let without = builder().build();
    without.restore(snapshot.clone());
    assert_eq!(without.time_left("usual"), Some(SECOND * 90));
    let shorter = builder().time_to_live(SECOND * 30).build();
    shorter.restore(snapshot.clone());
    assert_eq!(shorter.time_left("usual"), Some(SECOND * 30));
    assert_eq!(shorter.time_left("short"), Some(SECOND * 10));
    let later = builder().build();
    later.restore(snapshot.aged(SECOND * 10));
    assert_eq!(
        (later.time_left("usual"), later.len()),
        (Some(SECOND * 80), 1)
    );
    clock.advance(SECOND * 80);
    assert_eq!(later.get("usual"), None);
}

#[test]
fn entries_without_an_end_live_as_the_cache_has_it() {
    let forever = sync::Cache::new(100);
    forever.insert(1, 1);
    let mut mortal = unsync::Cache::builder(100)
        .time_to_live(SECOND)
        .build_unsync();
    mortal.restore(forever.snapshot());
    assert!(mortal.time_left(&1).expect("it is here") <= SECOND);
}

#[test]
fn what_is_here_stays() {
    let removals = alloc::sync::Arc::new(AtomicUsize::new(0));
    let count = alloc::sync::Arc::clone(&removals);
    let cache = sync::Cache::builder(4)
        .eviction_listener(move |_: &u32, _, _| {
            count.fetch_add(1, SeqCst);
        })
        .build();
    let old = sync::Cache::new(10);
    for key in 0..10 {
        old.insert(key, 0);
    }
    cache.insert(1, 11);
    cache.insert(20, 20);
    cache.restore(old.snapshot());
    assert_eq!((cache.get(&1), cache.get(&20)), (Some(11), Some(20)));
    assert!(cache.len() <= 4);
    assert_eq!(removals.load(SeqCst), 0);
    cache.restore(old.snapshot());
    assert_eq!(removals.load(SeqCst), 0);
}

#[test]
fn weights_are_those_of_the_cache_that_it_comes_into() {
    let mut old = unsync::Cache::builder(10).policy(Lru::new).build_unsync();
    for (key, weight) in [("a", 3), ("b", 4), ("c", 9), ("d", 5)] {
        old.insert(key, weight);
    }
    let weigh = |_: &&str, weight: &u64| *weight;
    let mut cache = unsync::Cache::builder(8).weigher(weigh).build_unsync();
    cache.restore(old.snapshot());
    // d, not c as it is too heavy, b neither, a.
    let left: HashSet<_> = cache.iter().map(|(key, _)| *key).collect();
    assert_eq!(left, HashSet::from(["a", "d"]));
    assert_eq!(cache.weighted_size(), 8);
}

#[test]
fn pinned_entries_are_the_hottest() {
    let cache = sync::Cache::builder(100).policy(Lru::new).build();
    for key in 0..10 {
        cache.insert(key, key);
    }
    assert!(cache.pin(&0));
    assert_eq!(cache.hottest(2), [(0, 0), (9, 9)]);
    assert_eq!(cache.snapshot().len(), 10);
}

#[test]
fn what_is_being_loaded_is_left_to_the_loader() {
    let old = sync::Cache::new(10);
    old.insert(7, "old");
    let cache = sync::Cache::new(10);
    let (started, has_started) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            cache.get_with(7, move || {
                started.send(()).expect("the test waits");
                may_go.recv().expect("the test sends");
                "new"
            })
        });
        has_started.recv().expect("it starts");
        cache.restore(old.snapshot());
        assert_eq!(cache.get(&7), None);
        go.send(()).expect("it waits");
        assert_eq!(load.join().expect("no panic"), "new");
    });
    assert_eq!(cache.get(&7), Some("new"));
}

fn written() -> Snapshot<String, u64> {
    let clock = ManualClock::new();
    let builder = unsync::Cache::builder(10).policy(Lru::new).clock(clock);
    let mut cache = builder.build_unsync();
    cache.insert("lime".to_string(), 3);
    cache.insert_with_ttl("plum".to_string(), 300, Duration::new(7, 500));
    cache.snapshot()
}

/// What version 1 has written; it stays readable.
const JSON_1: &str = concat!(
    r#"{"version":1,"entries":[{"key":"lime","value":3,"time_left":null},"#,
    r#"{"key":"plum","value":300,"time_left":{"secs":7,"nanos":500}}]}"#
);
const POSTCARD_1: &[u8] = b"\x01\x02\x04lime\x03\x00\x04plum\xac\x02\x01\x07\xf4\x03";

#[test]
fn the_format_stays() {
    assert_eq!(serde_json::to_string(&written()).unwrap(), JSON_1);
    assert_eq!(
        serde_json::from_str::<Snapshot<String, u64>>(JSON_1).unwrap(),
        written()
    );
    assert_eq!(postcard::to_allocvec(&written()).unwrap(), POSTCARD_1);
    assert_eq!(
        postcard::from_bytes::<Snapshot<String, u64>>(POSTCARD_1).unwrap(),
        written()
    );
}

#[test]
fn unknown_formats_are_refused() {
    let read = |text: &str| serde_json::from_str::<Snapshot<String, u64>>(text);
    let newer = JSON_1.replacen('1', "2", 1);
    let error = read(&newer).unwrap_err().to_string();
    assert!(error.contains("format 2"), "{error}");
    // Before entries are read, which may look different.
    let error = read(r#"{"version":9,"entries":"else"}"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("format 9"), "{error}");
    assert!(read(r#"{"entries":[]}"#).is_err());
    for length in 0..POSTCARD_1.len() {
        assert!(postcard::from_bytes::<Snapshot<String, u64>>(&POSTCARD_1[..length]).is_err());
    }
}
