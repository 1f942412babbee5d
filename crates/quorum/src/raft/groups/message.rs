//! What machines tell each other.

use crate::raft::rounds::Heartbeat;
use crate::raft::{ClusterId, Index, Message, Position, Term};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;

/// Names a group, the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct GroupId(pub u64);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

/// A message from one machine to another. It may be lost, delayed, repeated and overtaken; it must
/// not be altered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GroupsMessage {
    /// A message of one group.
    Group(GroupId, Message),
    /// The heartbeats, and the answers to heartbeats, of many groups.
    Heartbeats(Heartbeats),
}

impl GroupsMessage {
    /// Who sent it.
    #[must_use]
    pub fn from(&self) -> NodeId {
        match self {
            Self::Group(_, message) => message.from,
            Self::Heartbeats(heartbeats) => heartbeats.from,
        }
    }

    /// Whom it is for.
    #[must_use]
    pub fn to(&self) -> NodeId {
        match self {
            Self::Group(_, message) => message.to,
            Self::Heartbeats(heartbeats) => heartbeats.to,
        }
    }
}

/// All that the groups of one machine have to say at one beat to those of another, if it is of the
/// regular kind. Without beats and answers it still says that the machine lives, and so vouches for
/// the silent groups that it leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Heartbeats {
    /// Which cluster the machines belong to.
    pub cluster: ClusterId,
    /// Who sends it.
    pub from: NodeId,
    /// Whom it is for.
    pub to: NodeId,
    /// Which disk the sender stands on, if it says (see [`Config::incarnation`](crate::raft::Config)).
    pub incarnation: Option<NonZeroU64>,
    /// Which run of the sender's process this is. Another one than before leads nothing any more of
    /// what that one led.
    pub run: u64,
    /// How often in this run the sender has ceased to lead a group that the receiver belongs to.
    pub retractions: u64,
    /// The groups of the last of these retractions. When some are missing, because a message was
    /// lost, the receiver takes it that all are meant.
    pub retracted: Vec<GroupId>,
    /// Heartbeats of groups that the sender leads.
    pub beats: Vec<Beat>,
    /// Answers to heartbeats of groups that the receiver leads.
    pub answers: Vec<Answer>,
}

/// A heartbeat of one group: [`Body::Heartbeat`](crate::raft::Body), in some ten bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Beat {
    /// Which group.
    pub group: GroupId,
    /// The leader's term.
    pub term: Term,
    /// What is committed, as far as the follower is known to have it.
    pub commit: Index,
    /// The round of heartbeats.
    pub round: u64,
    /// The follower may fall silent if its log ends at `commit`, in `term`.
    pub quiesce: bool,
}

impl Beat {
    /// A leader that wants silence has committed its whole log, of which the last entry is of its own
    /// term: where the log ends needs not be said.
    pub(super) fn new(group: GroupId, term: Term, heartbeat: Heartbeat) -> Self {
        let Heartbeat {
            commit,
            round,
            quiesce,
        } = heartbeat;
        Self {
            group,
            term,
            commit,
            round,
            quiesce: quiesce == Some(Position::new(term, commit)),
        }
    }
}

/// The answer to a [`Beat`]: [`Body::HeartbeatAck`](crate::raft::Body) of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Answer {
    /// Which group.
    pub group: GroupId,
    /// The follower's term.
    pub term: Term,
    /// The last index that is durable and equal to the leader's, as far as known.
    pub matched: Index,
    /// The last index that is equal to the leader's, durable or not.
    pub received: Index,
    /// The heartbeat's round.
    pub round: u64,
    /// The follower has fallen silent.
    pub quiesced: bool,
}
