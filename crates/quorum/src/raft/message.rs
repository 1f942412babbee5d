//! What nodes tell each other.

use super::config::ClusterId;
use super::entry::Entries;
use super::input::ReadToken;
use super::position::{Index, Position, Term};
use super::snapshot::{SnapshotChunk, SnapshotMeta};
use core::num::NonZeroU64;
use purlin_core::node::NodeId;

/// A message from one node to another. It may be lost, delayed, repeated and overtaken; it must not
/// be altered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// Which cluster it belongs to. A node refuses what comes from another.
    pub cluster: ClusterId,
    /// Who sent it.
    pub from: NodeId,
    /// Whom it is for.
    pub to: NodeId,
    /// The sender's term; of a pre-vote the term that it would campaign in.
    pub term: Term,
    /// Which disk the sender stands on, if it says (see [`Config::incarnation`](super::Config)).
    pub incarnation: Option<NonZeroU64>,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Body {
    /// Would you vote for me, if I campaigned in this term? (Pre-vote, thesis §9.6.)
    RequestPreVote {
        /// The end of the candidate's log.
        last: Position,
        /// The candidate's priority.
        priority: u32,
    },
    /// The answer to [`RequestPreVote`](Self::RequestPreVote).
    PreVote {
        /// Yes or no.
        granted: bool,
    },
    /// Vote for me (§5.2).
    RequestVote {
        /// The end of the candidate's log.
        last: Position,
        /// The leader has asked it to: its lease does not count.
        transfer: bool,
    },
    /// The answer to [`RequestVote`](Self::RequestVote).
    Vote {
        /// Yes or no.
        granted: bool,
    },
    /// Entries to append, or none, to find out where the logs agree (§5.3).
    Append {
        /// The entry before the first one.
        previous: Position,
        /// What is committed.
        commit: Index,
        /// The entries.
        entries: Entries,
        /// The leader's round, see [`Heartbeat`](Self::Heartbeat).
        round: u64,
    },
    /// The follower's log is durable and equal to the leader's up to here.
    Appended {
        /// The last such index.
        matched: Index,
        /// The latest round heard of.
        round: u64,
    },
    /// The follower does not have the entry before the first one.
    Rejected {
        /// The entry that it does not have.
        previous: Index,
        /// Where the logs may agree at the latest, by what the follower knows.
        hint: Position,
        /// The end of the follower's durable log.
        last: Index,
        /// The latest round heard of.
        round: u64,
    },
    /// The follower has no room for more entries now; it says [`Appended`](Self::Appended) when it
    /// has.
    Full {
        /// The last index that is durable and equal to the leader's.
        matched: Index,
        /// The latest round heard of.
        round: u64,
    },
    /// Everything up to here is committed; the follower has acknowledged that much. Needs no answer:
    /// the next append or heartbeat says it again.
    Commit {
        /// The index.
        commit: Index,
    },
    /// I am still the leader.
    Heartbeat {
        /// What is committed, as far as the follower is known to have it.
        commit: Index,
        /// The number of this round of heartbeats. What is acknowledged by a quorum confirms that
        /// the leader was still the leader when it sent the round: reads and leases stand on that.
        round: u64,
        /// The end of the leader's log, if the group is to fall silent.
        quiesce: Option<Position>,
    },
    /// The answer to [`Heartbeat`](Self::Heartbeat).
    HeartbeatAck {
        /// The last index that is durable and equal to the leader's, as far as known.
        matched: Index,
        /// The last index that is equal to the leader's, durable or not.
        received: Index,
        /// The heartbeat's round.
        round: u64,
        /// The follower has fallen silent.
        quiesced: bool,
    },
    /// A part of a snapshot.
    Snapshot(SnapshotChunk),
    /// How far a snapshot has come.
    SnapshotAck {
        /// Which snapshot.
        meta: SnapshotMeta,
        /// How many bytes of it are stored.
        stored: u64,
        /// The latest round heard of.
        round: u64,
    },
    /// Campaign now: the leader gives its place to you (thesis §3.10).
    TimeoutNow,
    /// A follower asks from which index on a read is linearizable (thesis §6.4).
    RequestReadIndex {
        /// The follower's own number for it.
        token: ReadToken,
    },
    /// The answer to [`RequestReadIndex`](Self::RequestReadIndex): a read that sees everything up
    /// to `index` is linearizable. `None`: ask again later.
    ReadIndex {
        /// As asked.
        token: ReadToken,
        /// The index.
        index: Option<Index>,
    },
}
