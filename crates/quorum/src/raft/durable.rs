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
///
/// A [`Storage`](crate::raft::storage::Storage) [recovers](crate::raft::storage::Storage::recover)
/// it. Who keeps a log of their own puts together:
///
/// * the last vote and term of all writes;
/// * the log as the writes left it: each one's entries replaced everything from their first index on;
/// * what the latest snapshot covers, its configuration included. Before there is one, that is index
///   0 with the configuration of the founders: **keep that too**, from the first start on, as nothing
///   else says who the members are (nobody, if the node joined);
/// * how far a state machine that is durable has applied; otherwise the snapshot's index.
///
/// Everything that was reported with [`persisted`](super::Raft::persisted) must be there. Of what was
/// not, any first part may be.
///
/// ```
/// use bytes::Bytes;
/// use purlin_quorum::raft::{
///     Config, Configuration, Entry, HardState, Index, Position, Raft, Recovered, Term,
/// };
/// use purlin_quorum::{Instant, NodeId};
///
/// // First start: this is what to put on the disk, with the incarnation.
/// let first = Recovered::bootstrap(Configuration::new([1, 2, 3].map(NodeId)));
/// let (founders, incarnation) = (first.snapshot, 0x5eed_u64.try_into().ok());
///
/// // Restart: the founders, and what the writes have added.
/// let recovered = Recovered {
///     hard_state: HardState { term: Term(4), vote: Some(NodeId(2)) },
///     entries: vec![Entry::command(Term(4), Bytes::from_static(b"x = 1"))], // from index 1 on
///     applied: founders.position.index, // the state machine is in memory: it begins anew
///     snapshot: founders,
/// };
/// let mut config = Config::new(NodeId(1));
/// config.incarnation = incarnation;
/// let raft = Raft::new(config, recovered, 0xfeed, Instant::default())?;
/// assert_eq!(raft.last_position(), Position::new(Term(4), Index(1)));
/// assert_eq!(raft.configuration().voters(), [1, 2, 3].map(NodeId));
/// # Ok::<(), purlin_quorum::raft::StartError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last vote and term.
    pub hard_state: HardState,
    /// What the state machine's snapshot covers; before the first one, index 0, with the founders.
    pub snapshot: SnapshotMeta,
    /// The log after the snapshot.
    pub entries: Vec<Entry>,
    /// Up to where the state machine has applied: at least the snapshot's index.
    pub applied: Index,
}

impl Recovered {
    /// A node that knows nothing and waits for a leader to tell it: how one is added to a group
    /// that exists. For its first start alone.
    #[must_use]
    pub fn joining() -> Self {
        Self::default()
    }

    /// A founding member. Every founding member must be started with the same configuration, once:
    /// see [`Storage::bootstrap`](crate::raft::storage::Storage::bootstrap), which refuses to do it
    /// again, and a node that is not among them.
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
