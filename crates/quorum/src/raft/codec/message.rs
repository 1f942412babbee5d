//! Messages: who, to whom, and one of the bodies.

use super::entry::{put_entries, take_entries};
use super::{DecodeError, Part, Reader, Sink};
use crate::raft::message::Body;
use crate::raft::position::{Index, Position};

const APPEND: u8 = 5;
const SNAPSHOT: u8 = 12;

/// The bodies whose fields follow each other in the order given here, by their tags. A tag is never
/// used again for another body.
macro_rules! bodies {
    ($($tag:literal $body:ident { $($field:ident),* })*) => {
        impl Part for Body {
            fn put(&self, sink: &mut impl Sink) {
                match self {
                    Self::Append { previous, commit, entries, round } => {
                        sink.byte(APPEND);
                        previous.put(sink);
                        commit.put(sink);
                        round.put(sink);
                        put_entries(entries, previous.term, sink);
                    }
                    Self::Snapshot(chunk) => {
                        sink.byte(SNAPSHOT);
                        chunk.put(sink);
                    }
                    $(Self::$body { $($field),* } => {
                        sink.byte($tag);
                        $($field.put(sink);)*
                    })*
                }
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match reader.byte()? {
                    APPEND => take_append(reader),
                    SNAPSHOT => reader.take().map(Self::Snapshot),
                    $($tag => Ok(Self::$body { $($field: reader.take()?),* }),)*
                    tag => Err(DecodeError::UnknownTag { what: "message", tag }),
                }
            }
        }
    };
}

bodies! {
    1 RequestPreVote { last, priority }
    2 PreVote { granted }
    3 RequestVote { last, transfer }
    4 Vote { granted }
    6 Appended { matched, round }
    7 Rejected { previous, hint, last, round }
    8 Full { matched, round }
    9 Commit { commit }
    10 Heartbeat { commit, round, quiesce }
    11 HeartbeatAck { matched, received, round, quiesced }
    13 SnapshotAck { meta, stored, round }
    14 TimeoutNow {}
    15 RequestReadIndex { token }
    16 ReadIndex { token, index }
}

/// Entries say neither their first index nor the term before it: `previous` does.
fn take_append(reader: &mut Reader<'_>) -> Result<Body, DecodeError> {
    let previous: Position = reader.take()?;
    let commit: Index = reader.take()?;
    let round = reader.take()?;
    let entries = take_entries(previous.index.next(), previous.term, reader)?;
    Ok(Body::Append {
        previous,
        commit,
        entries,
        round,
    })
}
