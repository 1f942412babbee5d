//! What the machine of many groups asks of each of them.

#[cfg(test)]
mod tests;

use super::groups::{Answer, Beat, GroupId};
use super::output::Output;
use super::progress::ProgressState;
use super::role::Role;
use super::rounds::Heartbeat;
use super::{Raft, RoleKind};
use alloc::collections::VecDeque;
use core::mem;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Exchanges the queue of outputs: between calls a group has none of its own.
    #[inline]
    pub(crate) fn swap_outbox(&mut self, outbox: &mut VecDeque<Output>) {
        mem::swap(&mut self.outbox, outbox);
    }

    /// A leader's regular business, at the machine's beat instead of its own. Its heartbeats go to
    /// `send`.
    #[inline]
    pub(crate) fn beat(&mut self, now: Instant, send: impl FnMut(NodeId, Heartbeat)) {
        if !self.is_leader() || self.quiesced || self.admit(now).is_err() {
            return;
        }
        if self.goes_on_leading() {
            self.send_round(send);
            self.confirm_alone();
            self.end_heartbeat();
        }
        self.finish();
    }

    /// Reads what the next heartbeat or answer will read. Done for many groups at once, the memory of
    /// all of them is fetched at the same time.
    #[inline]
    pub(crate) fn warm(&self) -> u64 {
        let own = self.hard.term.0 ^ self.commit.0 ^ self.round ^ u64::from(self.rested);
        let own = own ^ self.heard_until.as_nanos() ^ u64::from(self.deadline.is_some());
        match &self.role {
            Role::Leader(leader) => leader
                .peers
                .iter()
                .fold(own ^ leader.rounds.sent, |sum, peer| sum ^ peer.told.0),
            _ => own,
        }
    }

    /// The short way of a heartbeat that brings nothing but the time: what [`receive`] would do and
    /// answer. `None`, and nothing is done, when it is not of that kind.
    ///
    /// [`receive`]: Self::receive
    #[inline]
    pub(crate) fn hear_beat(
        &mut self,
        now: Instant,
        from: NodeId,
        incarnation: Option<NonZeroU64>,
        beat: &Beat,
    ) -> Option<Answer> {
        // Who rests has everything on disk and applied; who has another for a leader follows it.
        let plain = self.rested
            && !self.quiesced
            && !beat.quiesce
            && self.hard.term == beat.term
            && self.leader == Some(from)
            && beat.commit <= self.commit
            && now >= self.now
            && self.is_known(from, incarnation);
        if !plain {
            return None;
        }
        self.now = now;
        self.heard_until = now + self.config.election_timeout;
        self.reset_election_deadline();
        self.round = self.round.max(beat.round);
        // The answer is about this heartbeat, later ones may have come before it.
        Some(Answer {
            round: beat.round,
            ..self.awake(beat.group)
        })
    }

    /// The same for an answer, to a leader to whom it says nothing but that the follower lives.
    #[inline]
    pub(crate) fn hear_answer(
        &mut self,
        now: Instant,
        from: NodeId,
        incarnation: Option<NonZeroU64>,
        answer: &Answer,
    ) -> bool {
        // Who rests has committed its whole log.
        let last = self.commit;
        let plain = self.rested
            && !self.quiesced
            && !answer.quiesced
            && self.hard.term == answer.term
            && answer.received == last
            && answer.matched == last
            && now >= self.now
            && self.is_known(from, incarnation);
        let Role::Leader(leader) = &mut self.role else {
            return false;
        };
        if !plain || !leader.reads.is_empty() {
            return false;
        }
        let sent = leader.rounds.sent;
        let Some(peer) = leader.peer_mut(from) else {
            return false;
        };
        let plain = peer.progress.state() == ProgressState::Replicate
            && peer.progress.matched() == last
            && peer.told == last
            && !peer.fenced;
        if !plain {
            return false;
        }
        peer.quiesced = false;
        peer.matched_round = sent;
        self.now = now;
        self.acknowledge_round(from, answer.round);
        true
    }

    /// Whether nothing is to be noted of the disk that a peer stands on.
    fn is_known(&self, peer: NodeId, incarnation: Option<NonZeroU64>) -> bool {
        incarnation.is_none_or(|incarnation| self.known.contains(&(peer, incarnation)))
    }

    /// What tells the leader that this node is not silent, nothing else.
    pub(crate) fn awake(&self, group: GroupId) -> Answer {
        Answer {
            group,
            term: self.hard.term,
            matched: self.matched.min(self.writes.stable),
            received: self.matched,
            round: self.round,
            quiesced: false,
        }
    }

    /// The machine on which this silent node's leader runs was heard of, which counts as if the leader
    /// was: nobody else gets this node's vote.
    #[inline]
    pub(crate) fn vouch(&mut self, heard: Instant) {
        if self.quiesced && self.role() == RoleKind::Follower {
            self.heard_until = self.heard_until.max(heard + self.config.election_timeout);
        }
    }

    /// The machine on which this silent node's leader runs was last heard of at `heard`, too long ago.
    /// As with a leader that is not silent, what is left of the wait is the jitter, so that not all
    /// its groups campaign at once.
    pub(crate) fn orphan(&mut self, now: Instant, heard: Instant) {
        self.vouch(heard);
        if self.admit(now).is_ok() && mem::take(&mut self.quiesced) {
            self.reset_election_deadline();
            let early = self.now.saturating_duration_since(heard);
            let early = early.min(self.config.election_timeout);
            self.deadline = self.deadline.map(|deadline| deadline - early);
            self.finish();
        }
    }
}
