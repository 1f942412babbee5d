//! What tells two nodes apart for a model checker.

use super::Raft;
use super::message::Message;
use super::role::{Leader, Role};
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use purlin_core::node::NodeId;

impl Raft {
    /// Feeds `state` with everything that decides what the node will do, but for the times
    /// themselves, of which it takes what has passed and what has not, for random numbers, which vary
    /// deadlines only, and for whether memory was given back. Two nodes that feed it alike behave alike, if their host gives
    /// them the same inputs, and says which deadlines pass.
    ///
    /// `rename` gives every node another name, one to one: states that differ in the names of nodes
    /// only can be told to be so. Members of configurations are not renamed: give it names that
    /// every configuration in sight maps to itself, and no host that depends on the order of names.
    /// Tickets count from the last one persisted.
    #[doc(hidden)]
    pub fn hash_state(&self, rename: &impl Fn(NodeId) -> NodeId, state: &mut impl Hasher) {
        rename(self.config.id).hash(state);
        self.hard.term.hash(state);
        self.hard.vote.map(rename).hash(state);
        self.hash_log(state);
        self.hash_writes(rename, state);
        (self.commit, self.handed, self.applied).hash(state);
        core::mem::discriminant(&self.role).hash(state);
        match &self.role {
            Role::Follower | Role::Stopped => {}
            Role::PreCandidate(votes) | Role::Candidate(votes) => {
                let mut answers: Vec<_> = (self.configuration().members().into_iter())
                    .map(|member| (rename(member), votes.get(member)))
                    .collect();
                answers.sort_unstable();
                answers.hash(state);
            }
            Role::Leader(leader) => self.hash_leader(leader, rename, state),
        }
        self.leader.map(rename).hash(state);
        (self.hears_leader(), self.quiesced, self.matched, self.round).hash(state);
        self.incoming.hash(state);
        if let Some(reads) = self.reads.as_deref().filter(|reads| !reads.is_empty()) {
            for read in &reads.forwarded {
                (read.number, read.token, read.deadline <= self.now).hash(state);
            }
            reads.waiting.hash(state);
        }
        self.next_forward.hash(state);
        self.known.hash(state);
    }

    fn hash_log(&self, state: &mut impl Hasher) {
        let (base, last) = (self.log.base(), self.log.last_index());
        base.hash(state);
        self.log
            .slice(base.index.next(), last, u64::MAX)
            .hash(state);
        self.snapshot.hash(state);
        self.history.at(base.index).hash(state);
        self.configuration().hash(state);
    }

    fn hash_writes(&self, rename: &impl Fn(NodeId) -> NodeId, state: &mut impl Hasher) {
        let writes = &self.writes;
        let under_way = |ticket: super::Ticket| ticket.0.saturating_sub(writes.persisted.0);
        (
            under_way(writes.issued),
            under_way(writes.hard),
            writes.stable,
        )
            .hash(state);
        for &(ticket, last) in &writes.in_flight {
            (under_way(ticket), last).hash(state);
        }
        let mut held: Vec<_> = (self.held.iter())
            .map(|(ticket, message)| (under_way(*ticket), rename(message.to), message))
            .collect();
        held.sort_by_key(|&(ticket, to, _)| (ticket, to));
        held.len().hash(state);
        for (ticket, _, message) in held {
            ticket.hash(state);
            message.hash_renamed(rename, state);
        }
    }

    fn hash_leader(
        &self,
        leader: &Leader,
        rename: &impl Fn(NodeId) -> NodeId,
        state: &mut impl Hasher,
    ) {
        let mut peers: Vec<_> = leader.peers.iter().collect();
        peers.sort_unstable_by_key(|peer| rename(peer.id));
        peers.len().hash(state);
        for peer in peers {
            rename(peer.id).hash(state);
            peer.progress.hash(state);
            (peer.round, peer.matched_round, peer.told, peer.sent_before).hash(state);
            (peer.witness, peer.leaving, peer.quiesced, peer.fenced).hash(state);
            peer.outgoing.hash(state);
        }
        leader.term_start.hash(state);
        (leader.rounds.sent, leader.rounds.confirmed).hash(state);
        leader.uncommitted.hash(state);
        leader.reads.len().hash(state);
        for read in &leader.reads {
            (read.round, read.index, read.from.map(rename), read.token).hash(state);
        }
        let transfer = leader.transfer.as_ref();
        transfer
            .map(|transfer| (rename(transfer.to), transfer.deadline <= self.now))
            .hash(state);
        (leader.lease_void, self.now < leader.lease_until).hash(state);
    }
}

impl Message {
    /// As [`Raft::hash_state`].
    #[doc(hidden)]
    pub fn hash_renamed(&self, rename: &impl Fn(NodeId) -> NodeId, state: &mut impl Hasher) {
        (rename(self.from), rename(self.to)).hash(state);
        (self.cluster, self.term, self.incarnation).hash(state);
        self.body.hash(state);
    }
}
