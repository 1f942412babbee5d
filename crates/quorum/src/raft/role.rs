//! Which part a node plays, and what it knows for that.

use super::durable::Ticket;
use super::input::ReadToken;
use super::position::Index;
use super::progress::{Inflight, Progress};
use super::snapshot::SnapshotMeta;
use super::status::RoleKind;
use crate::quorum::Votes;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

#[derive(Clone, Debug)]
pub(crate) enum Role {
    Follower,
    PreCandidate(Votes),
    Candidate(Votes),
    Leader(Box<Leader>),
    Stopped,
}

impl Role {
    pub(crate) fn kind(&self) -> RoleKind {
        match self {
            Self::Follower => RoleKind::Follower,
            Self::PreCandidate(_) => RoleKind::PreCandidate,
            Self::Candidate(_) => RoleKind::Candidate,
            Self::Leader(_) => RoleKind::Leader,
            Self::Stopped => RoleKind::Stopped,
        }
    }
}

/// What only a leader knows.
#[derive(Clone, Debug)]
pub(crate) struct Leader {
    /// Everybody else in the configuration, by id.
    pub(crate) peers: Vec<Peer>,
    /// The entry with which the term started.
    pub(crate) term_start: Index,
    pub(crate) rounds: Rounds,
    /// Since when it asks for answers: the start of its term, or the end of a silence.
    pub(crate) awake_since: Instant,
    /// Proposed and not committed, of all terms.
    pub(crate) uncommitted: Inflight,
    /// Reads that wait for a quorum to confirm their round, in the order of rounds.
    pub(crate) reads: VecDeque<UnconfirmedRead>,
    /// The first of the latest rounds that all asked for silence: answers to earlier ones may be from
    /// before the peer was woken. 2^64 - 1 when the latest did not ask.
    pub(crate) silence: u64,
    pub(crate) transfer: Option<Transfer>,
    /// The lease holds until here, if nothing was given away.
    pub(crate) lease_until: Instant,
    /// Somebody was told to campaign without regard to leases: none holds in this term any more.
    pub(crate) lease_void: bool,
}

impl Leader {
    /// When a quorum was last heard of, as far as it was asked.
    #[inline]
    pub(crate) fn heard(&self) -> Instant {
        self.rounds.confirmed_at.max(self.awake_since)
    }

    #[inline]
    pub(crate) fn peer(&self, id: NodeId) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.id == id)
    }

    #[inline]
    pub(crate) fn peer_mut(&mut self, id: NodeId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.id == id)
    }
}

/// A peer, as its leader knows it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    pub(crate) progress: Progress,
    /// The latest round it has acknowledged.
    pub(crate) round: u64,
    /// The latest round sent when `progress.matched()` was acknowledged, or acknowledged again: the
    /// peer had heard of none later than that.
    pub(crate) matched_round: u64,
    /// The latest round sent when it became a member. What it says of earlier ones, somebody of its
    /// name said who has been removed since.
    pub(crate) since: u64,
    /// What it was told is committed.
    pub(crate) told: Index,
    /// What was sent before the last heartbeat: if less had arrived when that did, the rest is lost.
    pub(crate) sent_before: Index,
    pub(crate) witness: bool,
    /// Removed by a configuration that is not committed: it is to hear of it, and counts no more.
    pub(crate) leaving: bool,
    pub(crate) quiesced: bool,
    pub(crate) fenced: bool,
    pub(crate) outgoing: Option<Box<Outgoing>>,
}

impl Peer {
    pub(crate) fn new(id: NodeId, next: Index, witness: bool) -> Self {
        Self {
            id,
            progress: Progress::new(next),
            round: 0,
            matched_round: 0,
            since: 0,
            told: Index::ZERO,
            sent_before: Index::ZERO,
            witness,
            leaving: false,
            quiesced: false,
            fenced: false,
            outgoing: None,
        }
    }
}

