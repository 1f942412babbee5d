//! Why something was refused.

use super::config::ClusterId;
use super::membership::ChangeError;
use super::position::Index;
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::node::NodeId;
use thiserror::Error;

/// Why a node refuses. Nothing has changed in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Only the leader can do that.
    #[error("this node does not lead{}", leader.map(|leader| alloc::format!("; {leader} does")).unwrap_or_default())]
    NotLeader {
        /// Who leads, as far as known: try there.
        leader: Option<NodeId>,
    },
    /// Leadership is being given away.
    #[error("leadership is going to {0}")]
    TransferInProgress(NodeId),
    /// Too much is proposed and not yet committed.
    #[error("{bytes} bytes are proposed and not committed; the bound is {bound}")]
    TooMuchUncommitted {
        /// So many bytes, without this proposal.
        bytes: u64,
        /// See [`Config::max_uncommitted_bytes`](super::Config).
        bound: u64,
    },
    /// One entry is larger than anything may be.
    #[error("an entry of {bytes} bytes; the bound is {bound}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// See [`Config::max_entry_bytes`](super::Config).
        bound: u64,
    },
    /// An empty command is what a leader starts its term with.
    #[error("a command must not be empty")]
    EmptyCommand,
    /// Too many reads wait.
    #[error("{0} reads wait already")]
    TooManyReads(usize),
    /// Lease reads are not configured.
    #[error("no lease reads without a bound on the drift of clocks: set Config::lease_drift_ppm")]
    NoLease,
    /// A leader may hold a lease, which this node has promised to respect: one was heard of in the
    /// last election timeout, or the node was started in it and may have heard of one before.
    #[error(
        "a leader may hold a lease: one was heard of, or this node was started, less than an election timeout ago; try again after that"
    )]
    LeasePromised,
    /// A change of members is not committed yet.
    #[error("the change of members at index {0} is not committed yet")]
    ChangePending(Index),
    /// The leader has not committed an entry of its own term yet: it soon will, if it reaches a
    /// quorum. [`Output::LeaderReady`](super::Output::LeaderReady) says when, and
    /// [`Raft::is_ready`](super::Raft::is_ready) whether.
    #[error("this leader has not committed an entry of its own term yet: try again shortly")]
    NotReady,
    /// The leader removes itself, by a change of members that is not committed yet, from a group
    /// with witnesses: it leaves nothing behind that perhaps only a witness has.
    #[error("this leader is about to leave the group: try again with the next one")]
    Leaving,
    /// No valid change of members.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Not a voter that could lead.
    #[error("{0} cannot lead")]
    CannotLead(NodeId),
    /// Not a member.
    #[error("{0} is no member")]
    UnknownPeer(NodeId),
    /// A message of another cluster, for another node, or from this one.
    #[error("a message from {from} to {to} of cluster {}; this is {id} of cluster {}", got.0, expected.0)]
    Misdirected {
        /// Who sent it.
        from: NodeId,
        /// For whom it was meant.
        to: NodeId,
        /// Its cluster.
        got: ClusterId,
        /// This node.
        id: NodeId,
        /// The cluster of this node.
        expected: ClusterId,
    },
    /// A message that contradicts itself, which no correct node sends.
    #[error("a message that no correct node sends: {0}")]
    Malformed(&'static str),
    /// What was reported never was asked for, or lies outside the log.
    #[error("a report of something that was not asked for: {0}")]
    Unexpected(&'static str),
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}

/// A proposal that was refused, and what was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct ProposeError<T> {
    /// Why.
    pub reason: Refusal,
    /// What was proposed.
    pub proposal: T,
}

/// An input that was refused, for [`Machine`](purlin_core::machine::Machine).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A command that was not appended.
    #[error(transparent)]
    Propose(ProposeError<Bytes>),
    /// Commands that were not appended.
    #[error(transparent)]
    ProposeAll(ProposeError<Vec<Bytes>>),
    /// Anything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}
