//! Raft, a replicated log (Ongaro and Ousterhout, "In Search of an Understandable Consensus
//! Algorithm", USENIX ATC 2014, cited here as §; Ongaro, "Consensus: Bridging Theory and Practice",
//! 2014, cited as thesis §).
//!
//! [`Raft`] is one node of one group, as a value: it does no input or output and reads no clock. Who
//! wants the loop around it ready-made takes [`Replica`](replica::Replica); who runs thousands of
//! groups on one machine takes [`Groups`](groups::Groups).
//!
//! # The contract, in six steps
//!
//! 1. **Start** with [`Raft::new`] from what the disk holds ([`Recovered`]): a founding member at its
//!    first start from [`Recovered::bootstrap`], one that is added later from [`Recovered::joining`].
//!    Give it the disk's [`Config::incarnation`], drawn at random when the store was made and kept
//!    there, so that the others notice when it is lost.
//! 2. **Feed** it messages, proposals and reads as they come, each with the time; and call
//!    [`handle_timeout`](Machine::handle_timeout) when [`poll_timeout`](Machine::poll_timeout) says.
//! 3. **Drain** [`poll_output`](Machine::poll_output) after every call, and carry the outputs out in
//!    that order.
//! 4. **Write**: an [`Output::Write`] goes to the disk; when it is durable, and all before it, say so
//!    with [`persisted`](Raft::persisted). Later is fine, the next calls need not wait; if it fails,
//!    say [`write_failed`](Raft::write_failed).
//! 5. **Send**: an [`Output::Send`] may go at once. What must not be said before a write is durable
//!    (votes, acknowledgements) the node itself holds back until step 4 is reported: there is no
//!    order between messages and writes for you to get wrong.
//! 6. **Apply**: the entries of an [`Output::Commit`] go to the state machine, in order; then say
//!    [`applied`](Raft::applied). Now and then make a snapshot and say [`compact`](Raft::compact).
//!
//! ```
//! use bytes::Bytes;
//! use core::time::Duration;
//! use purlin_core::machine::Machine;
//! use purlin_core::node::NodeId;
//! use purlin_core::time::Instant;
//! use purlin_quorum::raft::{Config, Configuration, Message, Output, Payload, Raft, Recovered, RoleKind};
//! # extern crate alloc;
//! use alloc::collections::VecDeque;
//!
//! // 1. Start: three founding members.
//! let start = Instant::default();
//! let members = [1, 2, 3].map(NodeId);
//! let mut nodes = members.map(|id| {
//!     let founders = Recovered::bootstrap(Configuration::new(members));
//!     Raft::new(Config::new(id), founders, id.0, start).expect("the defaults are valid")
//! });
//! let mut state = [(); 3].map(|()| Vec::<Bytes>::new()); // what each state machine has seen
//! let mut mail = VecDeque::<Message>::new();
//!
//! // 3. to 6. Drain and carry out. Here the disk is quick.
//! let drain = |raft: &mut Raft, seen: &mut Vec<Bytes>, mail: &mut VecDeque<Message>, now| {
//!     while let Some(output) = raft.poll_output() {
//!         match output {
//!             Output::Write(write) => raft.persisted(now, write.ticket)?,
//!             Output::Send(message) => mail.push_back(message),
//!             Output::Commit(entries) => {
//!                 for (_, entry) in entries.iter() {
//!                     match &entry.payload {
//!                         Payload::Command(command) if !command.is_empty() => seen.push(command.clone()),
//!                         _ => {}
//!                     }
//!                 }
//!                 raft.applied(now, entries.last().expect("never none").index)?;
//!             }
//!             _ => {}
//!         }
//!     }
//!     Ok::<(), purlin_quorum::raft::Refusal>(())
//! };
//!
//! // 2. Feed. The first election takes between one and two seconds.
//! let mut now = start;
//! let mut proposed = false;
//! while state.iter().any(|seen| seen.is_empty()) {
//!     now += Duration::from_millis(10);
//!     for (raft, seen) in nodes.iter_mut().zip(&mut state) {
//!         raft.handle_timeout(now);
//!         if raft.role() == RoleKind::Leader && !proposed {
//!             raft.propose(now, Bytes::from_static(b"x = 1")).expect("it leads");
//!             proposed = true;
//!         }
//!         drain(raft, seen, &mut mail, now)?;
//!     }
//!     while let Some(message) = mail.pop_front() {
//!         let to = members.iter().position(|&id| id == message.to).expect("a member");
//!         nodes[to].receive(now, message)?;
//!         drain(&mut nodes[to], &mut state[to], &mut mail, now)?;
//!     }
//!     assert!(now < start + Duration::from_secs(10));
//! }
//! assert!(state.iter().all(|seen| seen == &["x = 1"]));
//! # Ok::<(), purlin_quorum::raft::Refusal>(())
//! ```

