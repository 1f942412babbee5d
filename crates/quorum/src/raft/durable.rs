//! What must survive a crash.

use super::entry::{Entries, Entry};
use super::membership::Configuration;
use super::position::{Index, Position, Term};
use super::snapshot::SnapshotMeta;
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// The vote and the term: small, but never to be forgotten. A node that forgets its vote votes
/// twice, and two leaders follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HardState {
    /// The latest term heard of.
    pub term: Term,
    /// Whom the node voted for in that term.
    pub vote: Option<NodeId>,
}

/// Names one [`Write`]. Tickets grow; that a ticket is persisted says so of all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ticket(pub u64);

/// Something to write to stable storage, in the order in which writes are given, and to report with
/// [`Raft::persisted`](super::Raft::persisted) when it would survive a crash.
///
/// Several writes may be made durable by one sync; then report the last ticket only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing else of the node happens before its writes are durable"]
pub struct Write {
    /// To report it by.
    pub ticket: Ticket,
    /// The new vote and term, if they changed.
    pub hard_state: Option<HardState>,
    /// Entries to put into the log. They replace everything that it has from their first index on;
    /// when there are none, the log stays as it is.
    pub entries: Entries,
}

/// What a node finds on its disk when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last vote and term.
    pub hard_state: HardState,
    /// What the state machine's snapshot covers.
    pub snapshot: SnapshotMeta,
    /// The log after the snapshot.
    pub entries: Vec<Entry>,
    /// Up to where the state machine has applied: at least the snapshot's index.
    pub applied: Index,
}

impl Recovered {
    /// A node that knows nothing and waits for a leader to tell it: how one is added to a group
    /// that exists.
    #[must_use]
    pub fn joining() -> Self {
        Self::default()
    }

    /// A founding member. Every founding member must be started with the same configuration, once:
    /// see [`Storage::bootstrap`](crate::raft::storage::Storage::bootstrap), which refuses to do it
    /// again.
    ///
    /// Many groups of the same members may share one: it is kept as long as it is in force.
    #[must_use]
    pub fn bootstrap(configuration: impl Into<Arc<Configuration>>) -> Self {
        let snapshot = SnapshotMeta {
            position: Position::default(),
            configuration: configuration.into(),
            id: 0,
        };
        Self {
            snapshot,
            ..Self::default()
        }
    }
}