/// A snapshot on its way to a follower.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Outgoing {
    pub(crate) meta: SnapshotMeta,
    /// How far the follower has stored it: what comes next starts here.
    pub(crate) offset: u64,
    /// The part from `offset` on was asked of the host, and has not come.
    pub(crate) fetching: bool,
    /// Heartbeats since something moved.
    pub(crate) idle: u32,
}

/// A snapshot on its way from the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Incoming {
    pub(crate) meta: SnapshotMeta,
    pub(crate) stored: u64,
    /// The part that the host is storing: where it ends, and whether it is the last.
    pub(crate) storing: Option<(u64, bool)>,
}

/// Leadership on its way to another node.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) to: NodeId,
    pub(crate) deadline: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct UnconfirmedRead {
    pub(crate) round: u64,
    pub(crate) index: Index,
    /// Whose read it is; `None` for one of our own.
    pub(crate) from: Option<NodeId>,
    pub(crate) token: ReadToken,
}

/// The rounds of heartbeats: when each was sent, and which one a quorum has confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    /// The latest one sent.
    pub(crate) sent: u64,
    pub(crate) confirmed: u64,
    /// When the confirmed one was sent.
    pub(crate) confirmed_at: Instant,
    /// Those after it.
    pending: VecDeque<(u64, Instant)>,
}

/// More rounds than this are not remembered: a later one confirms the earlier ones too.
const MAX_PENDING_ROUNDS: usize = 64;

impl Rounds {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            sent: 0,
            confirmed: 0,
            confirmed_at: now,
            pending: VecDeque::new(),
        }
    }

    /// Begins a round.
    pub(crate) fn start(&mut self, now: Instant) -> u64 {
        self.sent += 1;
        if self.pending.len() == MAX_PENDING_ROUNDS {
            self.pending.pop_back();
        }
        self.pending.push_back((self.sent, now));
        self.sent
    }

    /// A quorum has acknowledged `round`. Whether that is news.
    pub(crate) fn confirm(&mut self, round: u64) -> bool {
        if round <= self.confirmed {
            return false;
        }
        self.confirmed = round;
        while let Some(&(pending, at)) = self.pending.front() {
            if pending > round {
                break;
            }
            self.confirmed_at = at;
            self.pending.pop_front();
        }
        true
    }
}

/// Writes that are not durable yet, and what is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    /// The last ticket given out.
    pub(crate) issued: Ticket,
    /// Everything up to this ticket is durable.
    pub(crate) persisted: Ticket,
    /// The ticket of the last write with a vote or term.
    pub(crate) hard: Ticket,
    /// Tickets with the last index of the log that each makes durable.
    pub(crate) in_flight: VecDeque<(Ticket, Index)>,
    /// The log is durable up to here.
    pub(crate) stable: Index,
}

impl Writes {
    /// The log loses `from` and everything after it. A write under way that had brought some of it
    /// makes durable only what comes before: even if an equal entry is appended again later, another
    /// write may stand between the two (the ABA problem).
    pub(crate) fn truncate(&mut self, from: Index) {
        self.stable = self.stable.min(from.previous());
        for (_, last) in &mut self.in_flight {
            *last = (*last).min(from.previous());
        }
    }

    /// Everything up to `ticket` is durable.
    pub(crate) fn persist(&mut self, ticket: Ticket) {
        self.persisted = self.persisted.max(ticket);
        while let Some(&(oldest, last)) = self.in_flight.front() {
            if oldest > ticket {
                break;
            }
            self.stable = self.stable.max(last);
            self.in_flight.pop_front();
        }
    }

    /// The log starts anew after a snapshot that is durable.
    pub(crate) fn reset(&mut self, base: Index) {
        self.stable = base;
        for (_, last) in &mut self.in_flight {
            *last = Index::ZERO;
        }
    }
}

/// Which disk a peer was seen to stand on.
pub(crate) type Incarnations = Vec<(NodeId, NonZeroU64)>;
