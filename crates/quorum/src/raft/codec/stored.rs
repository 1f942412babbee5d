//! Configurations, snapshots and the hard state, and the small parts that all is made of.

use super::{DecodeError, Part, Reader, Sink};
use crate::raft::config::ClusterId;
use crate::raft::durable::HardState;
use crate::raft::groups::GroupId;
use crate::raft::input::ReadToken;
use crate::raft::membership::{Configuration, ConfigurationParts};
use crate::raft::message::Message;
use crate::raft::position::{Index, Position, Term};
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;

impl Part for u64 {
    #[inline]
    fn put(&self, sink: &mut impl Sink) {
        sink.varint(*self);
    }

    #[inline]
    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.varint()
    }
}

impl Part for u32 {
    #[inline]
    fn put(&self, sink: &mut impl Sink) {
        sink.varint(u64::from(*self));
    }

    #[inline]
    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let invalid = |_| DecodeError::Invalid {
            what: "a number beyond 32 bits",
            offset,
        };
        Self::try_from(reader.varint()?).map_err(invalid)
    }
}

impl Part for bool {
    #[inline]
    fn put(&self, sink: &mut impl Sink) {
        sink.byte(u8::from(*self));
    }

    #[inline]
    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        match reader.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid {
                what: "a flag that is neither 0 nor 1",
                offset,
            }),
        }
    }
}

/// What is optional: a flag, then the value if there is one.
macro_rules! optional {
    ($($value:ident),*) => {$(
        impl Part for Option<$value> {
            fn put(&self, sink: &mut impl Sink) {
                self.is_some().put(sink);
                if let Some(value) = self {
                    value.put(sink);
                }
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(if reader.take()? { Some(reader.take()?) } else { None })
            }
        }
    )*};
}

optional!(Index, NodeId, Position);

/// Newtypes over a number.
macro_rules! numbers {
    ($($number:ident),*) => {$(
        impl Part for $number {
            #[inline]
            fn put(&self, sink: &mut impl Sink) {
                self.0.put(sink);
            }

            #[inline]
            fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.take().map(Self)
            }
        }
    )*};
}

numbers!(ClusterId, GroupId, Index, NodeId, ReadToken, Term);

/// Structures whose parts follow each other in the order given here.
macro_rules! structures {
    ($($structure:ident { $($part:ident),* })*) => {$(
        impl Part for $structure {
            fn put(&self, sink: &mut impl Sink) {
                $(self.$part.put(sink);)*
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self { $($part: reader.take()?),* })
            }
        }
    )*};
}

structures! {
    Message { cluster, from, to, term, incarnation, body }
    Position { term, index }
    HardState { term, vote }
    SnapshotMeta { position, configuration, id }
    SnapshotChunk { meta, offset, done, data }
}

/// An incarnation: 0 for none.
impl Part for Option<NonZeroU64> {
    fn put(&self, sink: &mut impl Sink) {
        sink.varint(self.map_or(0, NonZeroU64::get));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.varint().map(NonZeroU64::new)
    }
}

impl Part for Bytes {
    fn put(&self, sink: &mut impl Sink) {
        sink.varint(self.len() as u64);
        sink.slice(self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.varint()?;
        reader.slice(length)
    }
}

impl<T: Part> Part for Arc<T> {
    fn put(&self, sink: &mut impl Sink) {
        T::put(self, sink);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.take().map(Self::new)
    }
}

impl Part for Configuration {
    fn put(&self, sink: &mut impl Sink) {
        self.auto_leave().put(sink);
        let all = [
            self.voters(),
            self.outgoing(),
            self.learners(),
            self.learners_next(),
            self.witnesses(),
        ];
        for nodes in all {
            put_nodes(nodes, sink);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let parts = ConfigurationParts {
            auto_leave: reader.take()?,
            incoming: take_nodes(reader)?,
            outgoing: take_nodes(reader)?,
            learners: take_nodes(reader)?,
            learners_next: take_nodes(reader)?,
            witnesses: take_nodes(reader)?,
        };
        Ok(Self::from_parts(parts)?)
    }
}

/// Ascending ids: the first, then distances.
fn put_nodes(nodes: &[NodeId], sink: &mut impl Sink) {
    sink.varint(nodes.len() as u64);
    let mut before = 0;
    for node in nodes {
        sink.varint(node.0.wrapping_sub(before));
        before = node.0;
    }
}

/// What [`put_nodes`] has put.
fn take_nodes(reader: &mut Reader<'_>) -> Result<Vec<NodeId>, DecodeError> {
    let count = reader.count(1)?;
    let mut nodes = Vec::with_capacity(count);
    let mut before = 0_u64;
    for place in 0..count {
        let offset = reader.offset();
        let distance = reader.varint()?;
        before = match before.checked_add(distance) {
            Some(node) if distance > 0 || place == 0 => node,
            _ => {
                return Err(DecodeError::Invalid {
                    what: "nodes that do not ascend",
                    offset,
                });
            }
        };
        nodes.push(NodeId(before));
    }
    Ok(nodes)
}
