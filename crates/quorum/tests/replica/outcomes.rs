//! What becomes of commands, changes of members and reads.

use crate::group::{Group, STEP};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::replica::Event;
use purlin_quorum::raft::{AbortReason, Change, ProposeError, ReadMode, ReadToken, Refusal};

#[test]
fn a_command_is_applied_everywhere_and_answered_once() {
    let mut group = Group::new();
    let leader = group.elect();
    let first = group.propose(leader, "first");
    let second = group.propose(leader, "second");
    group.agree(2);
    assert_eq!(
        group.nodes[&leader].machine().commands(),
        [b"first".as_slice(), b"second"]
    );
    assert_eq!(group.outcomes(leader, first), [&Event::Applied(first, 1)]);
    assert_eq!(group.outcomes(leader, second), [&Event::Applied(second, 2)]);
    let answered = |event: &Event<usize>| matches!(event, Event::Applied(..));
    assert_eq!(
        group
            .events
            .iter()
            .filter(|(_, event)| answered(event))
            .count(),
        2
    );

    let (now, follower) = (group.now, leader % 3 + 1);
    let refused = group.node(follower).propose(now, "third".into());
    let reason = Refusal::NotLeader {
        leader: Some(NodeId(leader)),
    };
    assert_eq!(
        refused,
        Err(ProposeError {
            reason,
            proposal: "third".into()
        })
    );
}

#[test]
fn one_sync_serves_all_that_was_fed() {
    let mut group = Group::new();
    let leader = group.elect();
    group.until("silence", |group| group.mail.is_empty());
    let syncs = group.node(leader).storage().syncs.clone();
    let before = syncs.get();
    for number in 0..100 {
        group.propose(leader, &number.to_string());
    }
    group.agree(100);
    assert_eq!(syncs.get(), before + 1);
}

#[test]
fn messages_of_a_leader_do_not_wait_for_its_disk() {
    let mut group = Group::new();
    let leader = group.elect();
    group.until("silence", |group| group.mail.is_empty());
    group.propose(leader, "x");
    let (now, node) = (group.now, group.node(leader));
    let syncs = node.storage().syncs.get();
    for _ in 0..2 {
        let event = node.poll_event(now).unwrap();
        assert!(matches!(event, Some(Event::Send(_))), "{event:?}");
        assert_eq!(node.storage().syncs.get(), syncs);
    }
    assert_eq!(node.poll_event(now).unwrap(), None);
    assert_eq!(node.storage().syncs.get(), syncs + 1);
}

#[test]
fn what_another_leader_overwrites_is_lost() {
    let mut group = Group::new();
    let old = group.elect();
    group.propose(old, "before");
    group.agree(1);
    group.cut.insert(old);
    let lost: Vec<_> = ["lost 1", "lost 2"]
        .map(|command| group.propose(old, command))
        .to_vec();
    let new = group.elect();
    assert_ne!(new, old);
    group.propose(new, "after 1");
    group.propose(new, "after 2");
    group.agree(3);
    assert!(
        lost.iter()
            .all(|&position| group.outcomes(old, position).is_empty())
    );
    group.cut.clear();
    group.agree(3);
    for position in lost {
        assert_eq!(group.outcomes(old, position), [&Event::Lost(position)]);
    }
    let commands = group.nodes[&old].machine().commands();
    assert_eq!(commands, [b"before".as_slice(), b"after 1", b"after 2"]);
}

#[test]
fn what_a_snapshot_covers_is_unknown() {
    let mut group = Group::new();
    group.snapshot_after = 100;
    for id in 1..=3 {
        group.restart(id, None);
    }
    let old = group.elect();
    group.propose(old, "before");
    group.agree(1);
    group.cut.insert(old);
    let position = group.propose(old, "unknown");
    let new = group.elect();
    for number in 0..20 {
        group.propose(new, &format!("after {number}"));
        group.step();
    }
    group.agree(21);
    group.cut.clear();
    group.agree(21);
    assert_eq!(group.outcomes(old, position), [&Event::Unknown(position)]);
}

#[test]
fn changes_of_members_are_answered() {
    let mut group = Group::new();
    let leader = group.elect();
    group.propose(leader, "x");
    group.agree(1);
    let now = group.now;
    let other = NodeId(leader % 3 + 1);
    let position = group
        .node(leader)
        .change_membership(now, Change::Remove(other))
        .unwrap();
    group.until("it is committed", |group| {
        !group.outcomes(leader, position).is_empty()
    });
    assert_eq!(
        group.outcomes(leader, position),
        [&Event::MembersChanged(position)]
    );
    assert!(!group.nodes[&leader].raft().configuration().is_member(other));

    // Cut off, a leader can promise no change.
    let now = group.now;
    let position = group
        .node(leader)
        .change_membership(now, Change::AddVoter(other))
        .unwrap();
    group.mail.clear();
    group.cut.insert(leader);
    let silent = [leader, other.0];
    for _ in 0..1000 {
        group.step();
    }
    assert!(
        group.outcomes(leader, position).is_empty(),
        "neither of two: {silent:?}"
    );
}

#[test]
fn any_node_reads_what_was_acknowledged_before() {
    let mut group = Group::new();
    let leader = group.elect();
    for round in 0..5_usize {
        let position = group.propose(leader, &round.to_string());
        group.until("it is applied", |group| {
            !group.outcomes(leader, position).is_empty()
        });
        for id in 1..=3 {
            let token = ReadToken(round as u64);
            let now = group.now;
            group.node(id).read(now, token, ReadMode::Index).unwrap();
            let ready = (id, Event::ReadReady(token));
            // Looks when the event comes, not later.
            while !group.events.contains(&ready) {
                assert!(group.now < now + Duration::from_secs(1));
                group.step();
            }
            assert!(group.node(id).machine().0.len() > round);
        }
    }
}

#[test]
fn reads_of_those_cut_off_are_aborted() {
    let mut group = Group::new();
    let leader = group.elect();
    let follower = leader % 3 + 1;
    group.cut.extend([leader, follower]);
    let now = group.now;
    for id in [leader, follower] {
        group
            .node(id)
            .read(now, ReadToken(id), ReadMode::Index)
            .unwrap();
    }
    while group.now < now + Duration::from_secs(3) {
        group.step();
    }
    let aborted = |id, reason| (id, Event::ReadAborted(ReadToken(id), reason));
    assert!(
        group
            .events
            .contains(&aborted(leader, AbortReason::LeaderChanged))
    );
    assert!(
        group
            .events
            .contains(&aborted(follower, AbortReason::TimedOut))
    );
    assert!(
        !group
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::ReadReady(_)))
    );
}

#[test]
fn leadership_can_be_given_away_and_taken() {
    let mut group = Group::new();
    let leader = group.elect();
    let (now, to) = (group.now, leader % 3 + 1);
    group
        .node(leader)
        .transfer_leadership(now, NodeId(to))
        .unwrap();
    group.until("the other leads", |group| group.leader() == Some(to));
    assert!(group.now < now + STEP * 20, "well before any timeout");
}
