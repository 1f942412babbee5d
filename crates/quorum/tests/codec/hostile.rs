//! Bytes that nobody wrote: refused with a reason, or understood as one thing only.

use crate::{Whole, arbitrary};
use allocation_counter::measure;
use bytes::Bytes;
use proptest::prelude::*;
use purlin_core::node::NodeId;
use purlin_quorum::raft::codec::DecodeError;
use purlin_quorum::raft::groups::GroupsMessage;
use purlin_quorum::raft::{
    Body, ClusterId, Configuration, ConfigurationError, Entries, Entry, HardState, Index, Message,
    Position, SnapshotMeta, Term,
};

/// Decodes within the promised memory; what is understood is written as it was read.
fn read<T: Whole>(bytes: &[u8]) -> Result<T, DecodeError> {
    let shared = Bytes::copy_from_slice(bytes);
    let _second = shared.clone();
    let mut read = None;
    let info = measure(|| read = Some(T::read(shared)));
    assert!(
        info.bytes_max <= 96 * bytes.len() as u64 + 256,
        "{info:?} for {bytes:02x?}"
    );
    let read = read.expect("it was measured");
    if let Ok(whole) = &read {
        assert_eq!(whole.bytes(), bytes);
    }
    read
}

fn read_as_anything(bytes: &[u8]) {
    let _ = read::<Message>(bytes);
    let _ = read::<GroupsMessage>(bytes);
    let _ = read::<Entry>(bytes);
    let _ = read::<Entries>(bytes);
    let _ = read::<HardState>(bytes);
    let _ = read::<SnapshotMeta>(bytes);
    let _ = read::<Configuration>(bytes);
}

