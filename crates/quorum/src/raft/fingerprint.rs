//! What tells two nodes apart for a model checker.

use super::Raft;
use super::message::Message;
use super::read::Reads;
use super::role::{Leader, Peer, Role};
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

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
        // Whoever adds a field says here what it decides.
        let Self {
            config,
            hard,
            commit,
            handed,
            applied,
            role,
            leader,
            quiesced,
            in_vain,
            matched,
            round,
            incoming,
            reads,
            next_forward,
            known,
            // By `hash_log` and `hash_writes`.
            log: _,
            snapshot: _,
            history: _,
            writes: _,
            held: _,
            // Times, by what has passed of them.
            now: _,
            heard_until: _,
            deadline: _,
            patience: _,
            random: _,
            // Nothing is left in them between two calls, if the host takes what is put out.
            hard_dirty: _,
            log_dirty: _,
            ack_due: _,
            leader_changed: _,
            outbox: _,
            // Bounds only.
            unapplied: _,
            // A shorter way to the same.
            rested: _,
            #[cfg(feature = "mutants")]
                mutant: _,
        } = self;
        rename(config.id).hash(state);
        (hard.term, hard.vote.map(rename)).hash(state);
        self.hash_log(state);
        self.hash_writes(rename, state);
        (commit, handed, applied).hash(state);
        core::mem::discriminant(role).hash(state);
        match role {
            Role::Follower | Role::Stopped => {}
            Role::PreCandidate(votes) | Role::Candidate(votes) => {
                let mut answers: Vec<_> = (self.configuration().members().into_iter())
                    .map(|member| (rename(member), votes.get(member)))
                    .collect();
                answers.sort_unstable();
                answers.hash(state);
            }
            Role::Leader(leader) => hash_leader(leader, self.now, rename, state),
        }
        leader.map(rename).hash(state);
        (self.hears_leader(), quiesced, in_vain, matched, round).hash(state);
        incoming.hash(state);
        let reads = reads.as_deref().filter(|reads| !reads.is_empty());
        if let Some(Reads { forwarded, waiting }) = reads {
            for read in forwarded {
                (read.number, read.token, read.deadline <= self.now).hash(state);
            }
            waiting.hash(state);
        }
        (next_forward, known).hash(state);
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
}

fn hash_leader(
    leader: &Leader,
    now: Instant,
    rename: &impl Fn(NodeId) -> NodeId,
    state: &mut impl Hasher,
) {
    let Leader {
        peers,
        term_start,
        rounds,
        uncommitted,
        reads,
        silence,
        transfer,
        lease_until,
        lease_void,
        awake_since: _,
    } = leader;
    let mut peers: Vec<_> = peers.iter().collect();
    peers.sort_unstable_by_key(|peer| rename(peer.id));
    peers.len().hash(state);
    for peer in peers {
        let Peer {
            id,
            progress,
            round,
            matched_round,
            since,
            told,
            sent_before,
            witness,
            leaving,
            quiesced,
            fenced,
            outgoing,
        } = peer;
        (rename(*id), progress).hash(state);
        (round, matched_round, since, told, sent_before).hash(state);
        (witness, leaving, quiesced, fenced, outgoing).hash(state);
    }
    (term_start, rounds.sent, rounds.confirmed).hash(state);
    (uncommitted, silence, lease_void, now < *lease_until).hash(state);
    reads.len().hash(state);
    for read in reads {
        (read.round, read.index, read.from.map(rename), read.token).hash(state);
    }
    let transfer = transfer.as_ref();
    transfer
        .map(|transfer| (rename(transfer.to), transfer.deadline <= now))
        .hash(state);
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
