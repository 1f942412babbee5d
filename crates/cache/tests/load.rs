//! Single flight between threads: one load for all, and what wins over it.

#![cfg(not(purlin_loom))]

extern crate alloc;

use alloc::sync::Arc;
use core::any::Any;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::sync::Cache;
use purlin_cache::sync::entry::{CompResult, Op};
use purlin_cache::{LoadError, RemovalCause};
use purlin_core::time::ManualClock;
use std::panic::catch_unwind;
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;

/// Long enough for a thread that goes to wait to be waiting. Nothing is wrong if it is not: the tests
/// check what holds in either case.
fn let_them_wait() {
    thread::sleep(Duration::from_millis(30));
}

/// Two loads run as `leader` and `waiter`, the second of which comes while the first is under way; `meanwhile` runs
/// when both are there. Returns what the first brought, and the second.
fn meanwhile<T: Send>(
    leader: impl FnOnce(&dyn Fn()) -> T + Send,
    waiter: impl FnOnce() -> T + Send,
    meanwhile: impl FnOnce(),
) -> (thread::Result<T>, thread::Result<T>) {
    let (started, has_started) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let leader = scope.spawn(move || {
            leader(&|| {
                started.send(()).expect("the test waits");
                may_go.recv().expect("the test sends");
            })
        });
        has_started.recv().expect("the leader starts");
        let waiter = scope.spawn(waiter);
        let_them_wait();
        meanwhile();
        go.send(()).expect("the leader waits");
        (leader.join(), waiter.join())
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .expect("a message")
}

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
    let ways: [Invalidate; 3] = [
        |cache| assert_eq!(cache.remove(&7), None),
        |cache| assert!(!cache.invalidate(&7)),
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
fn what_has_expired_is_loaded_again() {
    let clock = ManualClock::new();
    let cache: Cache<u64, u64> = Cache::builder(100)
        .time_to_live(Duration::from_secs(60))
        .clock(clock.clone())
        .build();
    assert_eq!(cache.get_with(7, || 1), 1);
    clock.advance(Duration::from_secs(60));
    assert_eq!(cache.get_many([&7]), [None]);
    assert_eq!(cache.get_with(7, || 2), 2);
    clock.advance(Duration::from_secs(60));
    let next = cache.entry(7).and_upsert_with(|old| old.map_or(3, |_| 0));
    assert_eq!(next, 3);
    clock.advance(Duration::from_secs(60));
    assert_eq!(cache.get_all_with([7], |_| [(7, 4)]), [Some(4)]);
    assert_eq!(cache.get_many([&7]), [Some(4)]);
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
fn a_bulk_load_asks_once_for_what_nobody_loads() {
    let cache: Cache<u64, u64> = Cache::builder(100).shards(4).build();
    cache.insert(1, 10);
    let asked = Mutex::new(Vec::new());
    let (first, second) = meanwhile(
        |pause| {
            vec![Some(cache.get_with(2, || {
                pause();
                20
            }))]
        },
        || {
            cache.get_all_with([1, 2, 3, 4, 3, 5], |missing| {
                asked.lock().unwrap().push(missing.to_vec());
                // More than was asked for, and one twice; 5 is nowhere.
                [(4, 40), (3, 30), (9, 90), (4, 41)]
            })
        },
        || {
            assert_eq!(*asked.lock().unwrap(), [vec![3, 4, 5]]);
            assert_eq!(cache.get(&4), Some(40), "before the wait for others");
        },
    );
    assert_eq!(first.unwrap(), [Some(20)]);
    let all = [Some(10), Some(20), Some(30), Some(40), Some(30), None];
    assert_eq!(second.unwrap(), all);
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!((cache.get(&5), cache.get(&9)), (None, None));
}

#[test]
fn a_bulk_load_takes_over_from_who_failed() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (_, second) = meanwhile(
        |pause| -> Vec<Option<u64>> {
            cache.get_with(2, || {
                pause();
                panic!("a defect of the loader")
            });
            Vec::new()
        },
        || {
            cache.get_all_with([1, 2], |missing| {
                missing
                    .iter()
                    .map(|key| (*key, key * 10))
                    .collect::<Vec<_>>()
            })
        },
        || (),
    );
    assert_eq!(second.unwrap(), [Some(10), Some(20)]);
}

#[test]
fn a_bulk_load_that_fails_leaves_nobody_waiting() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let bulk = |pause: &dyn Fn()| {
        cache.try_get_all_with([1, 2], |_: &[u64]| {
            pause();
            Err::<[(u64, u64); 0], _>("no route")
        })
    };
    let wait = || {
        cache
            .try_get_with(2, || Ok(8))
            .map(|value| vec![Some(value)])
    };
    let (first, second) = meanwhile(bulk, wait, || ());
    for result in [first.unwrap(), second.unwrap()] {
        assert!(matches!(result, Err(LoadError::Failed(why)) if *why == "no route"));
    }
    assert_eq!(cache.get_with(1, || 3) + cache.get_with(2, || 4), 7);
}

