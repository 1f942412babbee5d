//! What a leader tells its host: when it is ready, who has caught up, and what may be read at once.

use crate::group::{Group, STEP};
use crate::store::Store;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::replica::Event;
use purlin_quorum::raft::storage::{Identity, Storage as _};
use purlin_quorum::raft::{Change, ClusterId, Refusal, RoleKind};

#[test]
fn a_leader_says_when_it_takes_changes() {
    let mut group = Group::new();
    let leads = |group: &Group| {
        let found = group
            .nodes
            .iter()
            .find(|(_, node)| node.role() == RoleKind::Leader);
        found.map(|(&id, _)| id)
    };
    group.until("somebody leads", |group| leads(group).is_some());
    let leader = leads(&group).unwrap();
    let (now, change) = (group.now, Change::AddLearner(NodeId(4)));

    // It has just been elected: nobody can have acknowledged the entry of its term.
    assert!(!group.nodes[&leader].raft().is_ready());
    let refused = group.node(leader).change_membership(now, change);
    assert_eq!(refused, Err(Refusal::NotReady));
    let term = group.nodes[&leader].raft().term();
    let said = |group: &Group| {
        let ready = |event: &&(u64, Event<usize>)| matches!(event.1, Event::LeaderReady(_));
        group.events.iter().filter(ready).cloned().collect()
    };
    let before: Vec<_> = said(&group);
    assert_eq!(before, []);

    group.until("it is ready", |group| !said(group).is_empty());
    assert_eq!(said(&group), [(leader, Event::LeaderReady(term))]);
    for (&id, node) in &group.nodes {
        assert_eq!(node.raft().is_ready(), id == leader);
    }
    let now = group.now;
    group.node(leader).change_membership(now, change).unwrap();
    (0..100).for_each(|_| group.step());
    assert_eq!(said(&group).len(), 1, "once a term");
}

#[test]
fn a_learner_that_is_caught_up_has_what_is_committed() {
    let mut group = Group::new();
    let leader = group.elect();
    for number in 0..50 {
        group.propose(leader, &number.to_string());
    }
    group.agree(50);
    let newcomer = NodeId(4);
    let mut store = Store::default();
    let identity = Identity::new(ClusterId(0), newcomer, 4);
    store.join(identity).unwrap();
    group.open(newcomer.0, store);
    let (now, learner) = (group.now, Change::AddLearner(newcomer));
    group.node(leader).change_membership(now, learner).unwrap();

    group.cut.insert(newcomer.0);
    for _ in 0..200 {
        group.step();
        assert!(!group.nodes[&leader].status().is_caught_up(newcomer));
    }
    group.cut.clear();
    group.until("it has caught up", |group| {
        group.nodes[&leader].status().is_caught_up(newcomer)
    });
    // What it has acknowledged it applies by itself, as soon as it hears that that is committed.
    group.agree(50);
    let status = group.nodes[&leader].status();
    assert!(status.is_caught_up(NodeId(leader)));
    assert!(!status.is_caught_up(NodeId(9)));
    assert!(!group.nodes[&newcomer.0].status().is_caught_up(newcomer));

    let (now, voter) = (group.now, Change::AddVoter(newcomer));
    let position = group.node(leader).change_membership(now, voter).unwrap();
    group.until("it is committed", |group| {
        !group.outcomes(leader, position).is_empty()
    });

    // Cut off again, it falls behind at once, and is not heard of.
    group.cut.insert(newcomer.0);
    group.propose(leader, "more");
    group.agree(51);
    assert!(!group.nodes[&leader].status().is_caught_up(newcomer));
}

#[test]
fn a_lease_gives_the_state_machine_only_when_it_has_everything() {
    let mut group = Group::new();
    group.lease_drift_ppm = Some(1_000);
    (1..=3).for_each(|id| group.restart(id, None));
    let leader = group.elect();
    group.propose(leader, "x");
    group.agree(1);
    let read = |group: &Group, id| {
        let seen = group.nodes[&id].lease_read(group.now)?;
        Some(seen.0.len())
    };
    for id in 1..=3 {
        assert_eq!(read(&group, id), (id == leader).then_some(1));
    }

    // The others have it on their disks and say so: then it is committed, and not yet applied.
    group.propose(leader, "y");
    group.poll(leader).unwrap();
    let now = group.now;
    for _ in 0..2 {
        let mail = core::mem::take(&mut group.mail);
        for message in mail {
            let to = message.to.0;
            group.node(to).receive(now, message).unwrap();
            if to != leader {
                group.poll(to).unwrap();
            }
        }
    }
    let raft = group.nodes[&leader].raft();
    assert!(raft.applied_index() < raft.commit_index());
    assert_eq!(read(&group, leader), None);
    group.poll(leader).unwrap();
    assert_eq!(read(&group, leader), Some(2));

    // Cut off, it has a lease for an election timeout at most.
    group.cut.insert(leader);
    for _ in 0..Duration::from_secs(1).as_millis() / STEP.as_millis() {
        group.step();
    }
    assert_eq!(read(&group, leader), None);
}
