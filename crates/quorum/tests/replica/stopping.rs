//! A replica whose store fails, or whose log is contradicted, stops and leaves nobody waiting.

use crate::group::{Group, config, founder};
use crate::machine::Journal;
use crate::store::Broken;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::replica::{Event, Replica, ReplicaError};
use purlin_quorum::raft::storage::StorageError;
use purlin_quorum::raft::{
    AbortReason, Body, ClusterId, Entries, Entry, Index, Message, Position, ReadMode, ReadToken,
    Refusal, StopReason, Term,
};

/// All that is left to say, without messages.
fn rest(group: &mut Group, id: u64) -> Vec<Event<usize>> {
    group.events.clear();
    group.poll(id).expect("an error comes once");
    group.events.drain(..).map(|(_, event)| event).collect()
}

#[test]
fn a_failing_disk_stops_it_with_an_answer_for_everybody() {
    for operation in ["write", "sync"] {
        let mut group = Group::new();
        let leader = group.elect();
        group.propose(leader, "before");
        group.agree(1);
        let position = group.propose(leader, "pending");
        let now = group.now;
        group
            .node(leader)
            .read(now, ReadToken(5), ReadMode::Index)
            .unwrap();
        group.node(leader).storage().fails.set(Some(operation));
        let error = group.poll(leader).unwrap_err();
        assert!(
            matches!(error, ReplicaError::Storage(StorageError::Medium(Broken(at))) if at == operation)
        );
        let expected = [
            Event::ReadAborted(ReadToken(5), AbortReason::Stopped),
            Event::Unknown(position),
            Event::Stopped(StopReason::WriteFailed),
        ];
        assert_eq!(rest(&mut group, leader), expected);

        assert_eq!(rest(&mut group, leader), []);
        let refused = group.node(leader).propose(now, "more".into()).unwrap_err();
        assert_eq!(refused.reason, Refusal::Stopped);
        assert_eq!(group.node(leader).poll_timeout(), None);

        // The others go on, and it again when it is opened anew.
        let stopped = leader;
        group.cut.insert(stopped);
        let new = group.elect();
        group.propose(new, "after");
        group.restart(stopped, None);
        group.cut.clear();
        group.until("it has caught up", |group| {
            group.nodes[&stopped].machine().commands().last() == Some(&b"after".as_slice())
        });
    }
}

#[test]
fn a_failing_snapshot_stops_it() {
    let mut group = Group::new();
    let leader = group.elect();
    group.propose(leader, "x");
    group.agree(1);
    group.node(leader).snapshot_after(0);
    group.propose(leader, "y");
    group.node(leader).storage().fails.set(Some("compact"));
    let error = loop {
        group.now += crate::group::STEP;
        let (now, mail) = (group.now, core::mem::take(&mut group.mail));
        for message in mail {
            group
                .node(message.to.0)
                .receive(now, message)
                .expect("it runs");
        }
        if let Some(error) = (1..=3).find_map(|id| group.poll(id).err()) {
            break error;
        }
    };
    assert!(matches!(
        error,
        ReplicaError::Storage(StorageError::Medium(Broken("compact")))
    ));
    assert_eq!(
        rest(&mut group, leader).last(),
        Some(&Event::Stopped(StopReason::WriteFailed))
    );
}

#[test]
fn a_log_that_contradicts_what_is_committed_stops_it_in_peace() {
    let now = Instant::default();
    let mut node = Replica::open(config(1), founder(1), Journal::default(), 1, now).unwrap();
    let append = |term, previous, first: u64, commands: &[&'static str]| {
        let entries = commands
            .iter()
            .map(|command| Entry::command(Term(term), (*command).into()));
        let last = first - 1 + commands.len() as u64;
        Message {
            cluster: ClusterId(0),
            from: NodeId(2),
            to: NodeId(1),
            term: Term(term),
            incarnation: None,
            body: Body::Append {
                previous,
                commit: Index(last),
                entries: Entries::try_new(Index(first), entries.collect()).expect("few"),
                round: 1,
            },
        }
    };
    node.receive(now, append(1, Position::default(), 1, &["a", "b"]))
        .unwrap();
    while node.poll_event(now).unwrap().is_some() {}
    assert_eq!(node.machine().commands(), [b"a", b"b"]);

    // With work of the same batch still to do: a write, and something to apply.
    let end = Position::new(Term(1), Index(2));
    node.receive(now, append(1, end, 3, &["c"])).unwrap();
    node.receive(now, append(2, Position::default(), 1, &["z"]))
        .unwrap();
    let mut events = Vec::new();
    while let Some(event) = node.poll_event(now).unwrap() {
        events.push(event);
    }
    assert_eq!(events, [Event::Stopped(StopReason::Diverged(Index(1)))]);
    assert_eq!(node.machine().commands(), [b"a", b"b"]);
}
