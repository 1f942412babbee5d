//! What a node takes.

use super::durable::Ticket;
use super::membership::MembershipChange;
use super::message::Message;
use super::position::Index;
use super::snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::node::NodeId;

/// The host's number for a read. The node never sends it to others in a form that a late answer
/// could confuse with another read's; it may be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReadToken(pub u64);

/// How a read is made sure to see everything that was acknowledged before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReadMode {
    /// The leader confirms with a round of heartbeats that it still leads (thesis §6.4). Depends on
    /// no clock. Followers ask the leader.
    #[default]
    Index,
    /// The leader answers at once while its lease holds (thesis §6.4.1), and confirms as above when
    /// it does not. Depends on clocks whose rates differ by no more than
    /// [`Config::lease_drift_ppm`](super::Config) says.
    Lease,
}

/// One thing that happens to a node, for [`Machine::handle`](purlin_core::machine::Machine). Each
/// has a method of [`Raft`](super::Raft) of the same meaning, which answers more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A message has arrived: [`Raft::receive`](super::Raft::receive).
    Message(Message),
    /// Append a command: [`Raft::propose`](super::Raft::propose).
    Propose(Bytes),
    /// Append several commands, all or none: [`Raft::propose_all`](super::Raft::propose_all).
    ProposeAll(Vec<Bytes>),
    /// Change the members: [`Raft::change_membership`](super::Raft::change_membership).
    ChangeMembership(MembershipChange),
    /// Make a read linearizable: [`Raft::read`](super::Raft::read).
    Read(ReadToken, ReadMode),
    /// Give leadership away: [`Raft::transfer_leadership`](super::Raft::transfer_leadership).
    TransferLeadership(NodeId),
    /// Campaign now: [`Raft::campaign`](super::Raft::campaign).
    Campaign,
    /// Writes up to this one are durable: [`Raft::persisted`](super::Raft::persisted).
    Persisted(Ticket),
    /// A write or a sync failed: [`Raft::write_failed`](super::Raft::write_failed).
    WriteFailed,
    /// Entries up to here are applied: [`Raft::applied`](super::Raft::applied).
    Applied(Index),
    /// The state machine has a snapshot: [`Raft::compact`](super::Raft::compact).
    Compact(SnapshotMeta),
    /// A part of the own snapshot, as requested: [`Raft::chunk`](super::Raft::chunk).
    Chunk(NodeId, SnapshotChunk),
    /// The requested snapshot is gone: [`Raft::chunk_unavailable`](super::Raft::chunk_unavailable).
    ChunkUnavailable(ChunkRequest),
    /// The part of a snapshot that was to be stored is stored, and if it was the last one, the
    /// snapshot is installed: [`Raft::chunk_stored`](super::Raft::chunk_stored).
    ChunkStored(SnapshotMeta, u64),
    /// A peer cannot be reached: [`Raft::unreachable`](super::Raft::unreachable).
    Unreachable(NodeId),
    /// Wake from silence: [`Raft::wake`](super::Raft::wake).
    Wake,
}
