//! What the store of many groups asks of each of them.

use super::output::Output;
use super::{Raft, RoleKind};
use alloc::collections::VecDeque;
use core::mem;
use purlin_core::time::Instant;

impl Raft {
    /// Exchanges the queue of outputs: between calls a group has none of its own.
    #[inline]
    pub(crate) fn swap_outbox(&mut self, outbox: &mut VecDeque<Output>) {
        mem::swap(&mut self.outbox, outbox);
    }

    /// A leader's regular business, at the store's beat instead of its own.
    #[inline]
    pub(crate) fn beat(&mut self, now: Instant) {
        if self.is_leader() && !self.quiesced && self.admit(now).is_ok() {
            self.heartbeat();
            self.finish();
        }
    }

    /// The store on which this silent node's leader runs was heard of, which counts as if the leader
    /// was: nobody else gets this node's vote.
    #[inline]
    pub(crate) fn vouch(&mut self, heard: Instant) {
        if self.quiesced && self.role() == RoleKind::Follower {
            self.contact = self.contact.max(Some(heard));
        }
    }

    /// The store on which this silent node's leader runs was last heard of at `heard`, too long ago.
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
