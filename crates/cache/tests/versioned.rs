//! Versions in any order of arrival.

#![cfg(not(purlin_loom))]

use proptest::prelude::*;
use purlin_cache::sync::Cache;
use purlin_cache::versioned::VersionedCache;

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
