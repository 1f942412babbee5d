//! The bytes of messages and of what is stored: small, bounded, versioned.
//!
//! [`Message`], [`GroupsMessage`], [`Entry`], [`Entries`], [`HardState`], [`SnapshotMeta`] and
//! [`Configuration`] have `encode`, `encoded_len` and `decode`. Every encoding stands alone: it begins with the format's
//! [`VERSION`] and says where it ends. One value has one encoding, and every other spelling of it
//! is refused: what decodes gives the same bytes again.
//!
//! ```
//! use bytes::Bytes;
//! use purlin_core::node::NodeId;
//! use purlin_quorum::raft::{
//!     Body, ClusterId, Entries, Entry, Index, Message, Position, Term,
//! };
//!
//! let message = Message {
//!     cluster: ClusterId(7),
//!     from: NodeId(1),
//!     to: NodeId(2),
//!     term: Term(5),
//!     incarnation: None,
//!     body: Body::Append {
//!         previous: Position::new(Term(5), Index(41)),
//!         commit: Index(40),
//!         entries: Entries::one(Index(42), Entry::command(Term(5), Bytes::from_static(b"x = 1"))),
//!         round: 9,
//!     },
//! };
//! let mut bytes = Vec::new();
//! message.encode(&mut bytes);
//! assert_eq!(bytes.len(), 18); // 13 of them besides the command
//! assert_eq!(Message::decode(bytes)?, message);
//! # Ok::<(), purlin_quorum::raft::codec::DecodeError>(())
//! ```
//!
//! # Layout of version 1
//!
//! A number is an unsigned LEB128 varint of at most 64 bits in its shortest form, whether it is an
//! index, a term, a node, a length or a count. A flag is one byte, 0 or 1; what is optional is a
//! flag and then, after a 1, the value. A position is term, index.
//!
//! | what | its parts, in order |
//! |---|---|
//! | every encoding | version (one byte), then one of the following |
//! | message | cluster, from, to, term, incarnation or 0, body |
//! | body | tag (one byte), fields as declared |
//! | body `Append` | previous, commit, round, count of entries, entries; the first has the index after `previous` and the term of `previous` before it |
//! | groups message | tag (one byte): 1, group, message; or 2, heartbeats |
//! | heartbeats | cluster, from, to, incarnation or 0, run, retractions; then groups retracted, beats, answers: a count, and each with its group's id as the distance from the one before it, or from 0, modulo 2^64 |
//! | beat | group, term, commit, round, flag `quiesce` |
//! | answer | group, term, matched, how far received is from matched, modulo 2^64, round, flag `quiesced` |
//! | entries | index of the first, count, entries; 0 is the term before the first |
//! | entry | head: twice the length of its command, plus 1 if particulars follow; the particulars; the command |
//! | particulars | one byte: 1 if the term is another than that before, plus 2 if it carries a configuration; how much higher the term is, if it is; the configuration |
//! | configuration | flag `auto_leave`; voters, outgoing, learners, learners next, witnesses: each a count, the lowest id, the distance from each id to the next |
//! | hard state | term, vote (optional) |
//! | snapshot meta | position, configuration, id |
//! | snapshot chunk | meta, offset, flag `done`, length of the data, data |
//!
//! # What it costs
//!
//! Encoding and decoding are linear in the bytes. Decoding copies no commands and no data: they are
//! slices of the [`Bytes`] given, which therefore live as long as the longest-lived of them. Give
//! each message a buffer of its own, as [`frame_len`] makes easy; a large one shared by many
//! messages would be kept by the smallest entry.
//!
//! Nothing is allocated on the word of a count or a length that the bytes do not bear out, and what
//! is allocated is at most 96 times the bytes: an empty command takes a byte there, 40 in memory,
//! and for a moment twice that.
//!
//! # Compatibility
//!
//! A decoder that meets a version or a tag that it does not know says so
//! ([`DecodeError::UnknownVersion`], [`DecodeError::UnknownTag`]). A message that is refused counts
//! as lost, which Raft bears; something stored that is refused must keep the node from starting.
//!
//! * Version 1 does not change: its bytes are pinned by a fixture in the tests. Tags are not used
//!   again for something else.
//! * A release that brings version 2 reads both and goes on writing version 1 until its host says
//!   otherwise, which it may when no member and no store runs an older release. Thus a rolling
//!   upgrade may mix two successive versions, in any order, and can be taken back until then.
//! * A new body may come without a new version only if a node that does not know it may take it for
//!   lost.
//!
//! Integrity is not its business: checksums belong to the transport and the store.

mod entry;
mod error;
mod frame;
mod groups;
mod message;
mod read;
mod stored;
mod write;

pub use error::DecodeError;
pub use frame::{FRAME_HEADER, FrameTooLong, frame_len};

use super::durable::HardState;
use super::entry::{Entries, Entry};
use super::groups::GroupsMessage;
use super::membership::Configuration;
use super::message::Message;
use super::snapshot::SnapshotMeta;
use alloc::vec::Vec;
use bytes::Bytes;
use read::Reader;
use write::{Length, Sink};

/// The version of what is written, and the only one that is read.
pub const VERSION: u8 = 1;

/// A part of an encoding.
trait Part: Sized {
    fn put(&self, sink: &mut impl Sink);

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// The public methods of what has an encoding of its own.
macro_rules! encodings {
    ($($whole:ty),*) => {$(
        impl $whole {
            /// Appends its [encoding](super::codec) to `out`. O(bytes); `out` grows at most once.
            pub fn encode(&self, out: &mut Vec<u8>) {
                out.reserve(self.encoded_len());
                out.byte(VERSION);
                self.put(out);
            }

            /// How many bytes [`encode`](Self::encode) appends: exactly. Looks at every entry, not
            /// at what it carries.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                let mut length = Length::default();
                length.byte(VERSION);
                self.put(&mut length);
                length.bytes()
            }

            /// Reads an [encoding](super::codec), which `bytes` must be as a whole. Commands and data are
            /// slices of it; to decode from a borrowed slice, copy it with
            /// [`Bytes::copy_from_slice`], once.
            ///
            /// # Errors
            ///
            /// [`DecodeError`], if a version of this library that knows no more than this one would
            /// not have written it. Never panics, whatever the bytes.
            pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, DecodeError> {
                decode(&bytes.into())
            }
        }
    )*};
}

encodings!(
    Message,
    GroupsMessage,
    Entry,
    Entries,
    HardState,
    SnapshotMeta,
    Configuration
);

fn decode<T: Part>(bytes: &Bytes) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.byte()? {
        VERSION => {}
        version => return Err(DecodeError::UnknownVersion(version)),
    }
    let whole = T::take(&mut reader)?;
    reader.finish()?;
    Ok(whole)
}
