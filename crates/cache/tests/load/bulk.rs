//! Many keys by one call of a loader.

use crate::harness::meanwhile;
use purlin_cache::LoadError;
use purlin_cache::sync::Cache;
use std::sync::Mutex;

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
