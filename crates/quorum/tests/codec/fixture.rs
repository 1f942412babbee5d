//! Version 1, byte for byte. The fixture was not written by this crate: a separate program made it
//! from the table in the documentation of `codec`. It must stay readable, and what is written must
//! stay readable by those who are at version 1.

use crate::{Whole, arbitrary};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use bytes::Bytes;
use core::num::NonZeroU64;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use purlin_core::node::NodeId;
use purlin_quorum::raft::codec::DecodeError;
use purlin_quorum::raft::groups::{Answer, Beat, GroupId, GroupsMessage, Heartbeats};
use purlin_quorum::raft::{
    Body, ClusterId, Configuration, ConfigurationParts, Entries, Entry, HardState, Index, Message,
    Payload, Position, ReadToken, SnapshotChunk, SnapshotMeta, Term,
};

fn fixture() -> BTreeMap<&'static str, Bytes> {
    let lines = include_str!("../fixtures/wire-format-1.txt").lines();
    let line = |line: &'static str| {
        let (name, digits) = line.split_once(' ').expect("a name and digits");
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
        (name, (0..digits.len()).step_by(2).map(byte).collect())
    };
    lines
        .filter(|line| !line.starts_with('#'))
        .map(line)
        .collect()
}

fn joint() -> Configuration {
    let nodes = |ids: &[u64]| ids.iter().map(|&id| NodeId(id)).collect();
    let mut parts = ConfigurationParts::default();
    parts.incoming = nodes(&[1, 2, 300]);
    parts.outgoing = nodes(&[1, 2, 3]);
    parts.learners = nodes(&[9]);
    parts.learners_next = nodes(&[3]);
    parts.witnesses = nodes(&[2]);
    parts.auto_leave = true;
    Configuration::from_parts(parts).expect("the parts go together")
}

fn meta() -> SnapshotMeta {
    SnapshotMeta {
        position: Position::new(Term(4), Index(1_000)),
        configuration: Arc::new(joint()),
        id: 0xfeed_beef,
    }
}

/// A term's first entry, two commands of it, a configuration of a later term and a long command.
fn entries() -> Entries {
    let command = |term, bytes: &[u8]| Entry::command(Term(term), Bytes::copy_from_slice(bytes));
    let configuration = Entry {
        term: Term(200),
        payload: Payload::Configuration(Arc::new(joint())),
    };
    let all = vec![
        command(5, b""),
        command(5, b"a"),
        command(5, b"bc"),
        configuration,
        command(200, &[0x5a; 64]),
    ];
    Entries::new(Index(42), all)
}

type Named = (&'static str, Body);

/// The end of somebody's log.
const LAST: Position = Position::new(Term(4), Index(300));

fn bodies() -> BTreeMap<&'static str, Body> {
    let lists = [elections(), appends(), heartbeats(), snapshots(), reads()];
    lists.into_iter().flatten().collect()
}

fn elections() -> Vec<Named> {
    vec![
        (
            "request_pre_vote",
            Body::RequestPreVote {
                last: LAST,
                priority: u32::MAX,
            },
        ),
        ("pre_vote", Body::PreVote { granted: true }),
        (
            "request_vote",
            Body::RequestVote {
                last: LAST,
                transfer: true,
            },
        ),
        ("vote", Body::Vote { granted: false }),
        ("timeout_now", Body::TimeoutNow),
    ]
}

fn appends() -> Vec<Named> {
    vec![
        (
            "append",
            Body::Append {
                previous: Position::new(Term(4), Index(41)),
                commit: Index(40),
                entries: entries(),
                round: 9,
            },
        ),
        (
            "appended",
            Body::Appended {
                matched: Index(46),
                round: 9,
            },
        ),
        (
            "rejected",
            Body::Rejected {
                previous: Index(41),
                hint: LAST,
                last: Index(320),
                round: 9,
            },
        ),
        (
            "full",
            Body::Full {
                matched: Index(u64::MAX),
                round: 9,
            },
        ),
        ("commit", Body::Commit { commit: Index(45) }),
    ]
}

fn heartbeats() -> Vec<Named> {
    vec![
        (
            "heartbeat",
            Body::Heartbeat {
                commit: Index(40),
                round: 128,
                quiesce: None,
            },
        ),
        (
            "heartbeat_quiesce",
            Body::Heartbeat {
                commit: Index(40),
                round: 128,
                quiesce: Some(LAST),
            },
        ),
        (
            "heartbeat_ack",
            Body::HeartbeatAck {
                matched: Index(40),
                received: Index(41),
                round: 128,
                quiesced: true,
            },
        ),
    ]
}

fn snapshots() -> Vec<Named> {
    vec![
        (
            "snapshot",
            Body::Snapshot(SnapshotChunk {
                meta: meta(),
                offset: 1 << 20,
                data: Bytes::from_static(b"state"),
                done: true,
            }),
        ),
        (
            "snapshot_ack",
            Body::SnapshotAck {
                meta: meta(),
                stored: (1 << 20) + 5,
                round: 9,
            },
        ),
    ]
}

fn reads() -> Vec<Named> {
    vec![
        (
            "request_read_index",
            Body::RequestReadIndex {
                token: ReadToken(77),
            },
        ),
        (
            "read_index",
            Body::ReadIndex {
                token: ReadToken(77),
                index: Some(Index(45)),
            },
        ),
        (
            "read_index_later",
            Body::ReadIndex {
                token: ReadToken(77),
                index: None,
            },
        ),
    ]
}

