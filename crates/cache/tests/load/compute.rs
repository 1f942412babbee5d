//! Values computed from the ones before.

use crate::harness::{meanwhile, message};
use alloc::sync::Arc;
use core::panic::AssertUnwindSafe;
use purlin_cache::sync::Cache;
use purlin_cache::sync::entry::{CompResult, Op};
use purlin_cache::{LoadError, RemovalCause};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

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
