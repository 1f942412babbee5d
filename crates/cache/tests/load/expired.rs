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