fn message(body: Body) -> Message {
    Message {
        cluster: ClusterId(7),
        from: NodeId(1),
        to: NodeId(300),
        term: Term(200),
        incarnation: NonZeroU64::new(0x1234_5678_9abc_def0),
        body,
    }
}

/// Messages of machines with many groups.
fn between_machines() -> BTreeMap<&'static str, GroupsMessage> {
    let alive = Heartbeats {
        cluster: ClusterId(7),
        from: NodeId(1),
        to: NodeId(300),
        incarnation: NonZeroU64::new(0x1234_5678_9abc_def0),
        run: u64::MAX,
        retractions: 128,
        retracted: Vec::new(),
        beats: Vec::new(),
        answers: Vec::new(),
    };
    let beat = |group, commit, quiesce| Beat {
        group: GroupId(group),
        term: Term(200),
        commit: Index(commit),
        round: 128,
        quiesce,
    };
    let answer = |group, received, quiesced| Answer {
        group: GroupId(group),
        term: Term(200),
        matched: Index(40),
        received: Index(received),
        round: 128,
        quiesced,
    };
    let full = Heartbeats {
        retracted: [300, 5, 5].map(GroupId).to_vec(),
        beats: vec![
            beat(0, 40, false),
            beat(1, 300, true),
            beat(u64::MAX, 0, false),
        ],
        answers: vec![
            answer(7, 40, true),
            answer(300, 41, false),
            answer(8, 39, false),
        ],
        ..alive.clone()
    };
    let one = GroupsMessage::Group(GroupId(300), message(Body::TimeoutNow));
    BTreeMap::from([
        ("groups_group", one),
        ("groups_heartbeats", GroupsMessage::Heartbeats(full)),
        ("groups_alive", GroupsMessage::Heartbeats(alive)),
    ])
}

fn check<W: Whole>(name: &str, whole: &W) {
    let fixture = fixture();
    let bytes = fixture
        .get(name)
        .unwrap_or_else(|| panic!("{name} is not in the fixture"));
    assert_eq!(whole.bytes(), bytes[..], "{name}");
    assert_eq!(
        &W::read(bytes.clone()).expect("it is in the fixture"),
        whole,
        "{name}"
    );
}

#[test]
fn messages() {
    for (name, body) in bodies() {
        check(name, &message(body));
    }
}

#[test]
fn messages_between_machines() {
    for (name, message) in between_machines() {
        check(name, &message);
    }
}

#[test]
fn what_is_stored() {
    check(
        "stored_entry",
        &entries().iter().next().expect("there are five").1.clone(),
    );
    check("stored_entries", &entries());
    check(
        "stored_hard_state",
        &HardState {
            term: Term(200),
            vote: Some(NodeId(300)),
        },
    );
    check("stored_hard_state_new", &HardState::default());
    check("stored_snapshot_meta", &meta());
    check("stored_configuration", &joint());
    check("stored_configuration_empty", &Configuration::default());
}

#[test]
fn nothing_in_the_fixture_goes_untested() {
    let (stored, sent): (Vec<_>, Vec<_>) = fixture()
        .into_keys()
        .partition(|name| name.starts_with("stored_"));
    assert_eq!(stored.len(), 7);
    let known = bodies().into_keys().chain(between_machines().into_keys());
    assert_eq!(BTreeSet::from_iter(sent), known.collect());
}

/// The tags that the decoder knows, by asking it.
fn known_tags() -> BTreeSet<u8> {
    let known = |&tag: &u8| {
        let start = Bytes::from(vec![1, 7, 1, 2, 5, 0, tag]);
        !matches!(Message::decode(start), Err(DecodeError::UnknownTag { .. }))
    };
    (0..=u8::MAX).filter(known).collect()
}

fn tag(body: Body) -> u8 {
    message(body).bytes()[message(Body::TimeoutNow).len() - 1]
}

#[test]
fn every_body_is_in_the_fixture() {
    let tags = bodies().into_values().map(tag);
    assert_eq!(tags.collect::<BTreeSet<u8>>(), known_tags());
}

#[test]
fn every_body_is_among_the_arbitrary_ones() {
    let mut runner = TestRunner::deterministic();
    let mut arbitrary_tag = || {
        let tree = arbitrary::message().new_tree(&mut runner);
        tag(tree.expect("nothing is rejected").current().body)
    };
    let tags = (0..2_000).map(|_| arbitrary_tag());
    assert_eq!(tags.collect::<BTreeSet<u8>>(), known_tags());
}

#[test]
fn every_kind_of_message_between_machines_is_in_the_fixture_and_among_the_arbitrary_ones() {
    let known = |&tag: &u8| {
        let decoded = GroupsMessage::decode(vec![1, tag]);
        !matches!(decoded, Err(DecodeError::UnknownTag { .. }))
    };
    let known: BTreeSet<u8> = (0..=u8::MAX).filter(known).collect();
    let tags = between_machines().into_values().map(|all| all.bytes()[1]);
    assert_eq!(tags.collect::<BTreeSet<u8>>(), known);

    let mut runner = TestRunner::deterministic();
    let arbitrary_tag = |_| {
        let tree = arbitrary::groups_message().new_tree(&mut runner);
        tree.expect("nothing is rejected").current().bytes()[1]
    };
    let tags = (0..200).map(arbitrary_tag);
    assert_eq!(tags.collect::<BTreeSet<u8>>(), known);
}
