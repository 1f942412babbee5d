//! What is committed, and giving it out (§5.3, §5.4).

use super::error::Refusal;
use super::output::Output;
use super::position::Index;
use super::role::Role;
use super::{Entries, Raft};
use crate::quorum::{Majority, QuorumSystem as _};
use purlin_core::time::Instant;

impl Raft {
    /// The state machine has applied everything up to `index`, durably enough that the node will be
    /// started with [`Recovered::applied`](super::Recovered::applied) no further than what it has.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexpected`] for more than was given out.
    pub fn applied(&mut self, now: Instant, index: Index) -> Result<(), Refusal> {
        self.admit(now)?;
        if index > self.handed {
            return Err(Refusal::Unexpected("applied more than was given out"));
        }
        if index > self.applied {
            self.applied = index;
            self.unapplied.free(index);
            self.answer_reads();
            self.hand_out();
            self.finish();
        }
        Ok(())
    }

    /// A leader commits what a quorum has on stable storage, if it is of its own term (§5.4.2).
    pub(crate) fn advance_commit_by_quorum(&mut self) {
        let Role::Leader(leader) = &self.role else {
            return;
        };
        let leader_start = leader.term_start;
        let (id, mut stable) = (self.config.id, self.writes.stable);
        if mutant!(self, CountUnsynced) {
            stable = self.log.last_index();
        }
        let acknowledged = |node| {
            if node == id {
                stable.0
            } else {
                let counted = leader.peer(node).filter(|peer| !peer.fenced);
                counted.map_or(0, |peer| peer.progress.matched().0)
            }
        };
        let configuration = self.configuration();
        let mut index = Index(configuration.committed(acknowledged));
        if mutant!(self, CommitWithLearners) {
            let members = configuration.members();
            index = Index(Majority(&members).committed(acknowledged).unwrap_or(0));
        }
        if mutant!(self, CommitWithoutOutgoing) {
            let voters = configuration.voters();
            index = Index(Majority(voters).committed(acknowledged).unwrap_or(0));
        }
        let is_own = self.log.term(index) == Some(self.hard.term);
        if index > self.commit && (is_own || mutant!(self, CommitEarlierTerm)) {
            let before = core::mem::replace(&mut self.commit, index);
            self.set_commit(index);
            self.tell_commits();
            if before < leader_start && leader_start <= index {
                self.outbox.push_back(Output::LeaderReady(self.hard.term));
            }
            // Only where one of these is newly committed is there a next step.
            let steps = [self.history.index(), leader_start];
            if steps.iter().any(|&step| before < step && step <= index) {
                self.go_on_with_change();
            }
        }
    }

    /// A follower hears what is committed, of what it has.
    pub(crate) fn follow_commit(&mut self, index: Index) {
        if index > self.commit {
            self.set_commit(index.min(self.log.last_index()));
        }
    }

    #[inline]
    fn set_commit(&mut self, index: Index) {
        self.commit = index;
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted.free(index);
        }
        self.hand_out();
    }

    /// Tells the followers what is committed of what they have.
    fn tell_commits(&mut self) {
        let commit = self.commit;
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let mut tell = core::mem::take(&mut leader.peers);
        for peer in &mut tell {
            let upto = commit.min(peer.progress.matched());
            if upto > peer.told {
                peer.told = upto;
                self.send(peer.id, super::Body::Commit { commit: upto });
            }
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.peers = tell;
        }
    }

    /// Gives out what is committed and durable here, as far as the host keeps up. Durable, because
    /// a state machine must not be ahead of its own log when the node starts again. Nothing while the
    /// host replaces the state machine by a snapshot: the entries would come to it when they are in it
    /// already.
    pub(crate) fn hand_out(&mut self) {
        if self.is_installing() {
            return;
        }
        let mut upto = self.commit.min(self.writes.stable);
        if mutant!(self, GiveOutUncommitted) {
            upto = self.writes.stable;
        }
        while self.handed < upto {
            let held = self.unapplied.bytes();
            let room = self.config.max_unapplied_bytes.saturating_sub(held);
            if room == 0 && !self.unapplied.is_empty() {
                return;
            }
            let entries = self.log.slice(self.handed.next(), upto, room);
            let Some(last) = entries.last() else { return };
            self.handed = last.index;
            self.unapplied.push(last.index, entries.bytes());
            self.outbox.push_back(Output::Commit(entries));
        }
    }

    /// Entries of the log in memory: `from..=to`, as many as have `max_bytes` of payload, at least
    /// one if there is one. None before [`Status::snapshot`](super::Status)'s position less
    /// [`Config::trailing_entries`](super::Config).
    #[must_use]
    pub fn entries(&self, from: Index, to: Index, max_bytes: u64) -> Entries {
        self.log.slice(from, to, max_bytes)
    }
}
