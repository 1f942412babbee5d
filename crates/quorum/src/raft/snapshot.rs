//! Snapshots and how they travel.

use super::membership::Configuration;
use super::position::Position;
use alloc::sync::Arc;
use bytes::Bytes;
use purlin_core::node::NodeId;

/// Which state a snapshot holds. Equal metas mean equal bytes: a transfer resumes where another one
/// of the same meta stopped, from another leader too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SnapshotMeta {
    /// The last entry that the snapshot covers.
    pub position: Position,
    /// The configuration in force at that entry.
    pub configuration: Arc<Configuration>,
    /// Tells two snapshots of the same position apart whose bytes may differ: a checksum of the
    /// content, or a number that the maker draws.
    pub id: u64,
}

/// A part of a snapshot on its way to a follower.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SnapshotChunk {
    /// Of which snapshot.
    pub meta: SnapshotMeta,
    /// Where the data begin.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes,
    /// Whether the snapshot ends here.
    pub done: bool,
}

/// A leader needs a part of its own snapshot, to send it. Answer with
/// [`Input::Chunk`](super::Input::Chunk), or
/// [`Input::ChunkUnavailable`](super::Input::ChunkUnavailable) if that snapshot is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChunkRequest {
    /// For whom.
    pub to: NodeId,
    /// Of which snapshot.
    pub meta: SnapshotMeta,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes at most.
    pub max_bytes: u32,
}
