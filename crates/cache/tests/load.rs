//! Single flight between threads: one load for all, and what wins over it.

#![cfg(not(purlin_loom))]

extern crate alloc;

#[path = "load/bulk.rs"]
mod bulk;
#[path = "load/compute.rs"]
mod compute;
#[path = "load/expired.rs"]
mod expired;
#[path = "load/harness.rs"]
mod harness;

use alloc::sync::Arc;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use harness::{let_them_wait, meanwhile, message};
use purlin_cache::LoadError;
use purlin_cache::sync::Cache;
use std::panic::catch_unwind;
use std::sync::Barrier;
use std::thread;

#[test]
fn sixty_four_threads_load_once() {
    let cache: Cache<u64, Arc<str>> = Cache::new(100);
    let loads = AtomicUsize::new(0);
    let barrier = Barrier::new(64);
    let values: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    cache.get_with(7, || {
                        loads.fetch_add(1, SeqCst);
                        let_them_wait();
                        Arc::from("seven")
                    })
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(loads.load(SeqCst), 1);
    assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
    assert_eq!(cache.stats().loaded, 1);
    assert_eq!(cache.stats().load_failures, 0);
}

/// Many keys, evicted all the time: a key is never loaded by two at once.
#[test]
fn loads_of_a_key_do_not_overlap() {
    let cache: Cache<usize, usize> = Cache::builder(16).shards(4).build();
    let under_way: Vec<_> = (0..64).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for seed in 1..=8_usize {
            let (cache, under_way) = (&cache, &under_way);
            scope.spawn(move || {
                let mut random = seed;
                for _ in 0..5_000 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    let key = (random >> 20) % 64;
                    let value = cache.get_with(key, || {
                        assert_eq!(under_way[key].fetch_add(1, SeqCst), 0);
                        thread::yield_now();
                        assert_eq!(under_way[key].fetch_sub(1, SeqCst), 1);
                        key * 3
                    });
                    assert_eq!(value, key * 3);
                    assert!(cache.len() <= 16);
                }
            });
        }
    });
}

#[test]
fn an_error_is_shared_and_not_kept() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache.try_get_with(7, || {
                pause();
                Err(String::from("no route"))
            })
        },
        || cache.try_get_with(7, || Ok(8)),
        || (),
    );
    let Err(LoadError::Failed(first)) = first.unwrap() else {
        panic!("it failed");
    };
    let Err(LoadError::Failed(second)) = second.unwrap() else {
        panic!("it shares the failure");
    };
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(cache.try_get_with(7, || Ok::<_, String>(9)).unwrap(), 9);
    assert_eq!((cache.stats().loaded, cache.stats().load_failures), (1, 1));
}

#[test]
fn who_cannot_take_the_error_loads_by_himself() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache
                .try_get_with(7, || {
                    pause();
                    Err("no route")
                })
                .unwrap_or(0)
        },
        || cache.get_with(7, || 8),
        || (),
    );
    assert_eq!((first.unwrap(), second.unwrap()), (0, 8));
    assert_eq!(cache.get(&7), Some(8));
}

#[test]
fn a_panic_stays_with_its_loader() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let lead = |pause: &dyn Fn()| {
        cache.try_get_with(7, || {
            pause();
            if cache.is_empty() {
                panic!("a defect of the loader")
            }
            Ok::<_, String>(0)
        })
    };
    let (first, second) = meanwhile(lead, || cache.try_get_with(7, || Ok(8)), || ());
    assert_eq!(message(&*first.unwrap_err()), "a defect of the loader");
    assert!(matches!(second.unwrap(), Err(LoadError::Panicked)));

    let (first, second) = meanwhile(lead, || Ok(cache.get_with(7, || 8)), || ());
    assert_eq!(message(&*first.unwrap_err()), "a defect of the loader");
    assert_eq!(second.unwrap().unwrap(), 8);
    assert_eq!(cache.get(&7), Some(8));
}

#[test]
fn an_insertion_meanwhile_wins() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache.get_with(7, || {
                pause();
                1
            })
        },
        || cache.get_with(7, || 2),
        || cache.insert(7, 3),
    );
    assert_eq!((first.unwrap(), second.unwrap()), (3, 3));
    assert_eq!(cache.get(&7), Some(3));
    assert_eq!(cache.len(), 1);
}

/// Also over an error, for those who can be given it.
#[test]
fn an_insertion_meanwhile_wins_over_a_failure() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache.try_get_with(7, || {
                pause();
                Err("no route")
            })
        },
        || cache.try_get_with(7, || Ok(2)),
        || cache.insert(7, 3),
    );
    assert_eq!(first.unwrap().unwrap(), 3);
    assert_eq!(second.unwrap().unwrap(), 3);
}

