//! Refreshing: who gets an old value and when, who loads, and what wins over it.

#![cfg(not(purlin_loom))]

extern crate alloc;

#[cfg(feature = "async")]
#[path = "refresh/asynchronous.rs"]
mod asynchronous;
#[path = "refresh/model.rs"]
mod model;

use alloc::sync::Arc;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::expiry::Expiry;
use purlin_cache::sync::Cache;
use purlin_cache::sync::refresh::{Refreshing, Served, Staleness};
use purlin_cache::{LoadError, RemovalCause};
use purlin_core::time::{Instant, ManualClock};
use std::panic::catch_unwind;
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(100);

/// With 7 = 1, put in so long ago.
fn aged(staleness: Staleness, age: Duration) -> Refreshing<u64, u64> {
    let clock = ManualClock::new();
    let builder = Cache::builder(100).time_to_live(TTL).clock(clock.clone());
    let cache = builder.build_refreshing(staleness);
    cache.insert(7, 1);
    clock.advance(age);
    cache
}

fn early() -> Refreshing<u64, u64> {
    aged(Staleness::none().refresh_after_write(SECOND), SECOND * 2)
}

fn reserve() -> Refreshing<u64, u64> {
    aged(Staleness::none().stale_if_error(TTL), TTL)
}

/// Calls `meanwhile` while a refresh of 7 is under way, which ends with `result`.
fn during_refresh<E: Send + Sync + 'static>(
    cache: &Refreshing<u64, u64>,
    result: Result<u64, E>,
    meanwhile: impl FnOnce(),
) -> Result<Served<u64, E>, LoadError<E>> {
    let (started, has_started) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let leader = scope.spawn(move || {
            cache.get_or_refresh(7, || {
                started.send(()).expect("the test waits");
                may_go.recv().expect("the test sends");
                result
            })
        });
        has_started.recv().expect("it loads");
        meanwhile();
        go.send(()).expect("it waits");
        leader.join().expect("no panic")
    })
}

#[test]
fn one_refreshes_and_the_others_do_not_wait() {
    let stale = Staleness::none().stale_while_revalidate(SECOND * 10);
    for cache in [early(), aged(stale, TTL + SECOND)] {
        let refreshed = during_refresh(&cache, Ok::<_, ()>(2), || {
            for _ in 0..3 {
                let other = cache.get_or_refresh(7, || -> Result<_, ()> { unreachable!() });
                assert!(matches!(other, Ok(Served::Stale { value: 1, age }) if age >= SECOND));
                let (served, refresh) = cache.get_and_refresh(7);
                assert!(matches!(served, Some(Served::Stale { value: 1, .. })));
                assert!(refresh.is_none());
            }
        });
        assert!(matches!(refreshed, Ok(Served::Loaded(2))));
        assert_eq!(cache.get(&7), Some(2));
    }
}

#[test]
fn sixty_four_threads_refresh_once() {
    let cache = early();
    let (loads, barrier) = (AtomicUsize::new(0), Barrier::new(64));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let served = cache.get_or_refresh(7, || {
                    loads.fetch_add(1, SeqCst);
                    Ok::<_, ()>(2)
                });
                let value = served.expect("no load fails").into_value();
                assert!(value == 1 || value == 2);
            });
        }
    });
    assert_eq!((loads.load(SeqCst), cache.get(&7)), (1, Some(2)));
}

/// Where old values are only for errors, the others wait; and share the error and the value.
#[test]
fn the_reserve_is_for_errors() {
    let cache = reserve();
    let (sender, waited) = mpsc::channel();
    thread::scope(|scope| {
        let cache = &cache;
        let first = during_refresh(cache, Err("no route"), || {
            assert_eq!(cache.get(&7), None);
            let (served, refresh) = cache.get_and_refresh(7);
            assert!(served.is_none() && refresh.is_none());
            scope.spawn(move || sender.send(cache.get_or_refresh(7, || Err("other"))));
            thread::sleep(Duration::from_millis(30));
        });
        let second = waited.recv().expect("it sends");
        for served in [first, second] {
            let Ok(Served::StaleIfError { value, age, error }) = served else {
                panic!("not {served:?}");
            };
            assert_eq!((value, age), (1, TTL));
            assert!(matches!(error, LoadError::Failed(why) if *why == "no route"));
        }
    });
    assert_eq!(cache.get(&7), None, "it does not come back to life");
}

