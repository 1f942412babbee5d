//! What machines tell each other about many groups: a few bytes for each.

use super::{DecodeError, Part, Reader, Sink};
use crate::raft::groups::{Answer, Beat, GroupId, GroupsMessage, Heartbeats};
use crate::raft::position::Index;
use alloc::vec::Vec;

const GROUP: u8 = 1;
const HEARTBEATS: u8 = 2;

impl Part for GroupsMessage {
    fn put(&self, sink: &mut impl Sink) {
        match self {
            Self::Group(group, message) => {
                sink.byte(GROUP);
                group.put(sink);
                message.put(sink);
            }
            Self::Heartbeats(heartbeats) => {
                sink.byte(HEARTBEATS);
                heartbeats.put(sink);
            }
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.byte()? {
            GROUP => Ok(Self::Group(reader.take()?, reader.take()?)),
            HEARTBEATS => reader.take().map(Self::Heartbeats),
            tag => Err(DecodeError::UnknownTag {
                what: "message between machines",
                tag,
            }),
        }
    }
}

impl Part for Heartbeats {
    fn put(&self, sink: &mut impl Sink) {
        self.cluster.put(sink);
        self.from.put(sink);
        self.to.put(sink);
        self.incarnation.put(sink);
        self.run.put(sink);
        self.retractions.put(sink);
        put_each(&self.retracted, sink);
        put_each(&self.beats, sink);
        put_each(&self.answers, sink);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            cluster: reader.take()?,
            from: reader.take()?,
            to: reader.take()?,
            incarnation: reader.take()?,
            run: reader.take()?,
            retractions: reader.take()?,
            retracted: take_each(reader)?,
            beats: take_each(reader)?,
            answers: take_each(reader)?,
        })
    }
}

/// What is said about one of many groups.
trait OfGroup: Sized {
    /// As many bytes it takes at least.
    const LEAST: usize;

    fn group(&self) -> GroupId;

    /// All but the group.
    fn put_rest(&self, sink: &mut impl Sink);

    fn take_rest(group: GroupId, reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Groups by their distances. They ascend as a rule, not always: a distance wraps, so that every
/// list has one spelling.
fn put_each<T: OfGroup>(all: &[T], sink: &mut impl Sink) {
    sink.varint(all.len() as u64);
    let mut before = 0;
    for one in all {
        let GroupId(group) = one.group();
        sink.varint(group.wrapping_sub(before));
        one.put_rest(sink);
        before = group;
    }
}

/// What [`put_each`] has put.
fn take_each<T: OfGroup>(reader: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let count = reader.count(T::LEAST)?;
    let mut all = Vec::with_capacity(count);
    let mut group = 0_u64;
    for _ in 0..count {
        group = group.wrapping_add(reader.varint()?);
        all.push(T::take_rest(GroupId(group), reader)?);
    }
    Ok(all)
}

impl OfGroup for GroupId {
    const LEAST: usize = 1;

    fn group(&self) -> GroupId {
        *self
    }

    fn put_rest(&self, _: &mut impl Sink) {}

    fn take_rest(group: GroupId, _: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(group)
    }
}

impl OfGroup for Beat {
    const LEAST: usize = 5;

    fn group(&self) -> GroupId {
        self.group
    }

    fn put_rest(&self, sink: &mut impl Sink) {
        self.term.put(sink);
        self.commit.put(sink);
        self.round.put(sink);
        self.quiesce.put(sink);
    }

    fn take_rest(group: GroupId, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group,
            term: reader.take()?,
            commit: reader.take()?,
            round: reader.take()?,
            quiesce: reader.take()?,
        })
    }
}

impl OfGroup for Answer {
    const LEAST: usize = 6;

    fn group(&self) -> GroupId {
        self.group
    }

    /// An idle follower has received what it has matched: the distance is 0.
    fn put_rest(&self, sink: &mut impl Sink) {
        self.term.put(sink);
        self.matched.put(sink);
        sink.varint(self.received.0.wrapping_sub(self.matched.0));
        self.round.put(sink);
        self.quiesced.put(sink);
    }

    fn take_rest(group: GroupId, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let term = reader.take()?;
        let matched: Index = reader.take()?;
        let received = Index(matched.0.wrapping_add(reader.varint()?));
        Ok(Self {
            group,
            term,
            matched,
            received,
            round: reader.take()?,
            quiesced: reader.take()?,
        })
    }
}
