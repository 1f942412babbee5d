//! Raft: a replicated log (Ongaro and Ousterhout, "In Search of an Understandable Consensus
//! Algorithm", 2014, cited here as §; Ongaro's thesis, "Consensus: Bridging Theory and Practice",
//! 2014, cited as thesis §).

mod append;
mod beat;
mod change;
mod commit;
mod config;
mod durable;
mod election;
mod entry;
mod error;
pub mod groups;
mod input;
mod install;
mod log;
mod machine;
mod membership;
mod message;
mod output;
mod persist;
mod position;
pub mod progress;
mod quiesce;
mod read;
mod receive;
mod replicate;
mod rest;
mod role;
mod ship;
mod snapshot;
mod start;
mod status;
mod transfer;

pub use config::{ClusterId, Config, ConfigError};
pub use durable::{HardState, Recovered, Ticket, Write};
pub use entry::{Entries, EntriesError, Entry, Payload};
pub use error::{Error, ProposeError, Refusal};
pub use input::{Input, ReadMode, ReadToken};
pub use membership::{
    Change, ChangeError, Configuration, ConfigurationError, ConfigurationParts, MembershipChange,
    Transition,
};
pub use message::{Body, Message};
pub use output::{AbortReason, Output, StopReason};
pub use position::{Index, Position, Term};
pub use snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
pub use start::StartError;
pub use status::{PeerStatus, RoleKind, Status};

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use log::Log;
use membership::History;
use progress::Inflight;
use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;
use read::Reads;
use role::{Incarnations, Incoming, Role, Writes};

/// One node of a Raft group.
#[derive(Clone, Debug)]
pub struct Raft {
    config: Arc<Config>,
    random: SplitMix64,
    /// The latest time seen.
    now: Instant,

    // What must survive a crash, as it is after all writes given out.
    hard: HardState,
    log: Log,
    /// The latest snapshot of the own state machine. The log may begin before its end.
    snapshot: SnapshotMeta,
    history: History,

    // What of it changed in this call, and what waits for the disk.
    hard_dirty: bool,
    log_dirty: Option<Index>,
    writes: Writes,
    held: VecDeque<(Ticket, Message)>,

    commit: Index,
    /// Given out to be applied.
    handed: Index,
    applied: Index,
    unapplied: Inflight,

    role: Role,
    leader: Option<NodeId>,
    /// What [`Output::LeaderChanged`] said last.
    reported: (Term, Option<NodeId>),
    /// When a leader was last heard.
    contact: Option<Instant>,
    /// When to campaign, or to send heartbeats.
    deadline: Option<Instant>,
    quiesced: bool,
    /// At a heartbeat everything was on disk and applied, the queues gave back their memory, and
    /// nothing was written since.
    rested: bool,

    // Of a follower: its log is equal to the leader's up to here, ...
    matched: Index,
    /// ... and this is the latest round it has heard of.
    round: u64,
    ack_due: bool,
    incoming: Option<Box<Incoming>>,

    reads: Option<Box<Reads>>,
    next_forward: u64,

    known: Incarnations,
    outbox: VecDeque<Output>,
}

impl Raft {
    /// What the node is configured as.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Which part it plays.
    #[must_use]
    pub fn role(&self) -> RoleKind {
        self.role.kind()
    }

    #[inline]
    pub(crate) fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Its term.
    #[must_use]
    pub fn term(&self) -> Term {
        self.hard.term
    }

    /// Who leads, as far as it knows.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// Up to where it knows the log to be committed.
    #[must_use]
    pub fn commit_index(&self) -> Index {
        self.commit
    }

    /// Up to where the state machine has applied.
    #[must_use]
    pub fn applied_index(&self) -> Index {
        self.applied
    }

    /// The end of the log.
    #[must_use]
    pub fn last_position(&self) -> Position {
        self.log.last()
    }

    /// The term of the entry at `index`, if it is in memory or the last one before.
    #[must_use]
    pub fn log_term(&self, index: Index) -> Option<Term> {
        self.log.term(index)
    }

    /// The members in force: those of the last configuration in the log, committed or not.
    #[must_use]
    #[inline]
    pub fn configuration(&self) -> &Arc<Configuration> {
        self.history.current()
    }

    /// Everything at a glance. O(members).
    #[must_use]
    pub fn status(&self) -> Status {
        let peers = self.leading().map_or_else(Default::default, |leader| {
            let config = &self.config;
            let (messages, bytes) = (config.max_inflight_messages, config.max_inflight_bytes);
            leader
                .peers
                .iter()
                .map(|peer| PeerStatus {
                    id: peer.id,
                    state: peer.progress.state(),
                    matched: peer.progress.matched(),
                    next: peer.progress.next(),
                    inflight: peer.progress.inflight().len(),
                    paused: peer.progress.is_paused(messages, bytes),
                    active: peer.round >= leader.rounds.confirmed,
                    fenced: peer.fenced,
                })
                .collect()
        });
        Status {
            id: self.config.id,
            role: self.role(),
            term: self.hard.term,
            leader: self.leader,
            vote: self.hard.vote,
            snapshot: self.snapshot.position,
            last: self.log.last(),
            stable: self.writes.stable,
            commit: self.commit,
            applied: self.applied,
            log_bytes: self.log.bytes(),
            peers,
        }
    }
}
