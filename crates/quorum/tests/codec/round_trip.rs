//! What is encoded decodes to itself, in as many bytes as announced, without copies.

use crate::{Whole, arbitrary};
use allocation_counter::measure;
use bytes::Bytes;
use proptest::prelude::*;
use purlin_core::node::NodeId;
use purlin_quorum::raft::codec::{FRAME_HEADER, FrameTooLong, frame_len};
use purlin_quorum::raft::groups::{Answer, Beat, GroupId, GroupsMessage, Heartbeats};
use purlin_quorum::raft::{
    Body, ClusterId, Entries, Entry, HardState, Index, Message, Payload, Position, Term,
};

fn check<W: Whole>(whole: &W) -> Result<(), TestCaseError> {
    let bytes = whole.bytes();
    prop_assert_eq!(bytes.len(), whole.len());
    prop_assert_eq!(
        &W::read(Bytes::from(bytes)).expect("it was just written"),
        whole
    );
    Ok(())
}

proptest! {
    #[test]
    fn of_messages(message in arbitrary::message()) {
        check(&message)?;
    }

    #[test]
    fn of_messages_between_machines(message in arbitrary::groups_message()) {
        check(&message)?;
        let compact = postcard::to_allocvec(&message).expect("it is plain data");
        prop_assert_eq!(&postcard::from_bytes::<GroupsMessage>(&compact).expect("it was just written"), &message);
        let mut stream = Vec::new();
        message.encode_frame(u32::MAX, &mut stream).expect("it is short");
        let (header, frame) = stream.split_first_chunk::<FRAME_HEADER>().expect("a header");
        prop_assert_eq!(frame_len(*header, u32::MAX), Ok(frame.len()));
        prop_assert_eq!(frame, message.bytes());
    }

    #[test]
    fn of_what_is_stored(
        entry in arbitrary::entry(),
        entries in arbitrary::entries(),
        hard_state in arbitrary::hard_state(),
        meta in arbitrary::meta(),
        configuration in arbitrary::configuration(),
    ) {
        check(&entry)?;
        check(&entries)?;
        check(&hard_state)?;
        check(&meta)?;
        check(&configuration)?;
    }

    /// `postcard` writes a `u64` as LEB128, too.
    #[test]
    fn numbers_are_leb128(term in arbitrary::number()) {
        let bytes = HardState { term: Term(term), vote: None }.bytes();
        let leb128 = postcard::to_allocvec(&term).expect("a number");
        prop_assert_eq!(bytes, [&[1][..], &leb128, &[0]].concat());
    }

    #[test]
    fn by_serde(message in arbitrary::message()) {
        let compact = postcard::to_allocvec(&message).expect("it is plain data");
        prop_assert_eq!(&postcard::from_bytes::<Message>(&compact).expect("it was just written"), &message);
        let text = serde_json::to_string(&message).expect("it is plain data");
        prop_assert_eq!(&serde_json::from_str::<Message>(&text).expect("it was just written"), &message);
    }

    #[test]
    fn on_a_stream(messages in proptest::collection::vec(arbitrary::message(), 0..5)) {
        let mut stream = Vec::new();
        for message in &messages {
            message.encode_frame(u32::MAX, &mut stream).expect("it is short");
        }
        let mut rest = &stream[..];
        for message in &messages {
            let (header, after) = rest.split_first_chunk::<FRAME_HEADER>().expect("a header");
            let (frame, after) = after.split_at(frame_len(*header, u32::MAX).expect("it is short"));
            prop_assert_eq!(&Message::decode(frame.to_vec()).expect("it was just written"), message);
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }
}

/// The examples of the Wikipedia article on LEB128 and of the documentation of Protocol Buffers.
#[test]
fn published_varints() {
    let published: [(u64, &[u8]); 5] = [
        (1, &[0x01]),
        (150, &[0x96, 0x01]),
        (86_942, &[0x9e, 0xa7, 0x05]),
        (624_485, &[0xe5, 0x8e, 0x26]),
        (
            u64::MAX,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
    ];
    for (number, bytes) in published {
        let whole = HardState {
            term: Term(number),
            vote: None,
        };
        let expected = [&[1][..], bytes, &[0]].concat();
        assert_eq!(whole.bytes(), expected);
        assert_eq!(HardState::decode(expected), Ok(whole));
    }
}

fn message(body: Body) -> Message {
    Message {
        cluster: ClusterId(7),
        from: NodeId(1),
        to: NodeId(2),
        term: Term(5),
        incarnation: None,
        body,
    }
}

/// `count` commands of `size` bytes.
fn append(count: usize, size: usize) -> Message {
    let entry = |fill| Entry::command(Term(5), vec![fill; size].into());
    message(Body::Append {
        previous: Position::new(Term(5), Index(41)),
        commit: Index(40),
        entries: Entries::new(
            Index(42),
            (0..=u8::MAX).cycle().take(count).map(entry).collect(),
        ),
        round: 9,
    })
}

fn commands(message: &Message) -> Vec<&Bytes> {
    let Body::Append { entries, .. } = &message.body else {
        panic!("no append")
    };
    entries
        .iter()
        .map(|(_, entry)| match &entry.payload {
            Payload::Command(command) => command,
            Payload::Configuration(_) => panic!("no command"),
        })
        .collect()
}

#[test]
fn commands_are_slices_of_the_bytes() {
    let frame = Bytes::from(append(64, 64).bytes());
    let decoded = Message::decode(frame.clone()).expect("it was just written");
    let commands = commands(&decoded);
    assert_eq!(commands.len(), 64);
    let within = frame.as_ptr_range();
    for command in commands {
        let range = command.as_ptr_range();
        assert!(within.start <= range.start && range.end <= within.end);
    }
}

#[test]
fn decoding_allocates_as_little_for_many_entries_as_for_few() {
    let allocations = |count| {
        let frame = Bytes::from(append(count, 64).bytes());
        // The first clone of what came from a vector allocates its count of references.
        let _shared = frame.clone();
        let mut decoded = None;
        let info = measure(|| decoded = Some(Message::decode(frame)));
        assert_eq!(decoded, Some(Ok(append(count, 64))));
        info.count_total
    };
    assert_eq!(allocations(1_000), allocations(2));
    assert!(allocations(1_000) <= 2);
}

#[test]
fn encoding_allocates_once_at_most() {
    let message = append(1_000, 64);
    let mut bytes = Vec::new();
    assert_eq!(measure(|| message.encode(&mut bytes)).count_total, 1);
    bytes.clear();
    assert_eq!(measure(|| message.encode(&mut bytes)).count_total, 0);
}

#[test]
fn encoding_appends() {
    let mut bytes = b"before".to_vec();
    message(Body::TimeoutNow).encode(&mut bytes);
    assert_eq!(bytes, b"before\x01\x07\x01\x02\x05\x00\x0e");
}

#[test]
fn frames_have_a_bound() {
    let message = message(Body::TimeoutNow);
    let mut stream = b"before".to_vec();
    assert_eq!(
        message.encode_frame(6, &mut stream),
        Err(FrameTooLong {
            length: 7,
            limit: 6
        })
    );
    assert_eq!(stream, b"before");
    message
        .encode_frame(7, &mut stream)
        .expect("it has 7 bytes");
    assert_eq!(
        stream,
        b"before\x00\x00\x00\x07\x01\x07\x01\x02\x05\x00\x0e"
    );

    assert_eq!(frame_len([0, 0, 0, 7], 7), Ok(7));
    let error = frame_len([0, 1, 0, 0], 65_535).unwrap_err();
    assert_eq!(
        error,
        FrameTooLong {
            length: 65_536,
            limit: 65_535
        }
    );
    assert_eq!(
        error.to_string(),
        "a frame of 65536 bytes, and the limit is 65535: either it is too low for the peers' configuration, or this is not a stream of frames"
    );
}

/// What the documentation says of 10,000 idle groups.
#[test]
fn a_heartbeat_of_many_groups_takes_few_bytes_a_group() {
    let groups = || (0..10_000).map(GroupId);
    let beat = |group| Beat {
        group,
        term: Term(3),
        commit: Index(100_000),
        round: 1_000_000,
        quiesce: false,
    };
    let answer = |group| Answer {
        group,
        term: Term(3),
        matched: Index(100_000),
        received: Index(100_000),
        round: 1_000_000,
        quiesced: false,
    };
    let heartbeats = |beats, answers| {
        GroupsMessage::Heartbeats(Heartbeats {
            cluster: ClusterId(7),
            from: NodeId(1),
            to: NodeId(2),
            incarnation: None,
            run: u64::MAX,
            retractions: 0,
            retracted: Vec::new(),
            beats,
            answers,
        })
    };
    let alive = heartbeats(Vec::new(), Vec::new()).len();
    assert!(alive <= 20, "{alive}");
    for message in [
        heartbeats(groups().map(beat).collect(), Vec::new()),
        heartbeats(Vec::new(), groups().map(answer).collect()),
    ] {
        let each = (message.len() - alive) as f64 / 10_000.0;
        assert!(each <= 10.01, "{each}");
    }
}
