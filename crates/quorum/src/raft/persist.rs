//! What waits for the disk: writes go out in order, and what depends on one waits until it is
//! durable.

use super::durable::{Ticket, Write};
use super::error::Refusal;
use super::message::{Body, Message};
use super::output::{Output, StopReason};
use super::position::{Index, Term};
use super::role::Role;
use super::{Entries, Raft};
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Everything up to `ticket` is durable.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexpected`] for a ticket that was never given out.
    pub fn persisted(&mut self, now: Instant, ticket: Ticket) -> Result<(), Refusal> {
        self.admit(now)?;
        if ticket > self.writes.issued {
            return Err(Refusal::Unexpected("a ticket that was never given out"));
        }
        let stable = self.writes.stable;
        self.writes.persist(ticket);
        while let Some(message) = self.held.pop(ticket) {
            self.outbox.push_back(Output::Send(message));
        }
        self.count_own_vote();
        if self.writes.stable > stable {
            if self.is_leader() {
                if !self.configuration().witnesses().is_empty() {
                    self.replicate();
                }
                self.advance_commit_by_quorum();
            } else {
                self.ack_due = true;
            }
            self.hand_out();
        }
        self.finish();
        Ok(())
    }

    /// A write or a sync failed. What the disk holds is not known any more: the node stops, and may
    /// be started again from what the disk really has.
    pub fn write_failed(&mut self, now: Instant) {
        if self.admit(now).is_ok() {
            self.stop(StopReason::WriteFailed);
            self.finish();
        }
    }

    pub(crate) fn stop(&mut self, reason: StopReason) {
        self.abort_reads(super::output::AbortReason::Stopped, true);
        self.role = Role::Stopped;
        self.leader = None;
        self.deadline = None;
        self.held.clear();
        self.incoming = None;
        self.hard_dirty = false;
        self.log_dirty = None;
        self.outbox.push_back(Output::Stopped(reason));
    }

    /// Sends something that says what this node's term or vote is: not before that is durable.
    pub(crate) fn send_durable(&mut self, to: NodeId, body: Body) {
        self.send_durable_at(to, self.hard.term, body);
    }

    /// The same, in another term: pre-votes are about the next one.
    pub(crate) fn send_durable_at(&mut self, to: NodeId, term: Term, body: Body) {
        let message = Message {
            term,
            ..self.message(to, body)
        };
        let waits_for = if self.hard_dirty {
            self.next_ticket()
        } else {
            self.writes.hard
        };
        if waits_for <= self.writes.persisted || mutant!(self, TellBeforeSync) {
            self.outbox.push_back(Output::Send(message));
        } else {
            self.held.push(waits_for, message);
        }
    }

    /// Sends something that depends on nothing.
    #[inline]
    pub(crate) fn send(&mut self, to: NodeId, body: Body) {
        let message = self.message(to, body);
        self.outbox.push_back(Output::Send(message));
    }

    #[inline]
    pub(crate) fn message(&self, to: NodeId, body: Body) -> Message {
        Message {
            cluster: self.config.cluster,
            from: self.config.id,
            to,
            term: self.hard.term,
            incarnation: self.config.incarnation,
            body,
        }
    }

    fn next_ticket(&self) -> Ticket {
        Ticket(self.writes.issued.0 + 1)
    }

    /// Entries from `from` on are new.
    #[inline]
    pub(crate) fn log_changed(&mut self, from: Index) {
        let earlier = self
            .log_dirty
            .map_or(from, |earlier| from.min(Index(earlier.get())));
        self.log_dirty = NonZeroU64::new(earlier.0);
    }

    /// Ends a call: what changed goes out as one write, and what may be answered is answered.
    pub(crate) fn finish(&mut self) {
        if matches!(self.role, Role::Stopped) {
            return;
        }
        if self.ack_due {
            self.acknowledge();
        }
        if self.hard_dirty || self.log_dirty.is_some() {
            self.emit_write();
        }
        if core::mem::take(&mut self.leader_changed) {
            self.outbox.push_back(Output::LeaderChanged {
                term: self.hard.term,
                leader: self.leader,
            });
        }
    }

    pub(crate) fn emit_write(&mut self) {
        let ticket = self.next_ticket();
        self.writes.issued = ticket;
        self.rested = false;
        let mut hard_state = self.hard_dirty.then_some(self.hard);
        if mutant!(self, ForgetVote)
            && let Some(hard_state) = &mut hard_state
        {
            hard_state.vote = None;
        }
        if core::mem::take(&mut self.hard_dirty) {
            self.writes.hard = ticket;
        }
        let last = self.log.last_index();
        let entries = match self.log_dirty.take() {
            Some(from) => {
                let from = Index(from.get());
                self.writes.in_flight.push_back((ticket, last));
                self.log.slice(from, last, u64::MAX)
            }
            None => Entries::empty(last.next()),
        };
        self.outbox.push_back(Output::Write(Write {
            ticket,
            hard_state,
            entries,
        }));
    }
}
