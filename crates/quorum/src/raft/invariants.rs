//! What holds of a node after any call.

use super::progress::ProgressState;
use super::role::{Leader, Role};
use super::{Payload, Raft};
use alloc::vec::Vec;

impl Raft {
    /// Checks that the node is as it should be between two calls. For tests. O(log).
    ///
    /// # Panics
    ///
    /// If it is not: a bug.
    pub fn check_invariants(&self) {
        self.log.check_invariants();
        self.check_indices();
        self.check_writes();
        self.check_configurations();
        self.check_reads();
        self.check_rest();
        match &self.role {
            Role::Leader(leader) => self.check_leader(leader),
            Role::Candidate(_) => {
                assert_eq!(
                    self.hard.vote,
                    Some(self.config.id),
                    "a candidate votes for itself"
                );
                assert_eq!(self.leader, None, "who campaigns follows nobody");
            }
            Role::PreCandidate(_) => assert_eq!(self.leader, None, "who campaigns follows nobody"),
            Role::Follower => {
                assert_ne!(self.leader, Some(self.config.id), "nobody follows itself");
            }
            Role::Stopped => return,
        }
        assert!(
            self.quiesced || self.deadline.is_some(),
            "who is awake has a deadline"
        );
    }

    fn check_indices(&self) {
        let last = self.log.last_index();
        let order = [
            self.log.base().index,
            self.snapshot.position.index,
            self.applied,
            self.handed,
            self.commit,
            last,
        ];
        assert!(
            order.is_sorted(),
            "base, snapshot, applied, given out, committed, last: {order:?}"
        );
        let stable = self.writes.stable;
        assert!(
            self.handed <= stable && stable <= last,
            "given out {}, durable {stable}, last {last}",
            self.handed
        );
        assert!(
            self.log.last().term <= self.hard.term,
            "no entry is from a later term"
        );
        let follows = self.leader.is_some_and(|leader| leader != self.config.id);
        assert!(
            !follows || self.commit <= self.matched && self.matched <= last,
            "committed {}, equal to the leader's {}, last {last}",
            self.commit,
            self.matched
        );
        let unapplied = self.unapplied.len();
        assert_eq!(
            unapplied == 0,
            self.applied == self.handed,
            "what is given out and not applied is counted"
        );
    }

    fn check_writes(&self) {
        if matches!(self.role, Role::Stopped) {
            return;
        }
        assert!(
            !self.hard_dirty && self.log_dirty.is_none() && !self.ack_due,
            "a call leaves nothing undone"
        );
        let writes = &self.writes;
        assert!(writes.persisted <= writes.issued && writes.hard <= writes.issued);
        let tickets: Vec<_> = writes.in_flight.iter().map(|&(ticket, _)| ticket).collect();
        assert!(
            tickets.is_sorted_by(|one, two| one < two),
            "tickets grow: {tickets:?}"
        );
        assert!(
            tickets
                .iter()
                .all(|&ticket| writes.persisted < ticket && ticket <= writes.issued),
            "under way is what is given out and not durable: {writes:?}"
        );
        assert!(
            (writes.in_flight.iter()).all(|&(_, last)| last <= self.log.last_index()),
            "{writes:?}"
        );
        assert!(
            !tickets.is_empty() || writes.stable == self.log.last_index(),
            "what is not durable is under way: {writes:?}"
        );
        assert!(
            (self.held.iter()).all(|&(ticket, _)| ticket > writes.persisted),
            "what waits for nothing is not held back"
        );
        assert!(
            self.held.iter().is_sorted_by_key(|&(ticket, _)| ticket),
            "what is held back is in order"
        );
    }

    fn check_configurations(&self) {
        let (base, last) = (self.log.base().index, self.log.last_index());
        let entries = self.log.slice(base.next(), last, u64::MAX);
        let mut latest = None;
        for (index, entry) in entries.iter() {
            if let Payload::Configuration(configuration) = &entry.payload {
                latest = Some((index, configuration));
                assert_eq!(
                    self.history.at(index),
                    configuration,
                    "from an entry on its configuration holds"
                );
            }
        }
        match latest {
            Some((index, configuration)) => {
                assert_eq!(self.configuration(), configuration, "the last one holds");
                assert_eq!(self.history.index(), index);
            }
            None => assert_eq!(self.configuration(), self.history.at(base)),
        }
    }

    fn check_reads(&self) {
        let Some(reads) = self.reads.as_deref() else {
            return;
        };
        let waiting = &reads.waiting;
        assert!(
            waiting.iter().is_sorted_by_key(|&(index, _)| index)
                && waiting.iter().all(|&(index, _)| index > self.applied),
            "reads wait for what is not applied: {waiting:?}"
        );
        assert!(
            reads.forwarded.is_empty() || !self.is_leader() && self.leader.is_some(),
            "reads are asked of a leader"
        );
    }

    fn check_rest(&self) {
        let (last, writes) = (self.log.last_index(), &self.writes);
        let idle = self.applied == last
            && writes.stable == last
            && writes.persisted == writes.issued
            && self.held.is_empty();
        assert!(
            idle || !self.rested,
            "who rests has nothing to do: {self:?}"
        );
    }

    fn check_leader(&self, leader: &Leader) {
        let (id, last) = (self.config.id, self.log.last_index());
        assert_eq!(self.leader, Some(id));
        assert_eq!(self.hard.vote, Some(id), "a leader voted for itself");
        let others = self.configuration().members().into_iter();
        let others: Vec<_> = others.filter(|&member| member != id).collect();
        let peers = leader.peers.iter().filter(|peer| !peer.leaving);
        let peers: Vec<_> = peers.map(|peer| peer.id).collect();
        assert_eq!(peers, others, "a leader knows every other member, by id");
        for peer in &leader.peers {
            let progress = &peer.progress;
            progress.check_invariants();
            assert!(
                progress.matched() <= last && progress.next() <= last.next(),
                "nobody has more of a leader's log than it has: {peer:?}"
            );
            assert!(
                peer.told <= self.commit && peer.round <= leader.rounds.sent,
                "{peer:?}"
            );
            assert!(
                progress.state() != ProgressState::Snapshot
                    || peer.witness
                    || peer.outgoing.is_some(),
                "a snapshot is on its way: {peer:?}"
            );
        }
        let start = leader.term_start;
        assert!(
            start <= self.commit || self.log.term(start) == Some(self.hard.term),
            "a term starts with an entry of its own"
        );
        let rounds = &leader.rounds;
        assert!(rounds.confirmed <= rounds.sent, "{rounds:?}");
        assert!(
            leader.reads.iter().is_sorted_by_key(|read| read.round)
                && (leader.reads.iter())
                    .all(|read| rounds.confirmed < read.round && read.round <= rounds.sent + 1),
            "reads wait for rounds that are not confirmed: {leader:?}"
        );
    }
}
