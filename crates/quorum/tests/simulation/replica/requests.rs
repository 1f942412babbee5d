//! What clients ask.

use super::super::registers;
use super::super::request::{Order, Path, Reply, Request, membership_change, pick};
use super::{Output, Replica};
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;
use purlin_quorum::raft::{Index, ProposeError, ReadMode, ReadToken, Refusal, RoleKind, Term};
use purlin_sim::RequestId;
use purlin_sim::model::{RegisterOp, RegisterRet};

/// A client's command in the log.
#[derive(Debug)]
pub(super) struct Proposal {
    id: RequestId,
    term: Term,
}

/// A client's read.
#[derive(Debug)]
pub(super) struct Read {
    id: RequestId,
    key: u8,
    path: Path,
    /// What was committed when it was asked, by whichever leader: it must see that.
    must_see: u64,
    /// Whether the node led when it was asked.
    was_leader: bool,
    /// Whether it is answered in the step in which it was asked.
    is_new: bool,
}

impl Replica {
    pub(super) fn request(&mut self, now: Instant, id: RequestId, request: Request) {
        let accepted = match request {
            Request::Get(key, path) => self.get(now, id, key, path),
            Request::Put(key, op) => self.put(now, id, key, op),
            Request::Order(order) => {
                let accepted = self.order(now, order);
                if accepted {
                    self.reply(id, Reply::Done);
                }
                accepted
            }
        };
        if !accepted {
            self.outputs.push_back(Output::Refuse(id));
        }
    }

    fn reply(&mut self, id: RequestId, reply: Reply) {
        self.ghost.borrow_mut().answered = Some(id.0);
        self.outputs.push_back(Output::Reply(id, reply));
    }

    fn put(&mut self, now: Instant, id: RequestId, key: u8, op: RegisterOp<u64>) -> bool {
        let proposed = self.raft.propose(now, registers::encode(key, op));
        let mut ghost = self.ghost.borrow_mut();
        match proposed {
            Ok(position) => {
                ghost.tally.proposals += 1;
                // That it takes proposals again shows that the leader has given a transfer up.
                let is_over = self.transfer.take() == Some(position.term);
                ghost.tally.transfers_aborted += u64::from(is_over);
                let proposal = Proposal {
                    id,
                    term: position.term,
                };
                // Where one is replaced, the log was overwritten, twice: what became of the earlier
                // command nobody can tell from this log, and its client waits in vain.
                self.proposals.insert(position.index, proposal);
                true
            }
            Err(ProposeError { .. }) => {
                ghost.tally.proposals_refused += 1;
                false
            }
        }
    }

    /// An entry was applied: tells the client whose command it is, or was to be.
    pub(super) fn answer_proposal(
        &mut self,
        index: Index,
        term: Term,
        answer: Option<RegisterRet<u64>>,
    ) {
        let Some(proposal) = self.proposals.remove(&index) else {
            return;
        };
        match answer {
            Some(answer) if proposal.term == term => {
                self.reply(proposal.id, Reply::Register(answer));
            }
            _ => {
                // The place is taken: the command was not carried out, and never will be.
                self.ghost.borrow_mut().tally.proposals_superseded += 1;
                self.outputs.push_back(Output::Refuse(proposal.id));
            }
        }
    }

