//! Raft as a [`Machine`].

use super::Raft;
use super::error::{Error, Refusal};
use super::input::Input;
use super::output::{AbortReason, Output};
use super::role::Role;
use purlin_core::machine::Machine;
use purlin_core::time::Instant;

impl Machine for Raft {
    type Input = Input;
    type Output = Output;
    type Error = Error;

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), Error> {
        match input {
            Input::Message(message) => self.receive(now, message)?,
            Input::Propose(command) => {
                self.propose(now, command)
                    .map(drop)
                    .map_err(Error::Propose)?;
            }
            Input::ProposeAll(commands) => {
                self.propose_all(now, commands)
                    .map(drop)
                    .map_err(Error::ProposeAll)?;
            }
            Input::ChangeMembership(change) => {
                self.change_membership(now, change)?;
            }
            Input::Read(token, mode) => self.read(now, token, mode)?,
            Input::TransferLeadership(to) => self.transfer_leadership(now, to)?,
            Input::Campaign => self.campaign(now)?,
            Input::Persisted(ticket) => self.persisted(now, ticket)?,
            Input::WriteFailed => self.write_failed(now),
            Input::Applied(index) => self.applied(now, index)?,
            Input::Compact(meta) => self.compact(now, meta)?,
            Input::Chunk(to, chunk) => self.chunk(now, to, chunk)?,
            Input::ChunkUnavailable(request) => self.chunk_unavailable(now, &request),
            Input::ChunkStored(meta, stored) => self.chunk_stored(now, &meta, stored)?,
            Input::Unreachable(peer) => self.unreachable(now, peer),
            Input::Wake => self.wake(now),
        }
        Ok(())
    }

    #[inline]
    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) || self.admit(now).is_err() {
            return;
        }
        self.expire_reads();
        if self.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.deadline_passed();
        }
        self.finish();
    }

    #[inline]
    fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    #[inline]
    fn poll_timeout(&self) -> Option<Instant> {
        let Some(reads) = self.reads.as_deref() else {
            return self.deadline;
        };
        let read = reads.forwarded.front().map(|read| read.deadline);
        self.deadline.into_iter().chain(read).min()
    }
}

impl Raft {
    /// Notes the time, which only goes forward here, and refuses when the node has stopped.
    #[inline]
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Refusal> {
        match &mut self.role {
            Role::Stopped => return Err(Refusal::Stopped),
            // A lease must not live longer for it.
            Role::Leader(leader) if now < self.now => leader.lease_until = Instant::default(),
            _ => {}
        }
        self.now = self.now.max(now);
        Ok(())
    }

    fn deadline_passed(&mut self) {
        if self.is_leader() {
            self.heartbeat();
            return;
        }
        self.abort_reads_ahead(AbortReason::TimedOut);
        self.in_vain |= matches!(self.role, Role::PreCandidate(_));
        if self.can_lead() {
            self.start_campaign();
        } else {
            self.reset_election_deadline();
        }
    }

    /// A leader's regular business.
    fn heartbeat(&mut self) {
        if self.goes_on_leading() {
            self.start_round();
            self.end_heartbeat();
        }
    }

    /// Its first part: what comes before the round of heartbeats.
    pub(crate) fn goes_on_leading(&mut self) -> bool {
        let timeout = self.config.election_timeout;
        if let Role::Leader(leader) = &self.role
            && self.config.check_quorum
            && self.now >= leader.heard() + timeout + self.config.heartbeat_interval
        {
            self.become_follower(self.hard.term, None);
            return false;
        }
        self.deadline = Some(self.now + self.config.heartbeat_interval);
        self.expire_transfer();
        true
    }

    /// Its last part: what comes after.
    pub(crate) fn end_heartbeat(&mut self) {
        self.retry_snapshots();
        self.fall_silent();
        self.rest();
    }
}
