//! Linearizable reads (thesis §6.4).

use super::Raft;
use super::error::Refusal;
use super::input::{ReadMode, ReadToken};
use super::message::Body;
use super::output::{AbortReason, Output};
use super::position::Index;
use super::role::{Role, UnconfirmedRead};
use alloc::collections::VecDeque;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// A read that a follower has asked the leader about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ForwardedRead {
    /// Its number between the two nodes: never used twice, so that an answer to an earlier read is
    /// not taken for one to a later.
    pub(crate) number: ReadToken,
    pub(crate) token: ReadToken,
    pub(crate) deadline: Instant,
}

/// Reads that wait, of any role. Few nodes have some: made when one comes, dropped when idle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Those that the leader was asked about.
    pub(crate) forwarded: VecDeque<ForwardedRead>,
    /// Confirmed ones that wait for the state machine, by index.
    pub(crate) waiting: VecDeque<(Index, ReadToken)>,
}

impl Reads {
    pub(crate) fn is_empty(&self) -> bool {
        self.forwarded.is_empty() && self.waiting.is_empty()
    }
}

impl Raft {
    /// Asks when a read is linearizable: [`Output::ReadReady`] says that the state machine may be
    /// looked at, [`Output::ReadAborted`] that it must be asked again. Exactly one of the two comes.
    ///
    /// On the leader it costs a round of heartbeats, shared by all reads that come while an earlier
    /// round is under way; with [`ReadMode::Lease`] and a lease that holds, nothing. On a follower a
    /// message to the leader and back besides.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotLeader`] while no leader is known, [`Refusal::TooManyReads`],
    /// [`Refusal::NoLease`].
    pub fn read(&mut self, now: Instant, token: ReadToken, mode: ReadMode) -> Result<(), Refusal> {
        self.admit(now)?;
        self.rested = false;
        if mode == ReadMode::Lease && self.config.lease_drift_ppm.is_none() {
            return Err(Refusal::NoLease);
        }
        let (forwarded, waiting) = self
            .reads
            .as_deref()
            .map_or((0, 0), |reads| (reads.forwarded.len(), reads.waiting.len()));
        let unconfirmed = self
            .leading()
            .map_or(forwarded, |leader| leader.reads.len());
        let waiting = waiting + unconfirmed;
        if waiting >= self.config.max_reads {
            return Err(Refusal::TooManyReads(waiting));
        }
        if mutant!(self, ReadOfFollower) && !self.is_leader() {
            self.wait_for(self.commit, token);
        } else if let Some(leader) = self.leader.filter(|&leader| leader != self.config.id) {
            self.stir_self();
            let mut number = ReadToken(self.next_forward);
            self.next_forward = self.next_forward.wrapping_add(1);
            if mutant!(self, ReadNumberTwice) {
                number = token;
            }
            let deadline = self.now + self.config.election_timeout;
            let reads = self.reads.get_or_insert_default();
            reads.forwarded.push_back(ForwardedRead {
                number,
                token,
                deadline,
            });
            self.send(leader, Body::RequestReadIndex { token: number });
        } else if self.is_leader() {
            self.stir_self();
            match self.lease_read(now).filter(|_| mode == ReadMode::Lease) {
                Some(index) => self.wait_for(index, token),
                None => self.confirm_read(None, token),
            }
        } else {
            return Err(Refusal::NotLeader { leader: None });
        }
        self.finish();
        Ok(())
    }

    /// The index that a linearizable read must see, if the lease holds: look at the state machine
    /// when that is applied. `None`: use [`read`](Self::read).
    ///
    /// Depends on clocks whose rates differ by no more than [`Config::lease_drift_ppm`]; a clock that
    /// goes back ends the lease.
    ///
    /// [`Config::lease_drift_ppm`]: super::Config::lease_drift_ppm
    #[must_use]
    #[inline]
    pub fn lease_read(&self, now: Instant) -> Option<Index> {
        let Role::Leader(leader) = &self.role else {
            return None;
        };
        let in_time = now < leader.lease_until
            || mutant!(self, LeaseForEver) && leader.lease_until > Instant::default();
        let holds = in_time && now >= self.now && !leader.lease_void;
        let has_begun = self.commit >= leader.term_start || mutant!(self, LeaseBeforeStart);
        (holds && has_begun).then_some(self.commit)
    }

    /// Enrols a read for the next round that is not sent yet: a round that is under way may have
    /// been sent before the read came.
    fn confirm_read(&mut self, from: Option<NodeId>, token: ReadToken) {
        let commit = self.commit;
        let (no_start, no_round, in_flight) = (
            mutant!(self, ReadBeforeStart),
            mutant!(self, ReadWithoutRound) && from.is_none(),
            mutant!(self, ReadByEarlierRound),
        );
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        // Before the first entry of its term is committed, a leader does not know what is: whoever
        // sees that entry applied has seen everything.
        let mut index = commit.max(leader.term_start);
        if no_start {
            index = commit;
        }
        if no_round {
            return self.wait_for(index, token);
        }
        let under_way = leader
            .reads
            .front()
            .is_some_and(|read| read.round <= leader.rounds.sent);
        let mut round = leader.rounds.sent + 1;
        if in_flight && leader.rounds.confirmed < leader.rounds.sent {
            round = leader.rounds.confirmed + 1;
        }
        leader.reads.push_back(UnconfirmedRead {
            round,
            index,
            from,
            token,
        });
        if !under_way {
            self.start_round();
        }
    }