/// Every shorter one, a longer one, and every one that differs in a bit.
fn check<T: Whole>(whole: &T) -> Result<(), TestCaseError> {
    let mut bytes = whole.bytes();
    for len in 0..bytes.len() {
        let error = read::<T>(&bytes[..len]).expect_err("the end is missing");
        prop_assert!(
            matches!(error, DecodeError::Truncated { offset } if offset <= len),
            "{error}"
        );
    }
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = read::<T>(&bytes) {
            prop_assert_ne!(&other, whole);
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.extend([0; 3]);
    prop_assert_eq!(read::<T>(&bytes), Err(DecodeError::TrailingBytes(3)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn altered_messages(message in arbitrary::message()) {
        check(&message)?;
    }

    #[test]
    fn altered_messages_between_machines(message in arbitrary::groups_message()) {
        check(&message)?;
    }

    #[test]
    fn altered_stores(
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn noise(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_as_anything(&noise);
    }

    /// Of small numbers, which get further.
    #[test]
    fn quiet_noise(tag in 0..20_u8, noise in proptest::collection::vec(0..6_u8, 0..60)) {
        read_as_anything(&[&[1, 7, 1, 2, 5, 0, tag][..], &noise].concat());
        read_as_anything(&[&[1, 2, 7, 1, 2, 0, 5, 1][..], &noise].concat());
    }
}

/// Whether a decoder refuses some bytes.
type Refused = fn(Bytes) -> bool;

/// Counts and lengths of nearly 2^64, 2^32, and one too many, with nothing behind them.
#[test]
fn nothing_is_allocated_for_counts_without_substance() {
    let counts: [&'static [u8]; 4] = [
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x80\x80\x80\x10",
        b"\x02",
    ];
    let before: [(&[u8], Refused); 9] = [
        // Entries of an append, data of a snapshot.
        (b"\x01\x07\x01\x02\x05\x00\x05\x05\x29\x28\x09", |bytes| {
            Message::decode(bytes).is_err()
        }),
        (
            b"\x01\x07\x01\x02\x05\x00\x0c\x05\x29\0\0\0\0\0\0\x09\0\0",
            |bytes| Message::decode(bytes).is_err(),
        ),
        // Groups retracted, beats, answers.
        (b"\x01\x02\x07\x01\x02\0\x05\0", |bytes| {
            GroupsMessage::decode(bytes).is_err()
        }),
        (b"\x01\x02\x07\x01\x02\0\x05\0\0", |bytes| {
            GroupsMessage::decode(bytes).is_err()
        }),
        (b"\x01\x02\x07\x01\x02\0\x05\0\0\0", |bytes| {
            GroupsMessage::decode(bytes).is_err()
        }),
        // Entries, the command of an entry, voters, twice.
        (b"\x01\x2a", |bytes| Entries::decode(bytes).is_err()),
        (b"\x01", |bytes| Entry::decode(bytes).is_err()),
        (b"\x01\x00", |bytes| Configuration::decode(bytes).is_err()),
        (b"\x01\x05\x29\x00", |bytes| {
            SnapshotMeta::decode(bytes).is_err()
        }),
    ];
    for (before, refused) in before {
        for count in counts {
            let bytes = Bytes::from([before, count].concat().leak() as &'static [u8]);
            let info = measure(|| assert!(refused(bytes.clone())));
            // A chunk's configuration, which is there, takes a few.
            assert!(info.bytes_max <= 256, "{before:02x?} {count:02x?}");
        }
    }
}

#[test]
fn reasons() {
    let message = |bytes: &[u8]| read::<Message>(bytes).unwrap_err();
    let hard_state = |bytes: &[u8]| read::<HardState>(bytes).unwrap_err();
    let entries = |bytes: &[u8]| read::<Entries>(bytes).unwrap_err();
    let configuration = |bytes: &[u8]| read::<Configuration>(bytes).unwrap_err();
    let invalid = |what, offset| DecodeError::Invalid { what, offset };

    assert_eq!(message(b""), DecodeError::Truncated { offset: 0 });
    assert_eq!(message(b"\x00"), DecodeError::UnknownVersion(0));
    assert_eq!(
        message(b"\x02\x07\x01\x02\x05\x00\x0e"),
        DecodeError::UnknownVersion(2)
    );
    let tag = DecodeError::UnknownTag {
        what: "message",
        tag: 200,
    };
    assert_eq!(message(b"\x01\x07\x01\x02\x05\x00\xc8"), tag);
    let tag = DecodeError::UnknownTag {
        what: "message between machines",
        tag: 3,
    };
    assert_eq!(read::<GroupsMessage>(b"\x01\x03").unwrap_err(), tag);
    // One beat, of which the last byte is missing: too few for it, whatever they say.
    let beat = read::<GroupsMessage>(b"\x01\x02\x07\x01\x02\0\x05\0\0\x01\0\0\0\0");
    assert_eq!(beat.unwrap_err(), DecodeError::Truncated { offset: 10 });
    // A priority of 2^32.
    let priority = message(b"\x01\x07\x01\x02\x05\x00\x01\x05\x29\x80\x80\x80\x80\x10");
    assert_eq!(priority, invalid("a number beyond 32 bits", 9));

    assert_eq!(
        hard_state(b"\x01\x05\x02"),
        invalid("a flag that is neither 0 nor 1", 2)
    );
    assert_eq!(
        hard_state(b"\x01\x80\x00\x00"),
        invalid("a number not in its shortest form", 1)
    );
    let wide = b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00";
    assert_eq!(hard_state(wide), invalid("a number beyond 64 bits", 1));
    let endless = b"\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80";
    assert_eq!(hard_state(endless), invalid("a number beyond 64 bits", 1));

    // A particular entry without particulars; with unknown ones; with a term 0 or 2^64 - 1 higher.
    let tag = |tag| DecodeError::UnknownTag { what: "entry", tag };
    assert_eq!(entries(b"\x01\x2a\x01\x01\x00"), tag(0));
    assert_eq!(entries(b"\x01\x2a\x01\x01\x04"), tag(4));
    assert_eq!(
        entries(b"\x01\x2a\x01\x01\x01\x00"),
        invalid("terms that do not grow", 4)
    );
    let back = b"\x01\x2a\x02\x01\x01\x05\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(entries(back), invalid("terms that do not grow", 7));
    let last = b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00";
    assert_eq!(entries(last), invalid("indices beyond 64 bits", 11));
    let length = b"\x01\x2a\x01\x03\x02\x00\x01\x01\x00\x00\x00\x00";
    assert_eq!(entries(length), invalid("a configuration with a length", 4));

    assert_eq!(
        configuration(b"\x01\x00\x02\x05\x00"),
        invalid("nodes that do not ascend", 4)
    );
    let learner_votes = ConfigurationError::LearnerVotes(NodeId(5));
    assert_eq!(
        configuration(b"\x01\x00\x01\x05\x00\x01\x05\x00\x00"),
        DecodeError::Configuration(learner_votes)
    );
}

/// No correct leader sends a lower term after a higher one. Its neighbour writes it nevertheless,
/// without a panic, and nobody reads it.
#[test]
fn terms_that_fall_are_refused() {
    let entry = Entry::command(Term(4), Bytes::from_static(b"x"));
    let message = Message {
        cluster: ClusterId(7),
        from: NodeId(1),
        to: NodeId(2),
        term: Term(5),
        incarnation: None,
        body: Body::Append {
            previous: Position::new(Term(5), Index(41)),
            commit: Index(40),
            entries: Entries::one(Index(42), entry),
            round: 9,
        },
    };
    let what = "terms that do not grow";
    let error = read::<Message>(&message.bytes()).unwrap_err();
    assert_eq!(error, DecodeError::Invalid { what, offset: 13 });
}

/// What takes the most memory for its bytes: empty commands, and voters in a row.
#[test]
fn memory_is_bounded_by_the_bytes() {
    let count = [0x90, 0x4e]; // 10,000
    let entries = [&b"\x01\x2a"[..], &count, &[0; 10_000]].concat();
    assert_eq!(
        read::<Entries>(&entries).map(|entries| entries.len()),
        Ok(10_000)
    );
    let voters = [&b"\x01\x00"[..], &count, &[1; 10_000], &[0; 4]].concat();
    let read = read::<Configuration>(&voters);
    assert_eq!(read.map(|all| all.voters().len()), Ok(10_000));
}
