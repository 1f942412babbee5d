//! How small an idle replica is.

use crate::world::{BEAT, ELECTION, World};

/// Requested heap of an idle replica, the replica itself included.
#[test]
fn an_idle_replica_is_small() {
    const GROUPS: u64 = 1000;
    for quiesce in [false, true] {
        let mut kept = None;
        let heap = allocation_counter::measure(|| {
            let mut world = World::new(GROUPS, quiesce);
            world.run(2 * ELECTION);
            for group in 0..GROUPS {
                world.propose(group, &"x".repeat(64));
            }
            world.run(5 * BEAT);
            kept = Some(world.machines);
        });
        let machines = kept.expect("three machines");
        let led: usize = machines.values().map(|machine| machine.status().led).sum();
        assert_eq!(led as u64, GROUPS);
        let each = heap.bytes_current as f64 / (3 * GROUPS) as f64;
        println!("an idle replica, quiesce {quiesce}: {each:.0} bytes");
        assert!(each <= 1024.0, "{each} bytes a replica");
    }
}
