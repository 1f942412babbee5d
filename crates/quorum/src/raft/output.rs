//! What a node wants done.

use super::durable::Write;
use super::entry::Entries;
use super::input::ReadToken;
use super::membership::Configuration;
use super::message::Message;
use super::position::{Index, Term};
use super::snapshot::{ChunkRequest, SnapshotChunk};
use alloc::sync::Arc;
use purlin_core::node::NodeId;

/// One thing to do. Everything a node puts out may be carried out at once: what must not be sent
/// before a write is durable is held back by the node itself until
/// [`Raft::persisted`](super::Raft::persisted).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Write this to stable storage, sync, then report its ticket.
    Write(Write),
    /// Send this.
    Send(Message),
    /// These entries are committed: apply them, in order, then report
    /// [`applied`](super::Raft::applied).
    Commit(Entries),
    /// A linearizable read may look at the state machine now: all that it must see is applied.
    ReadReady(ReadToken),
    /// A read that cannot be answered; ask again.
    ReadAborted(ReadToken, AbortReason),
    /// Read a part of the own snapshot, for a follower.
    FetchChunk(ChunkRequest),
    /// Store a part of a snapshot that comes from the leader. At offset 0, begin anew. When it is
    /// the last part, make the writes before it durable, then replace the state machine, the stored
    /// snapshot and the whole stored log by it, durably and in one step. Report with
    /// [`chunk_stored`](super::Raft::chunk_stored); nothing comes to be applied before that.
    StoreChunk(SnapshotChunk),
    /// Who leads, as far as this node knows, or which part it plays, has changed.
    LeaderChanged {
        /// In this term.
        term: Term,
        /// This node; `None` while nobody is known to lead.
        leader: Option<NodeId>,
    },
    /// This leader has committed an entry of its term: it takes changes of members from now on, and
    /// gives lease reads while its lease holds. Proposals and other reads need not wait for that.
    LeaderReady(Term),
    /// Other members: be ready to exchange messages with them. Holds from the moment the entry is in
    /// the log, and may be taken back.
    ConfigurationChanged(Arc<Configuration>),
    /// A peer has lost what it had acknowledged (its disk was replaced, or a backup restored). It is
    /// neither counted nor served until it is removed and added again.
    Fenced(NodeId),
    /// The node does nothing any more.
    Stopped(StopReason),
}

/// Why a read was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbortReason {
    /// The leader stopped leading before it could confirm that it leads, or another leads now.
    LeaderChanged,
    /// The leader did not answer in an election timeout.
    TimedOut,
    /// The node stopped.
    Stopped,
}

/// Why a node stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// A write or a sync failed: what is durable is no longer known.
    WriteFailed,
    /// The log contradicts what is committed, at this index: a disk that lost what it had
    /// acknowledged, or two clusters that became one.
    Diverged(Index),
}