#[test]
fn a_key_that_the_bulk_load_did_not_bring_is_loaded_by_who_waits() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache.get_all_with([1, 2], |_| {
                pause();
                [(1, 10)]
            })
        },
        || vec![Some(cache.get_with(2, || 20))],
        || (),
    );
    assert_eq!(first.unwrap(), [Some(10), None]);
    assert_eq!(second.unwrap(), [Some(20)]);
}

#[test]
fn many_are_looked_up_in_their_order() {
    let cache: Cache<u64, u64> = Cache::builder(1_000).shards(8).record_stats().build();
    for key in (0..500).step_by(2) {
        cache.insert(key, key + 1);
    }
    let values = cache.get_many(&(0..500).rev().collect::<Vec<_>>());
    for (value, key) in values.into_iter().zip((0..500).rev()) {
        assert_eq!(value, (key % 2 == 0).then_some(key + 1));
    }
    assert_eq!((cache.stats().hits, cache.stats().misses), (250, 250));
}

#[test]
fn computations_of_a_key_follow_each_other() {
    let cache: Cache<&str, u64> = Cache::new(100);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    cache.entry("n").and_upsert_with(|n| {
                        thread::yield_now();
                        n.unwrap_or(0) + 1
                    });
                }
            });
        }
    });
    assert_eq!(cache.get("n"), Some(4_000));
}

#[test]
fn a_computation_does_what_it_says() {
    let left = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&left);
    let cache = Cache::builder(100)
        .eviction_listener(move |key: &u64, value: u64, cause| {
            log.lock().unwrap().push((*key, value, cause));
        })
        .build();
    let compute = |op: Op<u64>| cache.entry(7).and_compute_with(|_| op);
    assert_eq!(compute(Op::Nop), CompResult::StillNone);
    assert_eq!(compute(Op::Remove), CompResult::StillNone);
    assert_eq!(compute(Op::Put(1)), CompResult::Inserted(1));
    assert_eq!(compute(Op::Nop), CompResult::Unchanged(1));
    assert_eq!(compute(Op::Put(2)), CompResult::ReplacedWith(2));
    let failed = cache.entry(7).and_try_compute_with(Err::<Op<u64>, _>);
    assert_eq!(failed, Err(Some(2)));
    assert_eq!(cache.get(&7), Some(2));
    assert_eq!(compute(Op::Remove), CompResult::Removed(2));
    assert_eq!(cache.get(&7), None);
    let expected = [
        (7, 1, RemovalCause::Replaced),
        (7, 2, RemovalCause::Explicit),
    ];
    assert_eq!(*left.lock().unwrap(), expected);
}

/// What comes while a computation is under way has its effect after it.
#[test]
fn a_computation_happens_before_what_comes_meanwhile() {
    let cache: Cache<u64, u64> = Cache::new(100);
    cache.insert(7, 1);
    let value = cache.entry(7).and_upsert_with(|old| {
        assert_eq!(cache.get(&7), old, "readers do not wait");
        cache.insert(7, 5);
        2
    });
    assert_eq!((value, cache.get(&7)), (2, Some(5)));
    let value = cache.entry(7).and_upsert_with(|_| {
        assert_eq!(cache.remove(&7), Some(5));
        3
    });
    assert_eq!((value, cache.get(&7)), (3, None));
}

#[test]
fn a_computation_waits_for_a_load() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (first, second) = meanwhile(
        |pause| {
            cache.get_with(7, || {
                pause();
                1
            })
        },
        || cache.entry(7).and_upsert_with(|old| old.unwrap_or(100) + 1),
        || (),
    );
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        cache
            .entry(7)
            .and_upsert_with(|_| cache.entry(7).and_upsert_with(|_| 0))
    }));
    assert_eq!(
        message(&*panic.unwrap_err()),
        LoadError::<String>::Reentrant.to_string()
    );
    assert_eq!(cache.get(&7), Some(2));
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