    pub(super) fn release_reads(&mut self, round: u64) {
        loop {
            let Role::Leader(leader) = &mut self.role else {
                return;
            };
            let Some(&UnconfirmedRead {
                round: waits_for, ..
            }) = leader.reads.front()
            else {
                return;
            };
            if waits_for > round {
                // Reads that came while the round was under way; theirs has not been sent.
                if waits_for > leader.rounds.sent {
                    self.start_round();
                }
                return;
            }
            let Some(read) = leader.reads.pop_front() else {
                return;
            };
            match read.from {
                None => self.wait_for(read.index, read.token),
                Some(from) => {
                    self.send(
                        from,
                        Body::ReadIndex {
                            token: read.token,
                            index: Some(read.index),
                        },
                    );
                }
            }
        }
    }

    pub(crate) fn on_request_read_index(&mut self, from: NodeId, token: ReadToken) {
        let room = self
            .leading()
            .is_some_and(|leader| leader.reads.len() < self.config.max_reads);
        if room {
            self.confirm_read(Some(from), token);
        } else {
            self.send(from, Body::ReadIndex { token, index: None });
        }
    }

    pub(crate) fn on_read_index(&mut self, number: ReadToken, index: Option<Index>) {
        let Some(reads) = self.reads.as_deref_mut() else {
            return;
        };
        let forwarded = &mut reads.forwarded;
        let Some(at) = forwarded.iter().position(|read| read.number == number) else {
            return;
        };
        let Some(ForwardedRead { token, .. }) = forwarded.remove(at) else {
            return;
        };
        match index {
            Some(index) => self.wait_for(index, token),
            None => self.abort(token, AbortReason::LeaderChanged),
        }
    }

    /// A confirmed read waits until the state machine has come so far.
    fn wait_for(&mut self, index: Index, token: ReadToken) {
        if index <= self.applied || mutant!(self, ReadBeforeApplied) {
            self.outbox.push_back(Output::ReadReady(token));
        } else {
            let waiting = &mut self.reads.get_or_insert_default().waiting;
            let at = waiting.partition_point(|&(other, _)| other <= index);
            waiting.insert(at, (index, token));
        }
    }

    /// Answers the reads for which enough is applied.
    pub(crate) fn answer_reads(&mut self) {
        let Some(reads) = self.reads.as_deref_mut() else {
            return;
        };
        while let Some(&(index, token)) = reads.waiting.front()
            && index <= self.applied
        {
            reads.waiting.pop_front();
            self.outbox.push_back(Output::ReadReady(token));
        }
    }

    /// Gives up the reads that no leader has confirmed; with `confirmed` the others too.
    pub(crate) fn abort_reads(&mut self, reason: AbortReason, confirmed: bool) {
        let mut reads = self.reads.take();
        if let Some(reads) = &mut reads {
            for read in reads.forwarded.drain(..) {
                self.abort(read.token, reason);
            }
        }
        if let Role::Leader(leader) = &mut self.role {
            for read in core::mem::take(&mut leader.reads) {
                match read.from {
                    None => self.abort(read.token, reason),
                    Some(from) => self.send(
                        from,
                        Body::ReadIndex {
                            token: read.token,
                            index: None,
                        },
                    ),
                }
            }
        }
        if confirmed && let Some(reads) = &mut reads {
            for (_, token) in reads.waiting.drain(..) {
                self.abort(token, reason);
            }
        }
        self.reads = reads;
    }

    /// Gives up the reads to which the leader has not answered in time.
    pub(crate) fn expire_reads(&mut self) {
        let Some(reads) = self.reads.as_deref_mut() else {
            return;
        };
        while let Some(&ForwardedRead {
            token, deadline, ..
        }) = reads.forwarded.front()
            && deadline <= self.now
        {
            reads.forwarded.pop_front();
            let output = Output::ReadAborted(token, AbortReason::TimedOut);
            self.outbox.push_back(output);
        }
    }

    /// Nobody leads that would send what confirmed reads wait for, and perhaps nobody ever will: a
    /// node that was removed does not hear of it, and the entry with which a leader started its term
    /// may be lost with the leader.
    pub(crate) fn abort_reads_ahead(&mut self, reason: AbortReason) {
        let Some(reads) = self.reads.as_deref_mut() else {
            return;
        };
        while let Some(&(index, token)) = reads.waiting.back()
            && index > self.commit
        {
            reads.waiting.pop_back();
            self.outbox.push_back(Output::ReadAborted(token, reason));
        }
    }

    fn abort(&mut self, token: ReadToken, reason: AbortReason) {
        self.outbox.push_back(Output::ReadAborted(token, reason));
    }
}
