//! Changes of members, on the leader (§6, thesis §4).

use super::error::Refusal;
use super::membership::{Configuration, MembershipChange};
use super::message::Body;
use super::output::Output;
use super::position::Position;
use super::progress::ProgressState;
use super::role::{Peer, Role};
use super::{Entry, Payload, Raft};
use alloc::sync::Arc;
use purlin_core::time::Instant;

impl Raft {
    /// Proposes other members: one [`Change`](super::Change), several, or
    /// [`MembershipChange::leave`]. The new configuration holds at once, on this node, and on each other
    /// one as soon as it has the entry; it is decided when the entry is committed, and taken back
    /// when the entry is lost.
    ///
    /// One change at a time: the next one is refused until this one is committed, and for an
    /// automatic joint change until that is left again.
    ///
    /// To add a voter, add it as a learner first, wait until
    /// [`Status::is_caught_up`](super::Status::is_caught_up), then add it as a voter: one that has
    /// nothing yet counts for the quorum at once, and until it has caught up the group survives fewer
    /// failures, or, of two, commits nothing.
    ///
    /// To add whom the group has, or to remove whom it has not, is accepted and changes nothing: so a
    /// request whose answer was lost can be made again.
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_core::machine::Machine;
    /// use purlin_core::node::NodeId;
    /// use purlin_core::time::Instant;
    /// use purlin_quorum::raft::{Change, Config, Configuration, Output, Raft, Recovered, Refusal};
    ///
    /// // A group of one, whose disk and state machine are quick.
    /// fn drain(raft: &mut Raft, now: Instant) {
    ///     while let Some(output) = raft.poll_output() {
    ///         match output {
    ///             Output::Write(write) => raft.persisted(now, write.ticket).unwrap(),
    ///             Output::Commit(entries) => raft.applied(now, entries.last().unwrap().index).unwrap(),
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// let mut now = Instant::default();
    /// let founders = Recovered::bootstrap(Configuration::new([NodeId(1)]));
    /// let mut raft = Raft::new(Config::new(NodeId(1)), founders, 0x5eed, now)?;
    /// raft.campaign(now)?;
    /// drain(&mut raft, now);
    /// assert!(raft.is_ready());
    ///
    /// raft.change_membership(now, Change::AddLearner(NodeId(2)))?;
    /// drain(&mut raft, now);
    /// assert_eq!(raft.configuration().learners(), [NodeId(2)]);
    /// // Node 2 has not been heard of: not yet.
    /// if raft.status().is_caught_up(NodeId(2)) {
    ///     raft.change_membership(now, Change::AddVoter(NodeId(2)))?;
    /// }
    /// assert_eq!(raft.configuration().voters(), [NodeId(1)]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::ChangePending`], [`Refusal::NotReady`], [`Refusal::Change`], and as of
    /// [`propose`](Self::propose).
    pub fn change_membership(
        &mut self,
        now: Instant,
        change: impl Into<MembershipChange>,
    ) -> Result<Position, Refusal> {
        self.admit(now)?;
        let leader = self.require_leader()?;
        if let Some(transfer) = &leader.transfer {
            return Err(Refusal::TransferInProgress(transfer.to));
        }
        // A change before the first commit of the term could commit without meeting a quorum of a
        // change that another leader has under way (thesis §4.1, and the note on its bug).
        if self.commit < leader.term_start && !mutant!(self, ChangeBeforeStart) {
            return Err(Refusal::NotReady);
        }
        if self.history.index() > self.commit && !mutant!(self, TwoChanges) {
            return Err(Refusal::ChangePending(self.history.index()));
        }
        let configuration = self.configuration().change(&change.into())?;
        self.stir_self();
        let position = self.append_configuration(configuration);
        self.finish();
        Ok(position)
    }

    fn append_configuration(&mut self, configuration: Configuration) -> Position {
        let configuration = Arc::new(configuration);
        let index = self.log.last_index().next();
        let payload = Payload::Configuration(configuration.clone());
        self.append_own(Entry {
            term: self.hard.term,
            payload,
        });
        self.history.push(index, configuration);
        self.configuration_changed();
        self.replicate();
        self.advance_commit_by_quorum();
        if mutant!(self, LeaveJointEarly) {
            self.go_on_with_change();
        }
        Position::new(self.hard.term, index)
    }

    /// Who is removed may come back with another disk. Each configuration counts, not the last one
    /// alone: a node that was behind learns at once that a peer went and came back.
    pub(crate) fn forget_strangers(&mut self, configuration: &Configuration) {
        self.known
            .retain(|&(peer, _)| configuration.is_member(peer));
    }

    /// Other members are in force.
    pub(crate) fn configuration_changed(&mut self) {
        let configuration = self.configuration().clone();
        self.forget_strangers(&configuration);
        let (id, next) = (self.config.id, self.log.last_index());
        if let Role::Leader(leader) = &mut self.role {
            for peer in &mut leader.peers {
                peer.leaving = !configuration.is_member(peer.id);
            }
            for member in configuration.members() {
                let witness = configuration.is_witness(member);
                match leader.peer_mut(member) {
                    Some(peer) => peer.witness = witness,
                    None if member == id => {}
                    None => leader.peers.push(Peer {
                        since: leader.rounds.sent,
                        ..Peer::new(member, next, witness)
                    }),
                }
            }
            leader.peers.sort_unstable_by_key(|peer| peer.id);
            if leader
                .transfer
                .as_ref()
                .is_some_and(|on| !configuration.is_voter(on.to))
            {
                leader.transfer = None;
            }
        }
        self.outbox
            .push_back(Output::ConfigurationChanged(configuration));
    }

    /// A configuration is committed, perhaps: leaves a joint one, or steps down when the leader
    /// itself is no voter any more.
    pub(crate) fn go_on_with_change(&mut self) {
        let Some(leader) = self.leading() else { return };
        let is_early = self.history.index() > self.commit || self.commit < leader.term_start;
        if is_early && !mutant!(self, LeaveJointEarly) {
            return;
        }
        if mutant!(self, AutoLeaveOfOwnTerm) && self.history.index() < leader.term_start {
            return;
        }
        let configuration = self.configuration().clone();
        self.part_with_leavers();
        if configuration.is_joint() {
            // Every leader leaves it, not only the one that entered it.
            if configuration.auto_leave()
                && let Ok(next) = configuration.leave_joint()
            {
                self.append_configuration(next);
            }
        } else if !configuration.is_voter(self.config.id) {
            self.resign();
        }
    }

    /// Stops leading, as it was removed, and asks the most advanced voter to go on.
    fn resign(&mut self) {
        let configuration = self.configuration().clone();
        let heir = self.leading().and_then(|leader| {
            let able = leader.peers.iter().filter(|peer| {
                configuration.is_voter(peer.id)
                    && !peer.witness
                    && peer.progress.state() == ProgressState::Replicate
            });
            able.max_by_key(|peer| peer.progress.matched())
                .map(|peer| peer.id)
        });
        if let Some(heir) = heir {
            self.send(heir, Body::TimeoutNow);
        }
        self.become_follower(self.hard.term, None);
    }
}
