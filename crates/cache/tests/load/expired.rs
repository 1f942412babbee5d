//! Keys whose entries are still in memory, but whose time is over.

use core::time::Duration;
use purlin_cache::sync::Cache;
use purlin_cache::sync::entry::{CompResult, Op};
use purlin_core::time::ManualClock;

const TIME: Duration = Duration::from_secs(10);

/// A cache with one entry, 7 with the value 1, that has just expired.
fn expired() -> (Cache<u64, u64>, ManualClock) {
    let clock = ManualClock::new();
    let cache = Cache::builder(100)
        .time_to_live(TIME)
        .clock(clock.clone())
        .build();
    cache.insert(7, 1);
    assert_eq!(cache.get(&7), Some(1));
    clock.advance(TIME);
    assert_eq!(cache.len(), 1, "its memory is not free yet");
    (cache, clock)
}

#[test]
fn they_are_loaded() {
    assert_eq!(expired().0.get_with(7, || 2), 2);
    assert_eq!(expired().0.get_with_by_ref(&7, || 2), 2);
    assert_eq!(expired().0.try_get_with(7, || Ok::<_, ()>(2)).unwrap(), 2);
    assert_eq!(expired().0.get_all_with([7], |_| [(7, 2)]), [Some(2)]);
}

#[test]
fn they_are_not_looked_up() {
    assert_eq!(expired().0.get_many(&[7]), [None]);
    let (cache, clock) = expired();
    cache.insert(8, 2);
    clock.advance(TIME - Duration::from_nanos(1));
    assert_eq!(cache.get_many(&[7, 8]), [None, Some(2)]);
    assert!(!cache.pin(&7));
    assert_eq!(cache.remove(&7), None);
}

#[test]
fn they_are_computed_from_nothing() {
    let (cache, _clock) = expired();
    let result = cache.entry(7).and_compute_with(|old| {
        assert_eq!(old, None);
        Op::Put(2)
    });
    assert_eq!(result, CompResult::Inserted(2));
}

/// A use by `get_many` is a use like any other.
#[test]
fn many_lookups_put_idleness_off() {
    let clock = ManualClock::new();
    let cache = Cache::builder(100)
        .time_to_idle(TIME)
        .clock(clock.clone())
        .build();
    cache.insert(7, 1);
    for _ in 0..5 {
        clock.advance(TIME / 2);
        assert_eq!(cache.get_many(&[7]), [Some(1)]);
    }
    clock.advance(TIME);
    assert_eq!(cache.get_many(&[7]), [None]);
}

#[test]
fn one_thread_does_not_take_them_out() {
    let clock = ManualClock::new();
    let builder = Cache::builder(100).time_to_live(TIME);
    let mut cache = builder.clock(clock.clone()).build_unsync();
    cache.insert(7, 1);
    clock.advance(TIME);
    assert!(!cache.pin(&7));
    assert_eq!(cache.remove(&7), None);
}

/// What a loader says goes before the `Expiry`, and no further than the time to live.
#[test]
fn a_loader_says_how_long_its_value_lives() {
    let clock = ManualClock::new();
    let cache = Cache::builder(100)
        .time_to_live(TIME)
        .clock(clock.clone())
        .build();
    let load = |key, time| cache.get_with_ttl(key, || (key, time));
    assert_eq!((load(1, None), load(2, Some(TIME / 2))), (1, 2));
    let longer = cache.try_get_with_ttl(3, || Ok::<_, ()>((3, Some(TIME * 2))));
    assert_eq!(longer.unwrap(), 3);
    let left = |key| cache.time_left(&key).expect("it is here");
    assert_eq!((left(1), left(2), left(3)), (TIME, TIME / 2, TIME));
    assert_eq!(cache.get_with_ttl(4, || (4, Some(Duration::ZERO))), 4);
    assert_eq!(cache.get(&4), None);
    let failed = cache.try_get_with_ttl(5, || Err("no route"));
    assert!(failed.is_err() && cache.get(&5).is_none());

    clock.advance(TIME / 2);
    assert_eq!(cache.get_many(&[1, 2, 3]), [Some(1), None, Some(3)]);
    assert_eq!(cache.get_with_ttl(1, || unreachable!("it is here")), 1);
}

/// In a cache that has no other expiry.
#[test]
fn a_cache_without_expiry_can_forget_absence() {
    let clock = ManualClock::new();
    let cache = Cache::builder(100).clock(clock.clone()).build();
    let none = cache.get_with_ttl(1, || (None::<u64>, Some(TIME)));
    assert_eq!((none, cache.get(&1)), (None, Some(None)));
    cache.insert(2, Some(2));
    clock.advance(TIME);
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(Some(2))));
}
