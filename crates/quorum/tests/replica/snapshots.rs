//! Snapshots: when they are taken, and how they bring others up to date.

use crate::group::{Group, config, founder};
use crate::machine::Journal;
use crate::store::Store;
use alloc::sync::Arc;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::progress::ProgressState;
use purlin_quorum::raft::replica::{Event, Replica, StateMachine as _};
use purlin_quorum::raft::storage::{Identity, Storage as _};
use purlin_quorum::raft::{
    Body, Change, ClusterId, Entries, Entry, Index, Message, Position, SnapshotChunk, SnapshotMeta,
    Term,
};

#[test]
fn the_log_is_cut_as_often_as_asked() {
    let mut group = Group::new();
    group.snapshot_after = 1000;
    (1..=3).for_each(|id| group.restart(id, None));
    let leader = group.elect();
    // 50 bytes each: 2 of the command, 48 besides.
    for number in 10..90 {
        group.propose(leader, &number.to_string());
        group.step();
    }
    group.agree(80);
    for id in 1..=3 {
        let mut store = group.take(id).into_storage();
        let recovered = store.recover().unwrap();
        assert!(recovered.entries.len() <= 21, "{}", recovered.entries.len());
        assert_eq!(store.compactions.get(), 80 * 50 / 1050);
        group.open(id, store);
    }
    group.elect();
    group.agree(80);
}

#[test]
fn a_newcomer_gets_a_snapshot() {
    let mut group = Group::new();
    group.snapshot_after = 500;
    (1..=3).for_each(|id| group.restart(id, None));
    let leader = group.elect();
    for number in 0..50 {
        group.propose(leader, &number.to_string());
        group.step();
    }
    let mut store = Store::default();
    store
        .join(Identity::new(ClusterId(0), NodeId(4), 4))
        .unwrap();
    group.open(4, store);
    let (now, change) = (group.now, Change::AddVoter(NodeId(4)));
    group.node(leader).change_membership(now, change).unwrap();
    group.agree(50);
    // More than it had ever been sent entries of.
    let recovered = group.take(4).into_storage().recover().unwrap();
    assert!(recovered.snapshot.position.index > Index(30));
    assert_eq!(recovered.snapshot.configuration.voters().len(), 3);
}

#[test]
fn a_transfer_is_not_overtaken_by_ever_newer_snapshots() {
    let mut group = Group::new();
    group.snapshot_after = 2000;
    (1..=3).for_each(|id| group.restart(id, None));
    let leader = group.elect();
    let behind = leader % 3 + 1;
    group.cut.insert(behind);
    let mut number = 0;
    let mut write = |group: &mut Group| {
        number += 1;
        group.propose(leader, &number.to_string());
        group.step();
    };
    // Two snapshots' worth of state, which travels in parts of 64 bytes, one in two steps.
    (0..300).for_each(|_| write(&mut group));
    group.cut.clear();
    let state = |group: &Group| {
        let peers = group.nodes[&leader].raft().status().peers;
        peers
            .iter()
            .find(|peer| peer.id.0 == behind)
            .map(|peer| peer.state)
    };
    let mut steps = 0;
    while state(&group) != Some(ProgressState::Snapshot) {
        write(&mut group);
        steps += 1;
        assert!(steps < 1000, "no snapshot began");
    }
    let mut steps = 0;
    while group.nodes[&behind].machine().0.len() < 300 {
        write(&mut group);
        steps += 1;
        assert!(steps < 1000, "it never ends");
    }
    assert!(
        steps > 40,
        "the transfer took {steps} steps: less than a snapshot is put off"
    );
}

/// A batch that ends a snapshot and then says that older entries are committed: those are in the
/// snapshot already.
#[test]
fn entries_that_a_snapshot_covers_are_not_applied_after_it() {
    let now = Instant::default();
    let mut node = Replica::open(config(1), founder(1), Journal::default(), 1, now).unwrap();
    let message = |body| Message {
        cluster: ClusterId(0),
        from: NodeId(2),
        to: NodeId(1),
        term: Term(1),
        incarnation: None,
        body,
    };
    let commands = ["a", "b", "c"].map(|text| Entry::command(Term(1), text.into()));
    let append = Body::Append {
        previous: Position::default(),
        commit: Index(1),
        entries: Entries::try_new(Index(1), commands.to_vec()).unwrap(),
        round: 1,
    };
    node.receive(now, message(append)).unwrap();
    while node.poll_event(now).unwrap().is_some() {}
    assert_eq!(node.machine().commands(), [b"a"]);

    let mut others = Journal::default();
    for (index, text) in (1..).zip(["a", "b", "c", "d", "e"]) {
        others.apply(Index(index), &text.into());
    }
    let meta = SnapshotMeta {
        position: Position::new(Term(1), Index(5)),
        configuration: Arc::new(crate::group::founders()),
        id: 1,
    };
    let data = others.snapshot();
    node.receive(
        now,
        message(Body::Snapshot(SnapshotChunk {
            meta,
            offset: 0,
            data,
            done: true,
        })),
    )
    .unwrap();
    let heartbeat = Body::Heartbeat {
        commit: Index(3),
        round: 2,
        quiesce: None,
    };
    node.receive(now, message(heartbeat)).unwrap();
    let mut acknowledged = Index::ZERO;
    while let Some(event) = node.poll_event(now).unwrap() {
        if let Event::Send(Message {
            body: Body::Appended { matched, .. },
            ..
        }) = event
        {
            acknowledged = matched;
        }
    }
    assert_eq!(*node.machine(), others);
    assert_eq!(acknowledged, Index(5));
}
