//! Giving leadership away (thesis §3.10).

use super::Raft;
use super::error::Refusal;
use super::message::Body;
use super::role::{Role, Transfer};
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Brings `to` up to date, then has it campaign at once. Proposals are refused meanwhile. If
    /// nothing comes of it in an election timeout, this node goes on leading.
    ///
    /// No lease holds any more in this term once the other was told to campaign, as it does without
    /// regard to leases: reads go through rounds.
    ///
    /// # Errors
    ///
    /// [`Refusal::CannotLead`] for learners, witnesses and this node itself,
    /// [`Refusal::UnknownPeer`], [`Refusal::TransferInProgress`], [`Refusal::NotLeader`].
    pub fn transfer_leadership(&mut self, now: Instant, to: NodeId) -> Result<(), Refusal> {
        self.admit(now)?;
        let leader = self.require_leader()?;
        if let Some(transfer) = &leader.transfer {
            return Err(Refusal::TransferInProgress(transfer.to));
        }
        let configuration = self.configuration();
        if !configuration.is_member(to) {
            return Err(Refusal::UnknownPeer(to));
        }
        if to == self.config.id || !configuration.is_voter(to) || configuration.is_witness(to) {
            return Err(Refusal::CannotLead(to));
        }
        self.stir_self();
        let deadline = self.now + self.config.election_timeout;
        if let Role::Leader(leader) = &mut self.role {
            leader.transfer = Some(Transfer { to, deadline });
        }
        self.go_on_with_transfer(to);
        self.finish();
        Ok(())
    }

    /// The one that is to lead has more: if it has everything, it may campaign.
    pub(crate) fn go_on_with_transfer(&mut self, from: NodeId) {
        let last = self.log.last_index();
        let keeps_lease = mutant!(self, LeaseInTransfer);
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let ready = leader
            .transfer
            .as_ref()
            .is_some_and(|transfer| transfer.to == from)
            && leader
                .peer(from)
                .is_some_and(|peer| peer.progress.matched() == last);
        if ready {
            leader.lease_void = !keeps_lease;
            self.send(from, Body::TimeoutNow);
        }
    }

    /// Nothing came of it.
    pub(crate) fn expire_transfer(&mut self) {
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role
            && leader
                .transfer
                .as_ref()
                .is_some_and(|transfer| transfer.deadline <= now)
        {
            leader.transfer = None;
        }
    }

    pub(crate) fn on_timeout_now(&mut self, from: NodeId) {
        if self.leader == Some(from) && self.can_lead() {
            self.ask_votes(true);
        }
    }
}
