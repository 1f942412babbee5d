//! Anything in any order, and what must hold all the same.

use crate::world::{BEAT, ELECTION, World};
use alloc::collections::{BTreeMap, BTreeSet};
use bytes::Bytes;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::Raft;

/// One thing that happens to a world.
#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Propose(u64),
    Transfer(u64, u64),
    Loss(u64),
    Cut(u64),
    Heal,
    Restart(u64, u64),
    Back(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..2000_u64).prop_map(Event::Pass),
        6 => (0..8_u64).prop_map(Event::Propose),
        1 => (0..8_u64, 1..4_u64).prop_map(|(group, to)| Event::Transfer(group, to)),
        2 => (0..40_u64).prop_map(Event::Loss),
        1 => (1..4_u64).prop_map(Event::Cut),
        2 => Just(Event::Heal),
        1 => (1..4_u64, any::<u64>()).prop_map(|(machine, seed)| Event::Restart(machine, seed)),
        1 => (1..3000_u64).prop_map(Event::Back),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens: what was acknowledged stays, all apply the same, and when the trouble is
    /// over every group has a leader, takes commands, and falls silent.
    #[test]
    fn nothing_is_lost_and_all_groups_recover(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new(8, true);
        // By group: what some leader has applied after it was proposed.
        let mut done: BTreeMap<u64, Vec<Bytes>> = BTreeMap::new();
        let mut latest = world.now;
        for (number, event) in events.into_iter().enumerate() {
            latest = latest.max(world.now);
            match event {
                Event::Pass(time) => world.run(Duration::from_millis(time)),
                Event::Propose(group) => if let Some(leader) = world.leader(group) {
                    let command = Bytes::from(format!("{number}"));
                    let proposed = command.clone();
                    drop(world.with(leader, group, |raft, now| raft.propose(now, proposed)));
                    world.deliver();
                    if world.applied(leader, group).contains(&command) {
                        done.entry(group).or_default().push(command);
                    }
                },
                Event::Transfer(group, to) => if let Some(leader) = world.leader(group) {
                    let transfer = |raft: &mut Raft, now| raft.transfer_leadership(now, NodeId(to));
                    drop(world.with(leader, group, transfer));
                    world.deliver();
                },
                Event::Loss(percent) => world.loss = percent,
                Event::Cut(machine) => { world.cut.insert(machine); }
                Event::Heal => world.cut.clear(),
                Event::Restart(machine, seed) => world.restart(machine, seed),
                Event::Back(time) => {
                    let back = world.now.as_nanos().saturating_sub(time * 1_000_000);
                    world.now = Instant::from_nanos(back);
                    world.tick();
                }
            }
        }
        (world.cut, world.loss) = (BTreeSet::new(), 0);
        // Until a clock that went back is where it was, nothing is due.
        world.now = latest.max(world.now);
        world.run(4 * ELECTION);
        for group in 0..8 {
            prop_assert!(world.leader(group).is_some(), "group {} has no leader", group);
            world.propose(group, "last");
            let applied = world.applied(1, group).to_vec();
            prop_assert_eq!(&applied, world.applied(2, group));
            prop_assert_eq!(&applied, world.applied(3, group));
            prop_assert_eq!(applied.last().map(|last| &last[..]), Some(&b"last"[..]));
            let mut kept = applied.iter();
            for command in done.get(&group).into_iter().flatten() {
                prop_assert!(kept.any(|kept| kept == command), "{:?} is lost or moved", command);
            }
        }
        world.run(10 * BEAT);
        prop_assert!(world.all_silent());
    }
}
