//! Machines, processes and leaders that are lost while groups are silent.

use crate::world::{BEAT, ELECTION, World};
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_quorum::raft::RoleKind;
use purlin_quorum::raft::groups::{GroupId, GroupsMessage};

#[test]
fn a_lost_machine_is_replaced_and_disturbs_nobody_when_it_is_back() {
    let mut world = World::silent(60);
    let lost = world.led_by(1);
    let before = [world.terms(2), world.terms(3)];
    world.cut.insert(1);
    // Too early: it may just be slow.
    world.run(5 * BEAT);
    assert!(lost.iter().all(|&group| world.leader(group).is_none()));
    assert!(world.machines[&2].status().silent == 60 && world.machines[&3].status().silent == 60);

    world.run(ELECTION);
    for &group in &lost {
        assert!(
            world.leader(group).is_some(),
            "group {group} has another leader"
        );
        world.propose(group, "without the first");
    }
    // The others have not even noticed.
    let others: Vec<_> = (0..60)
        .filter(|group| !lost.contains(group))
        .map(GroupId)
        .collect();
    for group in &others {
        for (machine, before) in [2, 3].into_iter().zip(&before) {
            assert_eq!(world.terms(machine)[group], before[group]);
        }
    }
    // The lost machine has noticed that it hears of nobody, and tried in vain.
    assert!(
        world.machines[&1]
            .iter()
            .any(|(_, raft)| raft.role() == RoleKind::PreCandidate)
    );

    world.cut.clear();
    world.run(2 * ELECTION);
    assert!(world.all_silent());
    for &group in &lost {
        assert_eq!(world.applied(1, group), ["first", "without the first"]);
    }
    for group in &others {
        assert_eq!(
            world.terms(1)[group],
            before[0][group],
            "{group} keeps its leader"
        );
    }
}

#[test]
fn elections_after_a_loss_are_spread_over_the_jitter() {
    let mut world = World::silent(90);
    let lost = world.led_by(1);
    world.cut.insert(1);
    let mut most = 0;
    let mut led = 0;
    for _ in 0..30 {
        world.run(BEAT);
        let now = lost
            .iter()
            .filter(|&&group| world.leader(group).is_some())
            .count();
        most = most.max(now - led);
        led = now;
    }
    assert_eq!(led, lost.len());
    assert!(most <= lost.len() / 2, "{most} of {led} in one beat");
}

#[test]
fn a_machine_that_starts_anew_leads_nothing_of_what_it_led() {
    for down in [Duration::ZERO, 3 * BEAT] {
        let mut world = World::silent(30);
        let led = world.led_by(2);
        world.cut.insert(2);
        world.run(down);
        world.cut.clear();
        world.restart(2, 1000);
        world.run(ELECTION);
        for &group in &led {
            assert!(world.leader(group).is_some());
            world.propose(group, "second");
            assert_eq!(world.applied(2, group), ["first", "second"]);
        }
        world.run(5 * BEAT);
        assert!(world.all_silent());
    }
}

#[test]
fn a_leader_that_stops_or_is_removed_while_its_machine_lives_is_replaced() {
    for (remove, lose_the_word) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = World::silent(24);
        let led = world.led_by(3);
        let group = led[0];
        world.mail.clear();
        if remove {
            let now = world.now;
            let machine = world.machines.get_mut(&3).expect("a machine");
            assert!(machine.remove(now, GroupId(group)).is_some());
            world.drain(3);
        } else {
            world.with(3, group, |raft, now| raft.write_failed(now));
        }
        assert_eq!(
            world.mail.len(),
            2,
            "each other machine hears of it at once"
        );
        if lose_the_word {
            world.mail.clear();
        }
        world.run(ELECTION);
        let heir = world.leader(group).expect("another leader");
        assert_ne!(heir, 3);
        world.propose(group, "second");
        assert_eq!(world.applied(heir, group), ["first", "second"]);
        world.run(5 * BEAT);
        for &other in &led[1..] {
            assert_eq!(world.leader(other), Some(3), "the others stay");
        }
    }
}

#[test]
fn word_from_before_a_leader_stopped_puts_nobody_to_sleep() {
    let mut world = World::silent(24);
    let group = world.led_by(1)[0];
    // The group wakes, and the message that lets it fall silent again is late.
    world.propose(group, "second");
    let next = world.machines[&1].poll_timeout().expect("a beat");
    world.now = next;
    let machine = world.machines.get_mut(&1).expect("a machine");
    machine.handle_timeout(next);
    world.drain(1);
    let late: Vec<_> = world.mail.drain(..).collect();
    let tells = late.iter().any(|message| match message {
        GroupsMessage::Heartbeats(message) => message.beats.iter().any(|beat| beat.quiesce),
        GroupsMessage::Group(..) => false,
    });
    assert!(tells, "the late messages are those");
    world.with(1, group, |raft, now| raft.write_failed(now));
    world.deliver();
    for message in late {
        world.hand_over(message.to().0, message);
    }
    world.deliver();
    world.run(ELECTION);
    assert!(world.leader(group).is_some_and(|leader| leader != 1));
}