#[doc(hidden)]
#[macro_use]
pub mod mutants;

mod append;
mod beat;
mod change;
pub mod codec;
mod commit;
mod config;
mod durable;
mod election;
mod entry;
mod error;
#[cfg(any(test, fuzzing, feature = "conformance"))]
mod fingerprint;
pub mod groups;
mod held;
mod input;
mod install;
#[cfg(any(test, fuzzing, feature = "conformance"))]
mod invariants;
mod log;
mod machine;
mod mail;
mod membership;
mod message;
mod output;
mod persist;
mod position;
pub mod progress;
mod propose;
mod quiesce;
mod read;
mod receive;
pub mod replica;
mod replicate;
mod rest;
mod role;
mod rounds;
mod ship;
mod snapshot;
mod start;
mod status;
pub mod storage;
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
use core::num::NonZeroU64;
use held::Held;
use log::Log;
use membership::History;
use progress::Inflight;
#[cfg(doc)]
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;
use read::Reads;
use role::{Incarnations, Incoming, Role, Writes};

/// One node of one Raft group. See the [module](self) for the contract.
///
/// One thread at a time drives it (`&mut self`); a clone is a whole second node, for tests and model
/// checkers. Every call costs O(followers) beside the entries it moves, and entries are shared, not
/// copied: the leader's log, its messages, its writes and its commits hold the same memory.
///
/// # Bounds
///
/// | what grows | bound |
/// |---|---|
/// | proposed and not committed | [`Config::max_uncommitted_bytes`] |
/// | under way to a follower | [`Config::max_inflight_messages`], [`Config::max_inflight_bytes`] |
/// | the log of a follower | [`Config::max_log_bytes`], then it asks the leader to wait |
/// | given out to be applied | [`Config::max_unapplied_bytes`] |
/// | reads that wait | [`Config::max_reads`] |
/// | replies that wait for the disk | 1,024, then they are lost as messages may be |
/// | outputs | what one call makes: drain after each |
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
    log_dirty: Option<NonZeroU64>,
    writes: Writes,
    held: Held,

    commit: Index,
    /// Given out to be applied.
    handed: Index,
    applied: Index,
    unapplied: Inflight,

    role: Role,
    leader: Option<NodeId>,
    /// [`Output::LeaderChanged`] has not said so yet.
    leader_changed: bool,
    /// Until when a leader is believed to live.
    heard_until: Instant,
    /// How long to wait for a leader, in nanoseconds.
    patience: u64,
    /// When to campaign, or to send heartbeats.
    deadline: Option<Instant>,
    quiesced: bool,
    /// It asked for pre-votes, and no leader came of it.
    in_vain: bool,
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
    #[cfg(feature = "mutants")]
    mutant: Option<mutants::Mutant>,
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

    /// Whether it leads and has committed an entry of its term, without which it refuses changes of
    /// members ([`Refusal::NotReady`]) and has no lease. [`Output::LeaderReady`] says when it comes
    /// to be so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.leading()
            .is_some_and(|leader| self.commit >= leader.term_start)
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
        if mutant!(self, ConfigurationAtCommit) {
            return self.history.at(self.commit);
        }
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
