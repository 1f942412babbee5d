//! Messages as they come in: whose they are, and what their term means.

use super::error::Refusal;
use super::message::{Body, Message};
use super::position::Term;
use super::role::Role;
use super::{Output, Raft};
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// A message has arrived. Late, repeated and overtaken ones do no harm.
    ///
    /// # Errors
    ///
    /// [`Refusal::Misdirected`] and [`Refusal::Malformed`] for what no correct node of this group
    /// sends; [`Refusal::Stopped`].
    pub fn receive(&mut self, now: Instant, message: Message) -> Result<(), Refusal> {
        self.admit(now)?;
        let Message {
            cluster,
            from,
            to,
            term,
            ..
        } = message;
        if cluster != self.config.cluster || to != self.config.id || from == self.config.id {
            return Err(Refusal::Misdirected {
                from,
                to,
                got: cluster,
                id: self.config.id,
                expected: self.config.cluster,
            });
        }
        self.check_shape(&message)?;
        if self.is_fenced(from, message.incarnation) {
            self.finish();
            return Ok(());
        }
        self.stir(&message.body);
        if self.settle_term(from, term, &message.body) {
            self.step(from, term, message.body);
        }
        self.finish();
        Ok(())
    }

    /// What a correct node never sends, and what must not get further.
    fn check_shape(&self, message: &Message) -> Result<(), Refusal> {
        match &message.body {
            Body::Append {
                previous, entries, ..
            } => {
                if entries.first_index() != previous.index.next() {
                    return Err(Refusal::Malformed(
                        "entries that do not follow the one before",
                    ));
                }
                // Within entries terms never fall.
                let terms = entries.term(entries.first_index()).zip(entries.last());
                let (first, last) = terms
                    .map_or((previous.term, previous.term), |(first, last)| {
                        (first, last.term)
                    });
                if first < previous.term {
                    return Err(Refusal::Malformed("terms that fall along the log"));
                }
                if last > message.term {
                    return Err(Refusal::Malformed("an entry from a later term"));
                }
            }
            Body::Snapshot(chunk) if chunk.meta.position.term > message.term => {
                return Err(Refusal::Malformed("a snapshot from a later term"));
            }
            // Entries can only come after one that is there; a snapshot stands anywhere.
            Body::Snapshot(chunk) if chunk.meta.position.index.0 > u64::MAX / 2 => {
                return Err(Refusal::Malformed("an index that no log gets to"));
            }
            _ => {}
        }
        let leads = matches!(self.role, Role::Leader(_)) && message.term == self.hard.term;
        if leads && message.body.is_from_leader() {
            return Err(Refusal::Malformed("another leader in the same term"));
        }
        Ok(())
    }

    /// Brings terms together (§5.1); whether the message is to be looked at further.
    fn settle_term(&mut self, from: NodeId, term: Term, body: &Body) -> bool {
        if term > self.hard.term {
            match body {
                Body::RequestPreVote { .. } if !mutant!(self, PreVoteChangesTerm) => return true,
                Body::PreVote { granted: true } => return true,
                Body::RequestVote {
                    transfer: false, ..
                } if self.hears_leader() => return false,
                _ => {}
            }
            let leader = body.is_from_leader().then_some(from);
            self.become_follower(term, leader);
            return true;
        }
        if term < self.hard.term {
            match body {
                Body::Vote { .. } if mutant!(self, StaleVote) => return true,
                Body::Append { .. } if mutant!(self, AppendOfEarlierTerm) => return true,
                // A candidate or leader of an old term learns of ours.
                Body::RequestPreVote { .. } => {
                    self.send_durable(from, Body::PreVote { granted: false });
                }
                Body::RequestVote { .. } => {
                    self.send_durable(from, Body::Vote { granted: false });
                }
                body if body.is_from_leader() => {
                    self.send_durable(from, Body::Vote { granted: false });
                }
                _ => {}
            }
            return false;
        }
        true
    }

    fn step(&mut self, from: NodeId, term: Term, body: Body) {
        match body {
            Body::RequestPreVote { last, priority } => {
                self.on_request_pre_vote(from, term, last, priority);
            }
            Body::RequestVote { last, transfer } => self.on_request_vote(from, last, transfer),
            Body::PreVote { granted } => self.on_pre_vote(from, term, granted),
            Body::Vote { granted } => self.on_vote(from, granted),
            Body::Append {
                previous,
                commit,
                entries,
                round,
            } => {
                self.hear_leader(from, round);
                self.on_append(from, previous, commit, entries);
            }
            Body::Commit { commit } => {
                self.hear_leader(from, 0);
                self.follow_commit(commit.min(self.matched));
            }
            Body::Heartbeat {
                commit,
                round,
                quiesce,
            } => {
                self.hear_leader(from, round);
                self.on_heartbeat(from, commit, round, quiesce);
            }
            Body::Snapshot(chunk) => {
                self.hear_leader(from, 0);
                self.on_snapshot(from, chunk);
            }
            Body::Appended { matched, round } => self.on_appended(from, matched, round),
            Body::Rejected {
                previous,
                hint,
                last,
                round,
            } => {
                self.on_rejected(from, previous, hint, last, round);
            }
            Body::Full { matched, round } => self.on_full(from, matched, round),
            Body::HeartbeatAck {
                matched,
                received,
                round,
                quiesced,
            } => {
                self.on_heartbeat_ack(from, matched, received, round, quiesced);
            }
            Body::SnapshotAck {
                meta,
                stored,
                round,
            } => {
                self.on_snapshot_ack(from, &meta, stored, round);
            }
            Body::TimeoutNow => self.on_timeout_now(from),
            Body::RequestReadIndex { token } => self.on_request_read_index(from, token),
            Body::ReadIndex { token, index } => self.on_read_index(token, index),
        }
    }

    /// A leader of this term has spoken.
    fn hear_leader(&mut self, from: NodeId, round: u64) {
        if self.leader != Some(from) || !matches!(self.role, Role::Follower) {
            self.become_follower(self.hard.term, Some(from));
        }
        self.heard_until = self.now + self.config.election_timeout;
        self.round = self.round.max(round);
        if !self.quiesced {
            self.reset_election_deadline();
        }
    }

    /// Whether the sender stands on another disk than before, or was found to have lost what it had.
    pub(crate) fn is_fenced(&mut self, from: NodeId, incarnation: Option<NonZeroU64>) -> bool {
        if self
            .leading()
            .and_then(|leader| leader.peer(from))
            .is_some_and(|peer| peer.fenced)
        {
            return true;
        }
        let Some(incarnation) = incarnation else {
            return false;
        };
        if !self.configuration().is_member(from) {
            return false;
        }
        match self.known.iter().find(|(peer, _)| *peer == from) {
            None => {
                self.known.push((from, incarnation));
                false
            }
            Some(&(_, known)) if known == incarnation => false,
            Some(_) => {
                self.fence(from);
                true
            }
        }
    }

    /// Says once per leadership that a peer is not what it was.
    pub(crate) fn fence(&mut self, peer: NodeId) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(peer) = leader.peer_mut(peer)
            && !core::mem::replace(&mut peer.fenced, true)
        {
            self.outbox.push_back(Output::Fenced(peer.id));
        }
    }
}

impl Body {
    /// Whether only a leader says this.
    pub(crate) fn is_from_leader(&self) -> bool {
        matches!(
            self,
            Self::Append { .. }
                | Self::Commit { .. }
                | Self::Heartbeat { .. }
                | Self::Snapshot(_)
                | Self::TimeoutNow
        )
    }
}
