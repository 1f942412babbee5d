//! Bounded loads over every algorithm of the registry.
#![cfg(not(purlin_loom))]

use purlin_hashring::bounded::Assigner;
use purlin_hashring::registry::{Options, VARIANTS};
use purlin_hashring::{KeyHash, NodeIdx};

#[test]
fn every_placement_bounds_loads_from_many_threads() {
    for variant in VARIANTS {
        let nodes = variant.algorithm.build(&Options::default(), 0..7_u64);
        let assigner = Assigner::new(nodes.expect("distinct"), 100).expect("a factor of 1");
        let loads = || (0..7).map(|index| assigner.load(NodeIdx(index)).expect("a member"));
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let (assigner, loads) = (&assigner, &loads);
                scope.spawn(move || {
                    for turn in 0..500_u64 {
                        // Few keys, so that most owners are full most of the time.
                        let key =
                            KeyHash(((turn + thread) % 3).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                        let some = [(); 8].map(|()| assigner.try_acquire(key).expect("room"));
                        // 4 threads, 8 each, over 7 nodes.
                        assert!(loads().all(|load| load <= 5), "{}", variant.name);
                        drop(some);
                    }
                });
            }
        });
        assert_eq!(assigner.in_flight(), 0, "{}", variant.name);
        let key = KeyHash(1 << 63);
        let all = [(); 70].map(|()| assigner.try_acquire(key).expect("room"));
        assert!(loads().all(|load| load == 10), "{}", variant.name);
        drop(all);
        assert!(loads().all(|load| load == 0), "{}", variant.name);
    }
}