#[test]
fn what_was_invalidated_meanwhile_does_not_enter() {
    type Invalidate = fn(&Cache<u64, u64>);
    let ways: [Invalidate; 5] = [
        |cache| assert_eq!(cache.remove(&7), None),
        |cache| assert!(!cache.invalidate(&7)),
        |cache| assert!(!cache.remove_if(&7, |_| true)),
        |cache| cache.invalidate_if(|key, _| *key == 7),
        |cache| cache.invalidate_all(),
    ];
    for invalidate in ways {
        let cache: Cache<u64, u64> = Cache::new(100);
        let (first, second) = meanwhile(
            |pause| {
                cache.get_with(7, || {
                    pause();
                    1
                })
            },
            || cache.get_with(7, || 2),
            || {
                invalidate(&cache);
                // Who comes later starts anew, and does not wait for the stale one.
                assert_eq!(cache.get_with(7, || 3), 3);
                cache.remove(&7);
            },
        );
        assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
        assert_eq!(cache.get(&7), None);
    }
}

#[test]
fn other_keys_do_not_hold_it_up() {
    let cache: Cache<u64, u64> = Cache::builder(100).shards(1).build();
    let value = cache.get_with(1, || cache.get_with(2, || 20) + 1);
    assert_eq!((value, cache.get(&2)), (21, Some(20)));
}

#[test]
fn who_asks_for_his_own_key_is_told() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let result = cache.try_get_with(7, || {
        cache
            .try_get_with(7, || Ok::<_, String>(1))
            .map_err(|e| e.to_string())
    });
    let Err(LoadError::Failed(why)) = result else {
        panic!("it fails");
    };
    assert_eq!(*why, LoadError::<String>::Reentrant.to_string());

    let panic = catch_unwind(AssertUnwindSafe(|| {
        cache.get_with(7, || cache.get_with(7, || 1))
    }));
    assert_eq!(
        message(&*panic.unwrap_err()),
        LoadError::<String>::Reentrant.to_string()
    );
    assert_eq!(cache.get_with(7, || 2), 2);
}

/// Three loaders, each of which asks for the next one's key.
#[test]
fn a_circle_of_waits_is_broken() {
    for _ in 0..20 {
        let cache: Cache<usize, usize> = Cache::new(100);
        let all_lead = Barrier::new(3);
        let told = AtomicUsize::new(0);
        thread::scope(|scope| {
            for me in 0..3 {
                let (cache, all_lead, told) = (&cache, &all_lead, &told);
                scope.spawn(move || {
                    cache.try_get_with(me, || {
                        all_lead.wait();
                        let next = cache.try_get_with((me + 1) % 3, || Ok::<_, usize>(0));
                        told.fetch_add(
                            usize::from(matches!(next, Err(LoadError::Reentrant))),
                            SeqCst,
                        );
                        next.map_err(|_| me)
                    })
                });
            }
        });
        assert_eq!(told.load(SeqCst), 1);
        assert!(cache.is_empty());
    }
}

#[test]
fn what_is_not_admitted_is_returned_all_the_same() {
    let cache: Cache<u64, u64> = Cache::new(0);
    assert_eq!(cache.get_with(7, || 1), 1);
    assert!(cache.is_empty());
    let weighted = Cache::builder(10)
        .weigher(|_: &u64, value: &u64| *value)
        .build();
    assert_eq!(weighted.get_with(7, || 11), 11);
    assert_eq!(weighted.get_with(7, || 10), 10);
    assert_eq!(weighted.get_with(8, || 4), 4);
    assert_eq!((weighted.get(&7), weighted.weighted_size()), (None, 4));
}

/// Room for what is loaded is made in other shards, too.
#[test]
fn what_is_loaded_displaces_others() {
    let cache: Cache<u64, u64> = Cache::builder(64).shards(16).build();
    for key in 0..10_000 {
        assert_eq!(cache.get_with(key, || key), key);
        assert_eq!(cache.get(&key), Some(key));
        assert_eq!(cache.len() as u64, 64.min(key + 1));
    }
}

#[test]
fn a_weigher_that_panics_leaves_nobody_waiting() {
    let cache = Cache::builder(10)
        .weigher(|_: &u64, value: &u64| {
            assert_ne!(*value, 13);
            1
        })
        .build();
    let (first, second) = meanwhile(
        |pause| {
            cache.get_with(7, || {
                pause();
                13
            })
        },
        || cache.get_with(7, || 8),
        || (),
    );
    assert!(first.is_err());
    assert_eq!(second.unwrap(), 8);
    assert_eq!(cache.get(&7), Some(8));
}