#[test]
fn a_change_meanwhile_wins() {
    for cache in [early(), reserve()] {
        let inserted = during_refresh(&cache, Ok::<_, ()>(2), || cache.insert(7, 3));
        assert!(matches!(inserted, Ok(Served::Loaded(3))));
        assert_eq!(cache.get(&7), Some(3));
    }
    for cache in [early(), reserve()] {
        let inserted = during_refresh(&cache, Err(()), || cache.insert(7, 3));
        assert!(matches!(inserted, Ok(Served::Loaded(3))));
    }
    type Invalidate = fn(&Refreshing<u64, u64>);
    let ways: [Invalidate; 3] = [
        |cache| assert!(cache.invalidate(&7)),
        |cache| cache.invalidate_all(),
        |cache| cache.invalidate_if(|key, value| (*key, *value) == (7, 1)),
    ];
    for (make, invalidate) in [early, reserve]
        .into_iter()
        .flat_map(|make| ways.map(|invalidate| (make, invalidate)))
    {
        let cache = make();
        let removed = during_refresh(&cache, Ok::<_, ()>(2), || invalidate(&cache));
        assert!(
            matches!(removed, Ok(Served::Loaded(2))),
            "for who asked before"
        );
        assert_eq!(cache.get(&7), None);
        // Nor is what was invalidated served for an error, to who comes later or to who has loaded.
        assert!(cache.get_or_refresh(7, || Err(())).is_err());
        let cache = make();
        let removed = during_refresh(&cache, Err("no route"), || invalidate(&cache));
        assert!(matches!(removed, Err(LoadError::Failed(_))));
    }
}

#[test]
fn a_panic_leaves_the_old_value() {
    let cache = early();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        cache.get_or_refresh(7, || -> Result<u64, ()> {
            panic!("a defect of the loader")
        })
    }));
    assert!(panic.is_err());
    assert_eq!(cache.get(&7), Some(1));
    let next = cache.get_or_refresh(7, || Ok::<_, ()>(2));
    assert!(matches!(next, Ok(Served::Loaded(2))));
}

#[test]
fn a_loader_that_asks_for_its_own_key() {
    let ask = |cache: &Refreshing<u64, u64>| {
        let mut inner = None;
        let outer = cache.get_or_refresh(7, || {
            inner = Some(cache.get_or_refresh(7, || Ok::<_, ()>(3)));
            Ok::<_, ()>(2)
        });
        assert!(matches!(outer, Ok(Served::Loaded(2))));
        inner.expect("it was asked")
    };
    assert!(matches!(ask(&early()), Ok(Served::Stale { value: 1, .. })));
    let told = ask(&reserve());
    let reentrant = |error: &LoadError<()>| matches!(error, LoadError::Reentrant);
    assert!(matches!(told, Ok(Served::StaleIfError { value: 1, error, .. }) if reentrant(&error)));
}

#[test]
fn a_refresh_can_be_run_elsewhere_later_or_not_at_all() {
    for cache in [early(), reserve()] {
        let (_, refresh) = cache.get_and_refresh(7);
        drop(refresh.expect("it is due"));
        let (_, refresh) = cache.get_and_refresh(7);
        let refresh = refresh.expect("it is due again");
        let failed = refresh.run(|| Err("no route"));
        assert!(matches!(failed, Err(LoadError::Failed(why)) if *why == "no route"));
        let (_, refresh) = cache.get_and_refresh(7);
        let refresh = refresh.expect("and again");
        // Who gave it away may wait for it.
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                thread::sleep(Duration::from_millis(30));
                refresh.run(|| Ok::<_, ()>(2))
            });
            let served = cache.get_or_refresh(7, || Ok::<_, ()>(4));
            let Ok(Served::Stale { value: 1, .. } | Served::Loaded(2)) = served else {
                panic!("not {served:?}");
            };
            assert_eq!(worker.join().expect("no panic").expect("no error"), 2);
        });
        assert_eq!(cache.get(&7), Some(2));
        // An insertion wins over it.
        let (_, refresh) = cache.get_and_refresh(8);
        cache.insert(8, 5);
        let value = refresh.expect("it is not here").run(|| Ok::<_, ()>(6));
        assert_eq!((value.expect("no error"), cache.get(&8)), (5, Some(5)));
    }
}

