//! Elections (§5.2, §5.4.1), asked beforehand (thesis §9.6).

use super::error::Refusal;
use super::message::Body;
use super::output::AbortReason;
use super::position::{Position, Term};
use super::role::{Leader, Peer, Role, Rounds};
use super::{Entry, Payload, Raft};
use crate::quorum::{Majority, QuorumSystem as _, VoteResult, Votes};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use bytes::Bytes;
use core::cmp::Ordering;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::{Random as _, RandomExt as _};
use purlin_core::time::Instant;

impl Raft {
    /// Campaigns now, without waiting for the election timeout. Does nothing on a leader.
    ///
    /// # Errors
    ///
    /// [`Refusal::CannotLead`] for a learner, a witness, a node outside the group or one that is
    /// installing a snapshot; with leases [`Refusal::LeasePromised`] in the election timeout after
    /// this node has heard of a leader, or was started: its own vote would break the lease.
    pub fn campaign(&mut self, now: Instant) -> Result<(), Refusal> {
        self.admit(now)?;
        if self.is_leader() {
            return Ok(());
        }
        if !self.can_lead() {
            return Err(Refusal::CannotLead(self.config.id));
        }
        if self.config.lease_drift_ppm.is_some() && self.hears_leader() {
            return Err(Refusal::LeasePromised);
        }
        self.quiesced = false;
        self.start_campaign();
        self.finish();
        Ok(())
    }

    /// Forgets who leads, so that this node helps to elect another one without waiting for its own
    /// timeout. Does nothing on a leader, nor with leases: they stand on followers remembering.
    pub fn forget_leader(&mut self, now: Instant) {
        if self.admit(now).is_ok() && !self.is_leader() && self.config.lease_drift_ppm.is_none() {
            // Nobody would wake a silent node that waits for nobody.
            self.stir_self();
            self.abort_reads(AbortReason::LeaderChanged, false);
            self.leader_changed |= self.leader.take().is_some();
            self.heard_until = Instant::default();
            self.finish();
        }
    }

    /// Whether this node may be elected: a full voter, by the configuration in force, or by an earlier
    /// one while it is not known that those after it are committed (or nobody could finish a removal
    /// that only the removed node has in its log).
    pub(crate) fn can_lead(&self) -> bool {
        let id = self.config.id;
        let leads = |configuration: &Arc<super::Configuration>| {
            configuration.is_voter(id) && !configuration.is_witness(id)
        };
        let mut later = self.history.after(self.commit);
        let is_candidate = leads(self.history.at(self.commit)) || later.any(leads);
        // There is no term after the last: who campaigned in it again would vote twice.
        !self.is_installing()
            && self.hard.term < Term(u64::MAX)
            && !self.configuration().is_empty()
            && is_candidate
            && !self
                .history
                .after(self.commit)
                .any(|later| later.is_witness(id))
    }

    /// Whether a leader is believed to live: then nobody else gets a vote (thesis §4.2.3).
    pub(crate) fn hears_leader(&self) -> bool {
        if !self.config.check_quorum || mutant!(self, VoteDespiteLeader) {
            return false;
        }
        let until = match &self.role {
            Role::Leader(leader) => leader.heard() + self.config.election_timeout,
            _ => self.heard_until,
        };
        self.now < until
    }

    pub(crate) fn start_campaign(&mut self) {
        self.draw_patience();
        if self.config.pre_vote {
            self.ask_pre_votes();
        } else {
            self.ask_votes(false);
        }
    }

    fn ask_pre_votes(&mut self) {
        self.become_follower(self.hard.term, None);
        self.reset_election_deadline();
        let mut votes = Votes::new();
        votes.record(self.config.id, true);
        let won = votes.result(self.configuration()) == VoteResult::Won;
        self.role = Role::PreCandidate(votes);
        if won {
            self.ask_votes(false);
            return;
        }
        let last = self.log.last();
        let priority = self.config.priority;
        self.ask(
            self.hard.term.next(),
            &Body::RequestPreVote { last, priority },
        );
    }

