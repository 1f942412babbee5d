//! One call does a bounded amount of work, however much there is to do: counted in calls of the user's code.
#![cfg(all(feature = "std", not(purlin_loom)))]

use core::cell::Cell;
use core::hash::{Hash, Hasher};
use core::time::Duration;
use purlin_cache::policy::{Lru, Sieve};
use purlin_cache::{sync, unsync};
use purlin_core::time::ManualClock;

thread_local! {
    static HASHES: Cell<u64> = const { Cell::new(0) };
    static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    static DROPS: Cell<u64> = const { Cell::new(0) };
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

const ENTRIES: u32 = 1_000_000;

fn count(counter: &'static std::thread::LocalKey<Cell<u64>>) {
    counter.set(counter.get() + 1);
}

#[derive(Clone)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        count(&HASHES);
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        count(&COMPARISONS);
        self.0 == other.0
    }
}

impl Eq for Key {}

struct Value;

impl Clone for Value {
    fn clone(&self) -> Self {
        Self
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        count(&DROPS);
    }
}

#[derive(Clone, Copy, Debug)]
struct Work {
    hashes: u64,
    comparisons: u64,
    drops: u64,
    told: u64,
}

fn work_of(call: impl FnOnce()) -> Work {
    let read = || Work {
        hashes: HASHES.get(),
        comparisons: COMPARISONS.get(),
        drops: DROPS.get(),
        told: TOLD.get(),
    };
    let before = read();
    call();
    let after = read();
    Work {
        hashes: after.hashes - before.hashes,
        comparisons: after.comparisons - before.comparisons,
        drops: after.drops - before.drops,
        told: after.told - before.told,
    }
}

/// What one insertion may do at most: its own, and eight entries that leave on its way, each with the
/// hashes of up to eleven others that move.
const MOST: Work = Work {
    hashes: 9 * 12,
    comparisons: 9 * 12,
    drops: 9,
    told: 9,
};

#[track_caller]
fn assert_bounded(work: Work) {
    assert!(work.hashes <= MOST.hashes, "{work:?}");
    assert!(work.comparisons <= MOST.comparisons, "{work:?}");
    assert!(work.drops <= MOST.drops, "{work:?}");
    assert!(work.told <= MOST.told, "{work:?}");
}

#[test]
fn a_million_entries_that_expire_at_once_do_not_hold_up_anybody() {
    let clock = ManualClock::new();
    let mut cache = unsync::Cache::builder(ENTRIES.into())
        .policy(Lru::new)
        .time_to_live(Duration::from_secs(60))
        .clock(clock.clone())
        .eviction_listener(|_, _, _| count(&TOLD))
        .build_unsync();
    for key in 0..ENTRIES {
        cache.insert(Key(key), Value);
    }
    clock.advance(Duration::from_secs(3_600));
    assert_bounded(work_of(|| assert!(cache.get(&Key(7)).is_none())));
    let mut inserted = 0_u32;
    while cache.len() > inserted as usize {
        let before = cache.len();
        let key = Key(ENTRIES + inserted);
        assert_bounded(work_of(|| cache.insert(key, Value)));
        inserted += 1;
        assert!(cache.len() < before, "each insertion frees some");
    }
    // Each step moves an entry down a level of the wheel, or out: at most so many of them for each.
    assert!(inserted <= ENTRIES / 8 * 5, "{inserted}");
    assert_eq!(TOLD.get(), u64::from(ENTRIES));
}

#[test]
fn a_million_entries_are_cleared_at_once_and_buried_little_by_little() {
    let cache = sync::Cache::builder(ENTRIES.into())
        .policy(Sieve::new)
        .shards(4)
        .eviction_listener(|_, _, _| count(&TOLD))
        .build();
    for key in 0..ENTRIES {
        cache.insert(Key(key), Value);
    }
    let work = work_of(|| cache.invalidate_all());
    assert_eq!((work.hashes, work.drops, work.told), (0, 0, 0));
    assert!(cache.is_empty());
    for key in 0..1_000 {
        let work = work_of(|| cache.insert(Key(key), Value));
        assert!(
            work.drops <= MOST.drops && work.told <= MOST.told,
            "{work:?}"
        );
        // Its shard, of some 250 entries in the end, begins anew, and hashes its keys when its index grows: with 256 the
        // last time.
        assert!(work.hashes <= 1 + 256, "{work:?}");
    }
    assert_eq!(cache.len(), 1_000);
    assert_eq!(TOLD.get(), 8 * 1_000, "eight by each");
    cache.run_pending();
    assert_eq!(TOLD.get(), u64::from(ENTRIES));
}

#[test]
fn a_resize_touches_what_has_to_leave_and_nothing_else() {
    let cache = sync::Cache::builder(100_000)
        .policy(Lru::new)
        .shards(4)
        .eviction_listener(|_, _, _| count(&TOLD))
        .build();
    for key in 0..100_000 {
        cache.insert(Key(key), Value);
    }
    let grown = work_of(|| cache.set_max_capacity(1_000_000));
    assert_eq!((grown.hashes, grown.drops, grown.told), (0, 0, 0));
    let less = work_of(|| cache.set_max_capacity(100_000));
    assert_eq!((less.drops, less.told), (0, 0), "they fit still");
    let shrunk = work_of(|| cache.set_max_capacity(99_000));
    assert_eq!((shrunk.drops, shrunk.told), (1_000, 1_000));
    assert!(shrunk.hashes <= 12 * 1_000, "{shrunk:?}");
}

/// Entries that are pinned cost an eviction nothing.
#[test]
fn an_eviction_passes_no_pinned_entry() {
    let mut cache = unsync::Cache::builder(100_000)
        .policy(Lru::new)
        .build_unsync();
    for key in 0..100_000 {
        cache.insert(Key(key), Value);
        if key < 99_990 {
            cache.pin(&Key(key));
        }
    }
    for key in 100_000..101_000 {
        assert_bounded(work_of(|| cache.insert(Key(key), Value)));
    }
    assert_eq!(cache.len(), 100_000);
}
