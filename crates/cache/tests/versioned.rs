//! Versions in any order of arrival.

#![cfg(not(purlin_loom))]

extern crate alloc;

use alloc::sync::Arc;
use core::cell::RefCell;
use core::hash::{BuildHasherDefault, Hash, Hasher};
use proptest::prelude::*;
use purlin_cache::policy::Fifo;
use purlin_cache::sync::Cache;
use purlin_cache::versioned::{Version, VersionedCache};
use std::thread;

#[derive(Clone, Copy, Debug)]
enum Arrival {
    Value(u64),
    Invalidation(u64),
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        (0_u64..8).prop_map(Arrival::Value),
        (0_u64..8).prop_map(Arrival::Invalidation),
    ]
}

proptest! {
    /// Whatever the order, the newest value is there, unless a newer invalidation is known.
    #[test]
    fn order_does_not_matter(
        (arrivals, shuffled) in prop::collection::vec(arrival(), 0..12)
            .prop_flat_map(|arrivals| (Just(arrivals.clone()), Just(arrivals).prop_shuffle())),
    ) {
        let value = arrivals.iter().filter_map(|a| if let Arrival::Value(v) = a { Some(*v) } else { None }).max();
        let invalid = arrivals.iter().filter_map(|a| if let Arrival::Invalidation(v) = a { Some(*v) } else { None }).max();
        let expected = value.filter(|value| invalid.is_none_or(|invalid| *value >= invalid));
        for order in [arrivals, shuffled] {
            let cache = VersionedCache::new(Cache::new(10));
            let mut newest: Option<(u64, bool)> = None;
            for arrival in order {
                match arrival {
                    Arrival::Value(version) => {
                        let came_in = cache.insert_newer("key", version, version);
                        let is_new = newest.is_none_or(|(known, is_value)| version > known || (version == known && !is_value));
                        prop_assert_eq!(came_in, is_new);
                        if is_new {
                            newest = Some((version, true));
                        }
                    }
                    Arrival::Invalidation(version) => {
                        let is_new = newest.is_none_or(|(known, _)| version > known);
                        prop_assert_eq!(cache.invalidate_older("key", version), is_new);
                        if is_new {
                            newest = Some((version, false));
                        }
                    }
                }
            }
            prop_assert_eq!(cache.get("key"), expected);
            prop_assert_eq!(cache.get_version("key").map(|held| held.version), value.max(invalid));
        }
    }
}

thread_local! {
    /// Runs when this thread hashes the key that leaves.
    static AT_HASH: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hooked(u64);

const LEAVES: Hooked = Hooked(u64::MAX);

impl Hash for Hooked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
        if *self == LEAVES
            && let Some(run) = AT_HASH.with_borrow_mut(Option::take)
        {
            run();
        }
    }
}

/// A hash is the number itself, whose highest bit says in which of two shards it is.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {
        unreachable!("numbers only")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Where another shard has to make room for a value, a newer version can come meanwhile.
#[test]
fn a_newer_version_that_comes_while_room_is_made_stays() {
    let cache = Cache::builder(2)
        .shards(2)
        .policy(Fifo::new)
        .hasher(BuildHasherDefault::<Itself>::default())
        .weigher(|_: &Hooked, held: &Version<u32>| u64::from(held.value.unwrap_or(1)))
        .build();
    let cache = Arc::new(VersionedCache::new(cache));
    assert!(cache.insert_newer(LEAVES, 1, 1));
    let other = Arc::clone(&cache);
    AT_HASH.set(Some(Box::new(move || {
        let invalidated = thread::scope(|scope| {
            let other = scope.spawn(|| other.invalidate_older(Hooked(7), 9));
            other.join().expect("no panic")
        });
        assert!(invalidated);
    })));
    assert!(!cache.insert_newer(Hooked(7), 5, 2), "it is out of date");
    assert!(cache.get_version(&LEAVES).is_none(), "it has made room");
    let known = cache.get_version(&Hooked(7)).map(|known| known.version);
    assert_eq!(known, Some(9));
}