    /// Campaigns for real: in a new term, with a vote for itself that counts when it is durable.
    pub(crate) fn ask_votes(&mut self, transfer: bool) {
        self.become_follower(self.hard.term.next(), None);
        self.reset_election_deadline();
        self.hard.vote = Some(self.config.id);
        self.role = Role::Candidate(Votes::new());
        self.ask(
            self.hard.term,
            &Body::RequestVote {
                last: self.log.last(),
                transfer,
            },
        );
    }

    fn ask(&mut self, term: Term, body: &Body) {
        let configuration = self.configuration().clone();
        for voter in configuration.members() {
            let votes = configuration.is_voter(voter) || mutant!(self, LearnersElect);
            if voter == self.config.id || !votes {
                continue;
            }
            self.send_durable_at(voter, term, body.clone());
        }
    }

    pub(crate) fn count_own_vote(&mut self) {
        let id = self.config.id;
        let durable = !self.hard_dirty && self.writes.hard <= self.writes.persisted;
        if let Role::Candidate(votes) = &mut self.role
            && durable
            && votes.get(id).is_none()
        {
            votes.record(id, true);
            self.look_at_votes();
        }
    }

    pub(crate) fn on_request_pre_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last: Position,
        priority: u32,
    ) {
        let granted = term > self.hard.term
            && !self.hears_leader()
            && match last.cmp(&self.log.last()) {
                Ordering::Greater => true,
                Ordering::Less => false,
                // Whoever had its chance holds back nobody who may reach more voters.
                Ordering::Equal if self.in_vain => true,
                // Two that are as good as each other and ask at once would split the votes.
                Ordering::Equal => match &self.role {
                    Role::PreCandidate(_) => {
                        (priority, from) > (self.config.priority, self.config.id)
                    }
                    _ => priority >= self.config.priority || !self.can_lead(),
                },
            };
        // A grant carries the term that it is for, a refusal our own.
        let term = if granted { term } else { self.hard.term };
        self.send_durable_at(from, term, Body::PreVote { granted });
    }

    pub(crate) fn on_request_vote(&mut self, from: NodeId, last: Position, transfer: bool) {
        let free = match self.hard.vote {
            Some(vote) => vote == from || mutant!(self, VoteTwice),
            None => self.leader.is_none() && (transfer || !self.hears_leader()),
        };
        let mut is_up_to_date = last >= self.log.last();
        if mutant!(self, VoteForAnyLog) {
            is_up_to_date = true;
        }
        if mutant!(self, VoteByLength) {
            is_up_to_date = last.index >= self.log.last_index();
        }
        let granted = free && is_up_to_date;
        if granted {
            if self.hard.vote.is_none() || mutant!(self, VoteTwice) {
                self.hard.vote = Some(from);
                self.hard_dirty = true;
            }
            self.role = Role::Follower;
            self.reset_election_deadline();
        }
        self.send_durable(from, Body::Vote { granted });
    }

    pub(crate) fn on_pre_vote(&mut self, from: NodeId, term: Term, granted: bool) {
        let asked = self.hard.term.next();
        let voter = self.configuration().is_voter(from);
        if let Role::PreCandidate(votes) = &mut self.role
            && voter
            && (!granted || term == asked)
        {
            votes.record(from, granted);
            self.look_at_votes();
        }
    }

    pub(crate) fn on_vote(&mut self, from: NodeId, granted: bool) {
        let configuration = self.configuration().clone();
        let voter = configuration.is_voter(from) || mutant!(self, LearnersElect);
        let takes_twice = mutant!(self, RepeatedVote);
        if let Role::Candidate(votes) = &mut self.role
            && voter
        {
            let mut voters = configuration.voters().iter().copied();
            let silent = voters.find(|&node| votes.get(node).is_none());
            let is_again = takes_twice && votes.get(from).is_some();
            let from = silent.filter(|_| is_again).unwrap_or(from);
            votes.record(from, granted);
            self.look_at_votes();
        }
    }

    fn election_result(&self, votes: &Votes) -> VoteResult {
        let configuration = self.configuration();
        if mutant!(self, LearnersElect) {
            return Majority(&configuration.members()).vote_result(|node| votes.get(node));
        }
        if mutant!(self, OutgoingElectsNobody) {
            return Majority(configuration.voters()).vote_result(|node| votes.get(node));
        }
        votes.result(configuration)
    }

    fn look_at_votes(&mut self) {
        let (result, real) = match &self.role {
            Role::PreCandidate(votes) => (votes.result(self.configuration()), false),
            Role::Candidate(votes) => (self.election_result(votes), true),
            _ => return,
        };
        match (result, real) {
            (VoteResult::Pending, _) => {}
            (VoteResult::Won, false) => self.ask_votes(false),
            (VoteResult::Won, true) => self.become_leader(),
            (VoteResult::Lost, real) => {
                self.in_vain |= !real;
                self.role = Role::Follower;
                // Nobody was elected either, or we would hear of it: try again rather soon.
                self.deadline = Some(
                    self.now + self.config.heartbeat_interval + Duration::from_nanos(self.jitter()),
                );
            }
        }
    }

    /// Follows `leader`, or nobody yet, in `term`.
    pub(crate) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        debug_assert!(term >= self.hard.term, "terms only grow");
        let new_term = term > self.hard.term;
        if new_term {
            self.hard.term = term;
            self.hard.vote = None;
            self.hard_dirty = !mutant!(self, ForgetTerm);
        }
        if new_term || leader != self.leader || self.is_leader() {
            self.abort_reads(AbortReason::LeaderChanged, false);
            self.abort_reads_ahead(AbortReason::LeaderChanged);
            self.matched = self.commit;
            self.round = 0;
            self.ack_due = false;
            self.draw_patience();
        }
        let led = self.is_leader();
        self.role = Role::Follower;
        self.leader_changed |= new_term || leader != self.leader;
        self.leader = leader;
        self.quiesced = false;
        self.in_vain &= leader.is_none();
        // Somebody's candidacy is no reason to wait longer (§5.2): one that cannot win would keep
        // those waiting who could.
        if led || leader.is_some() || self.deadline.is_none() {
            self.reset_election_deadline();
        }
    }

    fn become_leader(&mut self) {
        let next = self.log.last_index().next();
        let configuration = self.configuration().clone();
        let id = self.config.id;
        let mut members = configuration.members();
        members.retain(|&member| member != id);
        let members = members.into_iter();
        let peers = members
            .map(|member| Peer::new(member, next, configuration.is_witness(member)))
            .collect();
        let mut uncommitted = super::progress::Inflight::default();
        let tail = self
            .log
            .slice(self.commit.next(), self.log.last_index(), u64::MAX);
        if !tail.is_empty() {
            uncommitted.push(self.log.last_index(), tail.bytes());
        }
        self.leader = Some(id);
        self.leader_changed = true;
        self.in_vain = false;
        self.role = Role::Leader(Box::new(Leader {
            peers,
            term_start: next,
            rounds: Rounds::new(self.now),
            awake_since: self.now,
            uncommitted,
            reads: VecDeque::new(),
            silence: u64::MAX,
            transfer: None,
            lease_until: Instant::default(),
            lease_void: false,
        }));
        self.start_round();
        self.deadline = Some(self.now + self.config.heartbeat_interval);
        // Entries of older terms are committed by committing one of this term (§5.4.2).
        let command = Payload::Command(Bytes::new());
        self.append_own(Entry {
            term: self.hard.term,
            payload: command,
        });
        self.replicate();
        self.advance_commit_by_quorum();
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.random.next_u64()
    }

    fn jitter(&mut self) -> u64 {
        let bound = nanos(self.config.election_jitter);
        if bound == 0 {
            0
        } else {
            self.random.below(bound)
        }
    }

    /// Draws how long to wait for a leader from now on. Not at every message: nodes differ, and go on
    /// differing.
    pub(crate) fn draw_patience(&mut self) {
        self.patience = nanos(self.config.election_timeout).saturating_add(self.jitter());
    }

    #[inline]
    pub(crate) fn reset_election_deadline(&mut self) {
        self.deadline = Some(self.now + Duration::from_nanos(self.patience));
    }
}

/// At most 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
