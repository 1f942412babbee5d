//! How groups fall silent, what that saves, and what wakes them.

use crate::world::{BEAT, ELECTION, World};
use alloc::collections::BTreeSet;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_quorum::raft::groups::{GroupId, Groups};
use purlin_quorum::raft::{Change, ReadMode, ReadToken, Recovered};

#[test]
fn heartbeats_of_all_groups_travel_together() {
    let mut world = World::new(100, false);
    world.run(2 * ELECTION);
    (world.single, world.coalesced) = (0, Vec::new());
    world.run(10 * BEAT);
    assert_eq!(world.single, 0);
    // Of three machines, each to two others, ten beats and their answers.
    assert_eq!(world.coalesced.len(), 3 * 2 * 10 * 2);
    let beats: usize = world
        .coalesced
        .iter()
        .map(|message| message.beats.len())
        .sum();
    let answers: usize = world
        .coalesced
        .iter()
        .map(|message| message.answers.len())
        .sum();
    assert_eq!((beats, answers), (100 * 2 * 10, 100 * 2 * 10));
}

#[test]
fn silent_groups_say_nothing_and_wait_for_nothing() {
    let mut world = World::silent(50);
    // Timers from before are left to run out once.
    world.run(ELECTION);
    (world.single, world.coalesced) = (0, Vec::new());
    let timeouts = world.machines.values().filter_map(Groups::poll_timeout);
    let timeouts: BTreeSet<_> = timeouts.collect();
    assert!(
        timeouts.iter().all(|&due| due <= world.now + BEAT),
        "the next beat"
    );
    world.run(20 * BEAT);
    assert_eq!(world.single, 0);
    assert_eq!(
        world.coalesced.len(),
        3 * 2 * 20,
        "a sign of life for each other machine and beat"
    );
    for message in &world.coalesced {
        assert!(message.beats.is_empty() && message.answers.is_empty());
    }
    assert!(world.all_silent());
}

#[test]
fn what_is_asked_of_a_silent_group_wakes_it_alone() {
    let mut world = World::silent(20);
    world.propose(3, "second");
    for machine in 1..=3 {
        assert_eq!(world.machines[&machine].status().silent, 19);
        assert_eq!(world.applied(machine, 3), ["first", "second"]);
    }
    world.run(5 * BEAT);
    assert!(world.all_silent(), "and falls silent again");

    // A read through a follower.
    let follower = (1..=3)
        .find(|&machine| world.leader(4) != Some(machine))
        .expect("two");
    world
        .with(follower, 4, |raft, now| {
            raft.read(now, ReadToken(9), ReadMode::Index)
        })
        .expect("the leader is known");
    world.deliver();
    assert_eq!(world.reads, [ReadToken(9)]);
}

#[test]
fn silence_comes_through_a_lossy_network() {
    let mut world = World::new(40, true);
    world.loss = 25;
    world.run(6 * ELECTION);
    world.loss = 0;
    let led = (0..40)
        .filter(|&group| world.leader(group).is_some())
        .count();
    assert_eq!(led, 40);
    world.run(10 * BEAT);
    assert!(world.all_silent());
    assert!(
        world
            .coalesced
            .iter()
            .any(|message| message.beats.iter().any(|beat| beat.quiesce))
    );
}

#[test]
fn members_change_in_a_silent_group() {
    let mut world = World::silent(24);
    world.start(4, 44, true);
    world.create(4, GroupId(5), Recovered::joining());
    let leader = world.leader(5).expect("a leader");
    let add = Change::AddVoter(NodeId(4));
    world
        .with(leader, 5, |raft, now| raft.change_membership(now, add))
        .expect("one change");
    world.deliver();
    world.run(10 * BEAT);
    assert!(world.all_silent(), "the newcomer too");
    assert_eq!(world.applied(4, 5), ["first"]);
    assert_eq!(world.machines[&leader].status().peers, 3);
    assert_eq!(world.machines[&4].status().peers, 3);

    // Its silence rests on the leader's machine as that of the others does.
    world.cut.insert(leader);
    world.run(ELECTION);
    let heir = world.leader(5).expect("another leader");
    world.cut.clear();
    world.run(2 * ELECTION);
    let remove = Change::Remove(NodeId(4));
    let heir = if heir == 4 {
        world.leader(5).expect("a leader")
    } else {
        heir
    };
    world
        .with(heir, 5, |raft, now| raft.change_membership(now, remove))
        .expect("one change");
    world.deliver();
    let now = world.now;
    world
        .machines
        .get_mut(&4)
        .expect("a machine")
        .remove(now, GroupId(5))
        .expect("it is there");
    world.run(ELECTION);
    assert!(world.all_silent());
    let peers = world.machines.values().map(|groups| groups.status().peers);
    assert_eq!(peers.collect::<Vec<_>>(), [2, 2, 2, 0]);
    assert_eq!(
        world.machines[&4].poll_timeout(),
        None,
        "nothing is left to do"
    );
}

#[test]
fn a_process_that_stood_still_takes_nobody_for_lost() {
    let mut world = World::silent(30);
    let terms = world.terms(2);
    // Nobody runs for a minute; then all deadlines are over at once, the mail not yet read.
    world.now += Duration::from_secs(60);
    world.tick();
    world.run(20 * BEAT);
    assert!(world.all_silent());
    assert_eq!(world.terms(2), terms);
}