#[test]
fn weigher_listener_and_expiry_see_values() {
    struct ByValue;
    impl Expiry<u64, u64> for ByValue {
        fn expire_after_create(&self, _: &u64, value: &u64, _: Instant) -> Option<Duration> {
            Some(SECOND * u32::try_from(*value).expect("small"))
        }
    }
    let clock = ManualClock::new();
    let left = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&left);
    let cache = Cache::builder(100)
        .weigher(|_: &u64, value: &u64| *value)
        .eviction_listener(move |key, value, cause| {
            log.lock().expect("no panic").push((*key, value, cause));
        })
        .expire_after(ByValue)
        .clock(clock.clone())
        .build_refreshing(Staleness::none().stale_while_revalidate(SECOND * 5));
    cache.insert(1, 10);
    assert_eq!(cache.weighted_size(), 10);
    clock.advance(SECOND * 10);
    assert_eq!((cache.get(&1), cache.len()), (None, 1));
    // What is over is not continued: 20 seconds, not the none that was left.
    let loaded = cache.get_or_refresh(1, || Ok::<_, ()>(20));
    assert!(matches!(loaded, Ok(Served::Loaded(20))));
    clock.advance(SECOND * 19);
    assert_eq!(cache.get(&1), Some(20));
    clock.advance(SECOND);
    assert_eq!(cache.get(&1), None);
    clock.advance(SECOND * 5);
    cache.run_pending();
    assert!(cache.is_empty());
    let expected = [
        (1, 10, RemovalCause::Replaced),
        (1, 20, RemovalCause::Expired),
    ];
    assert_eq!(*left.lock().expect("no panic"), expected);
}

/// What is served stale is not used so as to live on.
#[test]
fn reading_does_not_revive() {
    let clock = ManualClock::new();
    let cache = Cache::builder(100)
        .expire_after(purlin_cache::expiry::TimeToIdle(SECOND * 10))
        .clock(clock.clone())
        .build_refreshing(Staleness::none().stale_while_revalidate(SECOND * 10));
    cache.insert(7, 1);
    clock.advance(SECOND * 9);
    assert_eq!(cache.get(&7), Some(1));
    clock.advance(SECOND * 9);
    assert_eq!(cache.get(&7), Some(1));
    clock.advance(SECOND * 12);
    let failed = during_refresh(&cache, Err("no route"), || {
        let (served, _) = cache.get_and_refresh(7);
        assert!(matches!(served, Some(Served::Stale { value: 1, .. })));
    });
    assert!(matches!(failed, Ok(Served::StaleIfError { value: 1, .. })));
    assert_eq!(cache.get(&7), None);
    clock.advance(SECOND * 8);
    assert!(cache.get_or_refresh(7, || Err("no route")).is_err());
}

#[test]
fn hits_and_loads_are_counted() {
    let clock = ManualClock::new();
    let cache = Cache::builder(100)
        .record_stats()
        .clock(clock.clone())
        .build_refreshing(Staleness::none().refresh_after_write(SECOND));
    assert!(cache.get_or_refresh(1, || Ok::<_, ()>(1)).is_ok());
    assert!(cache.get_or_refresh(1, || Ok::<_, ()>(1)).is_ok());
    assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), None));
    clock.advance(SECOND);
    assert!(cache.get_or_refresh(1, || Err(())).is_ok());
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses), (2, 3));
    assert_eq!((stats.loaded, stats.load_failures), (1, 1));
}

/// "For ever" is no deadline: it does not put off the end of the time to live.
#[test]
fn served_on_errors_for_ever_is_not_fresh_for_ever() {
    for staleness in [
        Staleness::none().stale_if_error(Duration::MAX),
        Staleness::none().stale_while_revalidate(Duration::MAX),
    ] {
        let cache = aged(staleness, TTL);
        assert_eq!(cache.get(&7), None);
        let served = cache.get_or_refresh(7, || Err("no route"));
        assert!(matches!(served, Ok(Served::StaleIfError { value: 1, .. })));
        let served = cache.get_or_refresh(7, || Ok::<_, ()>(2));
        assert!(matches!(served, Ok(Served::Loaded(2))));
    }
}

#[test]
fn a_refresh_that_asks_for_its_own_key() {
    let cache = reserve();
    let (_, refresh) = cache.get_and_refresh(7);
    let mut told = None;
    let run = refresh.expect("it is due").run(|| {
        told = Some(cache.get_or_refresh(7, || Ok::<_, ()>(3)));
        Ok::<_, ()>(2)
    });
    assert!(matches!(run, Ok(2)));
    let Some(Ok(Served::StaleIfError {
        value: 1, error, ..
    })) = told
    else {
        panic!("not {told:?}");
    };
    assert!(matches!(error, LoadError::Reentrant));
}
