//! Code of the user that panics at its n-th call, whichever that is: the cache goes on, within its bounds.
#![cfg(all(feature = "std", not(purlin_loom)))]

use core::cell::Cell;
use core::hash::{Hash, Hasher};
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use purlin_cache::expiry::Expiry;
use purlin_cache::policy::{Adaptive, Lru, Policy};
use purlin_cache::{Builder, sync, unsync};
use purlin_core::time::{Clock, Instant, ManualClock};
use std::panic::{catch_unwind, resume_unwind};

const CAPACITY: u64 = 24;
/// Calls of a kind, each of which panics once.
const CALLS: u32 = 50;

/// Where the user's code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Hash,
    Eq,
    CloneKey,
    CloneValue,
    DropKey,
    DropValue,
    Weigher,
    Listener,
    Loader,
    Expiry,
    Predicate,
}

const SITES: [Site; 11] = [
    Site::Hash,
    Site::Eq,
    Site::CloneKey,
    Site::CloneValue,
    Site::DropKey,
    Site::DropValue,
    Site::Weigher,
    Site::Listener,
    Site::Loader,
    Site::Expiry,
    Site::Predicate,
];

thread_local! {
    /// What panics, and at which call from now on.
    static TRAP: Cell<Option<(Site, u32)>> = const { Cell::new(None) };
}

struct Sprung;

/// Counts a call, and panics (without a message) if it is the one.
fn call(site: Site) {
    match TRAP.get() {
        Some((trapped, 1)) if trapped == site => {
            TRAP.set(None);
            resume_unwind(Box::new(Sprung));
        }
        Some((trapped, left)) if trapped == site => TRAP.set(Some((site, left - 1))),
        _ => {}
    }
}

#[derive(Debug)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        call(Site::Hash);
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        call(Site::Eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        call(Site::CloneKey);
        Self(self.0)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        call(Site::DropKey);
    }
}

/// The key that it belongs to.
#[derive(Debug)]
struct Value(u32);

impl Clone for Value {
    fn clone(&self) -> Self {
        call(Site::CloneValue);
        Self(self.0)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        call(Site::DropValue);
    }
}

struct TenSeconds;

impl Expiry<Key, Value> for TenSeconds {
    fn expire_after_create(&self, _: &Key, _: &Value, _: Instant) -> Option<Duration> {
        call(Site::Expiry);
        Some(Duration::from_secs(10))
    }

    fn expire_after_update(
        &self,
        _: &Key,
        _: &Value,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        call(Site::Expiry);
        Some(Duration::from_secs(10))
    }

    fn expire_after_read(
        &self,
        _: &Key,
        _: &Value,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        call(Site::Expiry);
        Some(Duration::from_secs(5))
    }
}

fn builder<P: Policy>(
    clock: &ManualClock,
    policy: impl Fn(usize) -> P + Send + Sync + 'static,
) -> Builder<Key, Value, P> {
    sync::Cache::builder(CAPACITY)
        .policy(policy)
        .clock(clock.clone())
        .expire_after(TenSeconds)
        .weigher(|key, _| {
            call(Site::Weigher);
            u64::from(key.0 % 3 + 1)
        })
        .eviction_listener(|_, _, _| call(Site::Listener))
}

/// Some of everything, on keys that come and go.
fn work_sync<P: Policy>(cache: &sync::Cache<Key, Value, P>, clock: &ManualClock, round: u32) {
    let key = || Key(round % 40);
    match round % 12 {
        0..=3 => cache.insert(key(), Value(round % 40)),
        4 | 5 => drop(cache.get(&key())),
        6 => {
            let load = || {
                call(Site::Loader);
                Value(round % 40)
            };
            assert_eq!(cache.get_with(key(), load).0, round % 40);
        }
        7 => drop(cache.remove(&Key(round % 17))),
        8 => {
            cache.pin(&Key(round % 5));
            cache.unpin(&Key(round % 7));
        }
        9 => clock.advance(Duration::from_secs(4)),
        10 if round.is_multiple_of(5) => cache.invalidate_if(|key, _| {
            call(Site::Predicate);
            key.0 % 4 == 0
        }),
        10 if round.is_multiple_of(7) => cache.invalidate_all(),
        10 => {
            cache.set_max_capacity(CAPACITY / 2);
            cache.set_max_capacity(CAPACITY);
        }
        _ => {
            assert!(cache.iter().all(|(key, value)| key.0 == value.0));
            let keys = [key(), Key(round % 11)];
            let loaded = cache.get_all_with(keys, |missing| {
                call(Site::Loader);
                let load = |key: &Key| (key.clone(), Value(key.0));
                missing.iter().map(load).collect::<Vec<_>>()
            });
            assert!(loaded.iter().all(Option::is_some));
            cache.run_pending();
        }
    }
}

