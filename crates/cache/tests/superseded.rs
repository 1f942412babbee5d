//! What has expired or was invalidated is not found again, by whatever way one asks for it.
#![cfg(all(feature = "std", not(purlin_loom)))]

use core::time::Duration;
use purlin_cache::policy::{Lru, Policy, Sieve};
use purlin_cache::sync::Cache;
use purlin_cache::unsync;
use purlin_core::time::ManualClock;

const SECOND: Duration = Duration::from_secs(1);

/// With an entry 1 → "old" whose time is over.
fn outlived<P: Policy>(
    policy: impl Fn(usize) -> P + Send + Sync + 'static,
) -> Cache<u32, &'static str, P> {
    let clock = ManualClock::new();
    let builder = Cache::builder(10).time_to_live(SECOND);
    let cache = builder.clock(clock.clone()).policy(policy).build();
    cache.insert(1, "old");
    clock.advance(SECOND);
    cache
}

#[test]
fn loads_replace_what_has_expired() {
    assert_eq!(outlived(Lru::new).get_with(1, || "new"), "new");
    assert_eq!(outlived(Sieve::new).get_with(1, || "new"), "new");
    let computed = outlived(Lru::new).entry(1).and_upsert_with(|old| {
        assert_eq!(old, None);
        "new"
    });
    assert_eq!(computed, "new");
}

#[test]
fn many_keys_are_looked_up_as_one_is() {
    assert_eq!(outlived(Lru::new).get_many(&[1]), [None]);
    assert_eq!(outlived(Sieve::new).get_many(&[1]), [None]);
    let loaded = outlived(Sieve::new).get_all_with([1], |_| [(1, "new")]);
    assert_eq!(loaded, [Some("new")]);
}

#[test]
fn a_look_at_many_keys_is_a_use_of_them() {
    let clock = ManualClock::new();
    let builder = Cache::builder(10).time_to_idle(SECOND);
    let cache = builder.clock(clock.clone()).build();
    cache.insert(1, "used");
    for _ in 0..5 {
        clock.advance(SECOND / 2);
        assert_eq!(cache.get_many(&[1]), [Some("used")]);
        assert!(cache.contains_key(&1));
    }
}

#[test]
fn what_has_expired_can_be_neither_removed_nor_pinned() {
    let cache = outlived(Lru::new);
    assert!(!cache.pin(&1));
    assert_eq!(cache.remove(&1), None);
    let clock = ManualClock::new();
    let builder = unsync::Cache::builder(10).time_to_live(SECOND);
    let mut cache = builder.clock(clock.clone()).build_unsync();
    cache.insert(1, "old");
    clock.advance(SECOND);
    assert!(!cache.pin(&1));
    assert_eq!(cache.remove(&1), None);
}

/// A load that began before an invalidation and ends after it.
fn load_across(invalidate: impl Fn(&Cache<u32, &'static str>)) {
    let cache = Cache::new(10);
    let loaded = cache.get_with(1, || {
        invalidate(&cache);
        "old"
    });
    assert_eq!(loaded, "old", "who asked before gets it");
    assert_eq!(cache.get(&1), None, "an invalidation was lost");
}

#[test]
fn an_invalidation_wins_over_the_load_of_a_key_that_has_no_value() {
    load_across(|cache| assert!(!cache.invalidate(&1)));
    load_across(|cache| assert_eq!(cache.remove(&1), None));
    load_across(|cache| assert!(!cache.remove_if(&1, |_| true)));
    load_across(|cache| cache.invalidate_if(|_, _| true));
    load_across(|cache| cache.invalidate_all());
}

/// What is computed from a value that was removed meanwhile does not bring it back; others are not lost.
#[test]
fn an_invalidation_wins_over_computations_of_its_keys_only() {
    let cache = Cache::new(10);
    cache.insert(1, 10);
    cache.insert(2, 20);
    let add = |key| {
        cache.entry(key).and_upsert_with(|old| {
            cache.invalidate_if(|key, _| *key == 1);
            old.map_or(0, |old| old + 1)
        })
    };
    assert_eq!(add(1), 11);
    assert_eq!(cache.get(&1), None);
    assert_eq!(add(2), 21);
    assert_eq!(cache.get(&2), Some(21));
}
