//! Giving memory back when there is nothing to do.

use super::Raft;
use super::read::Reads;
use super::role::Role;

impl Raft {
    /// At a heartbeat that finds the node idle for the first time: its queues give their memory
    /// back. A machine may hold thousands of groups, of which few have anything in their queues.
    #[inline]
    pub(crate) fn rest(&mut self) {
        if !self.rested {
            self.go_to_rest();
        }
    }

    fn go_to_rest(&mut self) {
        let last = self.log.last_index();
        let idle = self.applied == last
            && self.writes.stable == last
            && self.writes.persisted == self.writes.issued;
        if !idle {
            return;
        }
        self.rested = true;
        self.log.rest();
        self.writes.in_flight.shrink_to_fit();
        self.held.rest();
        self.unapplied.rest();
        if self.reads.as_deref().is_some_and(Reads::is_empty) {
            self.reads = None;
        }
        // What a heartbeat puts out is in it now.
        self.outbox.shrink_to_fit();
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted.rest();
            leader.reads.shrink_to_fit();
            for peer in &mut leader.peers {
                peer.progress.rest();
            }
        }
    }
}
