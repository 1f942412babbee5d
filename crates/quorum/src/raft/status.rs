//! What a node looks like from outside.

use super::position::{Index, Position, Term};
use super::progress::ProgressState;
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// Which part a node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum RoleKind {
    /// It follows a leader, or waits for one.
    Follower,
    /// It asks whether it would be elected.
    PreCandidate,
    /// It asks to be elected.
    Candidate,
    /// It leads.
    Leader,
    /// It has stopped for good.
    Stopped,
}

/// A node's state, for people and monitoring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The node.
    pub id: NodeId,
    /// Which part it plays.
    pub role: RoleKind,
    /// Its term.
    pub term: Term,
    /// Who leads, as far as known.
    pub leader: Option<NodeId>,
    /// Whom it voted for in this term.
    pub vote: Option<NodeId>,
    /// What its snapshot covers.
    pub snapshot: Position,
    /// The end of its log.
    pub last: Position,
    /// Up to where its log is durable.
    pub stable: Index,
    /// Up to where it knows entries to be committed.
    pub commit: Index,
    /// Up to where they are applied.
    pub applied: Index,
    /// Payload bytes of its log.
    pub log_bytes: u64,
    /// What a leader knows of the others.
    pub peers: Vec<PeerStatus>,
}

impl Status {
    /// Whether a member has everything that is committed, as far as this leader knows: a learner of
    /// which that is so may become a voter. Other nodes than the leader know of nobody but themselves.
    ///
    /// It has been heard of lately, takes entries as they come, and has acknowledged what is
    /// committed. While much is proposed a member may be a message behind at one moment and not at
    /// the next: ask again.
    #[must_use]
    pub fn is_caught_up(&self, node: NodeId) -> bool {
        if node == self.id {
            return self.role == RoleKind::Leader;
        }
        self.peers
            .iter()
            .any(|peer| peer.id == node && peer.has(self.commit))
    }
}

/// What a leader knows of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStatus {
    /// The peer.
    pub id: NodeId,
    /// How entries go to it.
    pub state: ProgressState,
    /// What it has acknowledged.
    pub matched: Index,
    /// What goes next.
    pub next: Index,
    /// Messages with entries under way.
    pub inflight: usize,
    /// Whether nothing is sent for now.
    pub paused: bool,
    /// Whether it was heard of lately.
    pub active: bool,
    /// Whether it has lost its disk.
    pub fenced: bool,
}

impl PeerStatus {
    /// Whether it certainly has everything up to `index`, and takes what follows.
    fn has(&self, index: Index) -> bool {
        self.state == ProgressState::Replicate
            && self.active
            && !self.fenced
            && self.matched >= index
    }
}
