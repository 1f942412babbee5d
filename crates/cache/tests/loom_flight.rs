//! Every interleaving of a few threads that meet at a flight.
#![cfg(purlin_loom)]

extern crate alloc;

use alloc::sync::Arc;
use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread;
use purlin_cache::policy::Lru;
use purlin_cache::sync::Cache;
use purlin_cache::{Builder, LoadError};

/// The same in every run of a model.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers")
    }

    fn write_u8(&mut self, key: u8) {
        self.0 = u64::from(key);
    }
}

impl BuildHasher for Same {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

type Small = Cache<u8, u8, Lru, Same>;

fn cache() -> Arc<Small> {
    let builder = Builder::new(4).policy(Lru::new).hasher(Same(0));
    Arc::new(builder.shards(1).build())
}

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// Not one of loom's atomics: it only observes.
fn counted(loads: &AtomicUsize, value: u8) -> u8 {
    loads.fetch_add(1, SeqCst);
    thread::yield_now();
    value
}

#[test]
fn two_threads_load_once() {
    model(|| {
        let (cache, loads) = (cache(), Arc::new(AtomicUsize::new(0)));
        let (cache2, loads2) = (Arc::clone(&cache), Arc::clone(&loads));
        let other = thread::spawn(move || cache2.get_with(1, || counted(&loads2, 10)));
        let here = cache.get_with(1, || counted(&loads, 20));
        assert_eq!(other.join().expect("no panic"), here);
        assert_eq!(loads.load(SeqCst), 1);
        assert_eq!(cache.get(&1), Some(here));
    });
}

/// Whatever the order, the value that was inserted is the one that stays, and nobody is stuck.
#[test]
fn an_insertion_is_not_overwritten() {
    model(|| {
        let cache = cache();
        let inserts = Arc::clone(&cache);
        let waits = Arc::clone(&cache);
        let other = thread::spawn(move || inserts.insert(1, 30));
        let waiter = thread::spawn(move || waits.get_with(1, || 10));
        let here = cache.get_with(1, || 20);
        other.join().expect("no panic");
        assert!([10, 20, 30].contains(&here));
        assert!([10, 20, 30].contains(&waiter.join().expect("no panic")));
        assert_eq!(cache.get(&1), Some(30));
    });
}

/// What was read before an invalidation is not found after it.
#[test]
fn a_stale_load_does_not_enter() {
    model(|| {
        let cache = cache();
        let source = Arc::new(AtomicUsize::new(1));
        let (cache2, source2) = (Arc::clone(&cache), Arc::clone(&source));
        let writer = thread::spawn(move || {
            source2.store(2, SeqCst);
            cache2.remove(&1);
        });
        let read = cache.get_with(1, || {
            let read = source.load(SeqCst);
            thread::yield_now();
            u8::try_from(read).expect("small")
        });
        writer.join().expect("no panic");
        assert!([1, 2].contains(&read));
        assert_ne!(cache.get(&1), Some(1));
    });
}

#[test]
fn a_failure_reaches_all_and_does_not_stay() {
    model(|| {
        let cache = cache();
        let cache2 = Arc::clone(&cache);
        let other = thread::spawn(move || cache2.try_get_with(1, || Err(1_u8)).is_err());
        assert!(matches!(
            cache.try_get_with(1, || Err(2_u8)),
            Err(LoadError::Failed(_))
        ));
        assert!(other.join().expect("no panic"));
        assert_eq!(cache.get_with(1, || 5), 5);
    });
}

/// Each of two asks for the other's key while it loads its own.
#[test]
fn a_circle_is_seen_by_one() {
    model(|| {
        let cache = cache();
        let ask = |cache: &Small, mine: u8, yours: u8| {
            let result = cache.try_get_with(mine, || {
                thread::yield_now();
                cache
                    .try_get_with(yours, || Ok::<_, u8>(yours))
                    .map_err(|_| mine)
            });
            result.is_ok()
        };
        let cache2 = Arc::clone(&cache);
        let other = thread::spawn(move || ask(&cache2, 2, 1));
        let here = ask(&cache, 1, 2);
        let there = other.join().expect("no panic");
        // If they met, one was told and the other got its error; if not, all went well.
        assert_eq!(here, there);
    });
}