    fn get(&mut self, now: Instant, id: RequestId, key: u8, path: Path) -> bool {
        if self.ghost.borrow().is_hollow(self.id) {
            return false; // a witness's state machine has not seen the commands
        }
        if path == Path::Fast {
            let Some(index) = self.raft.lease_read(now) else {
                return false;
            };
            self.ghost.borrow().reads(self.id, index, None);
            self.waiting.push((index, id, key));
            self.answer_waiting();
            return true;
        }
        let mode = match path {
            Path::Index => ReadMode::Index,
            Path::Lease | Path::Fast => ReadMode::Lease,
        };
        let free = self.reads.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.reads.len());
        let must_see = self.ghost.borrow().committed_len();
        let accepted = self.raft.read(now, ReadToken(slot as u64), mode).is_ok();
        if accepted {
            let read = Read {
                id,
                key,
                path,
                must_see,
                was_leader: self.raft.role() == RoleKind::Leader,
                is_new: true,
            };
            if slot == self.reads.len() {
                self.reads.push(None);
            }
            self.reads[slot] = Some(read);
        } else {
            self.ghost.borrow_mut().tally.reads_refused += 1;
        }
        accepted
    }

    /// Answers the reads that only wait for the state machine.
    pub(super) fn answer_waiting(&mut self) {
        let mut at = 0;
        while let Some((index, id, key)) = self.waiting.get(at).copied() {
            if index > self.applied {
                at += 1;
                continue;
            }
            self.waiting.swap_remove(at);
            self.ghost.borrow_mut().tally.reads_by_fast_lease += 1;
            let value = self.registers.get(key);
            self.reply(id, Reply::Register(RegisterRet::Value(value)));
        }
    }

    fn take_read(&mut self, token: ReadToken) -> Read {
        let slot = usize::try_from(token.0).unwrap_or(usize::MAX);
        let read = self.reads.get_mut(slot).and_then(Option::take);
        read.unwrap_or_else(|| panic!("{} answers a read that nobody waits for", self.id))
    }

    pub(super) fn read_ready(&mut self, token: ReadToken) {
        let read = self.take_read(token);
        let mut ghost = self.ghost.borrow_mut();
        if ghost.is_hollow(self.id) {
            return self.outputs.push_back(Output::Refuse(read.id));
        }
        ghost.reads(self.id, self.applied, Some(read.must_see));
        let counter = match read {
            Read {
                was_leader: false, ..
            } => &mut ghost.tally.reads_of_followers,
            Read {
                path: Path::Lease,
                is_new: true,
                ..
            } => &mut ghost.tally.reads_by_lease,
            _ => &mut ghost.tally.reads_by_index,
        };
        *counter += 1;
        drop(ghost);
        let value = self.registers.get(read.key);
        self.reply(read.id, Reply::Register(RegisterRet::Value(value)));
    }

    pub(super) fn read_aborted(&mut self, token: ReadToken) {
        let read = self.take_read(token);
        self.ghost.borrow_mut().tally.reads_aborted += 1;
        self.outputs.push_back(Output::Refuse(read.id));
    }

    /// The step is over: a read that is answered later was not answered at once.
    pub(super) fn age_reads(&mut self) {
        for read in self.reads.iter_mut().flatten() {
            read.is_new = false;
        }
    }

    fn order(&mut self, now: Instant, order: Order) -> bool {
        let mut ghost = self.ghost.borrow_mut();
        match order {
            Order::ChangeMembers(draw) => {
                let can_vote = |node| !ghost.is_hollow(node);
                let change =
                    membership_change(draw, self.raft.configuration(), &self.plan, can_vote);
                drop(ghost);
                let changed = self.raft.change_membership(now, change);
                let is_refused = matches!(&changed, Err(refusal) if !is_elsewhere(refusal));
                self.ghost.borrow_mut().tally.changes_refused += u64::from(is_refused);
                changed.is_ok()
            }
            Order::Transfer(draw) => {
                let voters = self.raft.configuration().voters();
                let Some(to) = pick(&mut SplitMix64::new(draw), voters) else {
                    return false;
                };
                let begun = to != self.id && self.raft.transfer_leadership(now, to).is_ok();
                ghost.tally.transfers_begun += u64::from(begun);
                self.transfer = self.transfer.or_else(|| begun.then(|| self.raft.term()));
                begun
            }
            Order::Campaign => {
                let campaigns = self.raft.campaign(now).is_ok();
                ghost.tally.campaigns_ordered += u64::from(campaigns);
                campaigns
            }
            Order::ForgetLeader => {
                let forgets =
                    self.raft.role() == RoleKind::Follower && self.raft.leader().is_some();
                ghost.tally.leaders_forgotten += u64::from(forgets);
                self.raft.forget_leader(now);
                forgets
            }
            Order::Compact => {
                drop(ghost);
                self.raft.role() != RoleKind::Stopped && self.compact()
            }
        }
    }
}

/// Whether it was refused because the node does not lead, which says nothing.
fn is_elsewhere(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::NotLeader { .. } | Refusal::Stopped)
}