/// The same, as far as it goes.
fn work_unsync<P: Policy>(
    cache: &mut unsync::Cache<Key, Value, P>,
    clock: &ManualClock,
    round: u32,
) {
    let key = || Key(round % 40);
    match round % 12 {
        0..=3 => cache.insert(key(), Value(round % 40)),
        4 | 5 => assert!(cache.get(&key()).is_none_or(|value| value.0 == round % 40)),
        6 => {
            let load = || {
                call(Site::Loader);
                Ok::<_, ()>(Value(round % 40))
            };
            let loaded = cache.try_get_with(key(), load);
            assert_eq!(loaded.expect("it does not fail").0, round % 40);
        }
        7 => drop(cache.remove(&Key(round % 17))),
        8 => {
            cache.pin(&Key(round % 5));
            cache.unpin(&Key(round % 7));
        }
        9 => clock.advance(Duration::from_secs(4)),
        10 if round.is_multiple_of(5) => cache.invalidate_if(|key, _| {
            call(Site::Predicate);
            key.0 % 4 == 0
        }),
        10 if round.is_multiple_of(7) => cache.invalidate_all(),
        10 => {
            cache.set_max_capacity(CAPACITY / 2);
            cache.set_max_capacity(CAPACITY);
        }
        _ => {
            assert!(cache.iter().all(|(key, value)| key.0 == value.0));
            cache.run_pending();
        }
    }
}

/// Works with a trap until it springs, looks at the cache, and works on. Whether it sprang.
fn survives(trap: (Site, u32), mut work: impl FnMut(u32), check: impl Fn()) -> bool {
    TRAP.set(Some(trap));
    let mut sprang = false;
    let mut rounds_after = 0;
    for round in 0..3_000 {
        rounds_after += u32::from(sprang);
        if rounds_after > 120 {
            break;
        }
        let done = catch_unwind(AssertUnwindSafe(|| work(round)));
        if let Err(panic) = done {
            assert!(panic.is::<Sprung>(), "{trap:?}: another panic");
            assert!(!sprang, "{trap:?}: panicked twice");
            sprang = true;
        }
        check();
    }
    TRAP.set(None);
    sprang
}

fn all_survived<P: Policy>(policy: impl Fn(usize) -> P + Send + Sync + Copy + 'static) {
    for site in SITES {
        for nth in 1..=CALLS {
            let trap = (site, nth);
            let disarmed = |check: &dyn Fn()| {
                let armed = TRAP.take();
                check();
                TRAP.set(armed);
            };
            for shards in [1, 4] {
                let clock = ManualClock::new();
                let cache = builder(&clock, policy).shards(shards).build();
                let check = || {
                    disarmed(&|| {
                        cache.check_invariants();
                        assert!(cache.weighted_size() <= CAPACITY, "{trap:?}");
                    });
                };
                let sprang = survives(trap, |round| work_sync(&cache, &clock, round), check);
                assert!(sprang, "{trap:?} is never called");
                cache.insert(Key(1), Value(1));
                let found = cache.get(&Key(1)).is_some() || cache.stats().entries > 0;
                assert!(found, "{trap:?}: nothing goes in");
            }
            let clock = ManualClock::new();
            let cache = core::cell::RefCell::new(builder(&clock, policy).build_unsync());
            let check = || {
                let cache = cache.borrow();
                disarmed(&|| {
                    cache.check_invariants();
                    assert!(cache.weighted_size() <= CAPACITY, "{trap:?}");
                });
            };
            let work = |round| work_unsync(&mut cache.borrow_mut(), &clock, round);
            let sprang = survives(trap, work, check);
            assert!(sprang || site == Site::CloneKey, "{trap:?} is never called");
        }
    }
}

#[test]
fn both_caches_survive_panics_with_lru() {
    all_survived(Lru::new);
}

#[test]
fn both_caches_survive_panics_with_the_default_policy() {
    all_survived(Adaptive::new);
}

/// An entry whose expiry was interrupted by a panic does not become immortal.
#[test]
fn a_panic_while_entries_expire_makes_none_of_them_immortal() {
    for nth in 1..=10 {
        let clock = ManualClock::new();
        let mut cache = builder(&clock, Lru::new).build_unsync();
        for key in 0..10 {
            cache.insert(Key(key), Value(key));
        }
        clock.advance(Duration::from_secs(10));
        TRAP.set(Some((Site::Hash, nth)));
        let _sprang = catch_unwind(AssertUnwindSafe(|| cache.run_pending()));
        TRAP.set(None);
        assert_eq!(cache.iter().count(), 0, "{nth}, at {}", clock.now());
    }
}
