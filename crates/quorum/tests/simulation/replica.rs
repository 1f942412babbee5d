//! What a service makes of the core: a replicated state machine with clients, a disk and snapshots.

mod disk;
mod requests;
mod snapshots;

use super::ghost::{Cause, Ghost};
use super::registers::Registers;
use super::request::{Reply, Request};
use super::scenario::Plan;
use super::store::{DiskWrite, Found, Journal};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use core::cell::RefCell;
use core::convert::Infallible;
use disk::Then;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    self, ChunkRequest, Entries, Entry, Index, Message, Raft, Refusal, RoleKind, SnapshotMeta,
    StopReason,
};
use purlin_sim::RequestId;
use requests::{Proposal, Read};

/// One node.
pub(crate) struct Replica {
    id: NodeId,
    plan: Rc<Plan>,
    ghost: Rc<RefCell<Ghost>>,
    pub(crate) raft: Raft,
    registers: Registers,
    applied: Index,
    journal: Journal,
    /// How far the state machine on disk is, if it was kept.
    written_applied: Index,
    /// Records that are not durable, and what is to be done when they are.
    unsynced: VecDeque<(u64, Then)>,
    is_syncing: bool,
    /// The own snapshot.
    snapshot: (SnapshotMeta, Registers),
    is_compacting: bool,
    /// A snapshot that comes in, as far as it has come.
    incoming: Option<(SnapshotMeta, Vec<u8>)>,
    /// What takes its time, first come first served.
    chores: VecDeque<(Instant, Chore)>,
    proposals: BTreeMap<Index, Proposal>,
    /// Reads by token; tokens are used again.
    reads: Vec<Option<Read>>,
    /// Reads that need only wait for the state machine.
    waiting: Vec<(Index, RequestId, u8)>,
    /// The transfer under way, as far as this node knows: in which term.
    transfer: Option<raft::Term>,
    outputs: VecDeque<Output>,
    steps: u64,
}

/// How many steps lie between two checks of the core's own invariants, which look at the whole log.
const CHECK_EVERY: u64 = 64;

/// What happens to a node.
#[derive(Debug)]
pub(crate) enum Input {
    Message(Message),
    Request(RequestId, Request),
    Synced(u64),
    SyncFailed,
}

/// What a node does.
#[derive(Debug)]
pub(crate) enum Output {
    Send(Message),
    Write(u64, DiskWrite),
    Sync(u64),
    Reply(RequestId, Reply),
    Refuse(RequestId),
}

#[derive(Debug)]
enum Chore {
    Apply(Index, Entry),
    Fetch(ChunkRequest),
    Stored(SnapshotMeta, u64),
}

impl Replica {
    /// A node that starts on what it has found.
    pub(crate) fn new(
        id: NodeId,
        raft: Raft,
        found: Found,
        life: u32,
        plan: &Rc<Plan>,
        ghost: &Rc<RefCell<Ghost>>,
    ) -> Self {
        let journal = Journal::new(&found, life);
        let mut replica = Self {
            id,
            plan: plan.clone(),
            ghost: ghost.clone(),
            raft,
            applied: found.recovered.applied,
            registers: found.registers,
            journal,
            written_applied: found.recovered.applied,
            unsynced: VecDeque::new(),
            is_syncing: false,
            snapshot: (found.recovered.snapshot, found.snapshot),
            is_compacting: false,
            incoming: None,
            chores: VecDeque::new(),
            proposals: BTreeMap::new(),
            reads: Vec::new(),
            waiting: Vec::new(),
            transfer: None,
            outputs: VecDeque::new(),
            steps: 0,
        };
        if found.is_empty && !replica.snapshot.0.configuration.is_empty() {
            replica.write_checkpoint(Vec::new(), Then::Nothing, false);
        }
        replica
            .ghost
            .borrow_mut()
            .observes(id, &replica.raft, Cause::Start);
        replica
    }

    /// The state machine: how far it is, and a digest of it.
    pub(crate) fn state(&self) -> (Index, u64) {
        (self.applied, self.registers.digest())
    }

    /// How many clients wait for reads.
    pub(crate) fn open_reads(&self) -> usize {
        self.waiting.len() + self.reads.iter().flatten().count()
    }

    /// Whether it will do nothing more until it is restarted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.raft.role() == RoleKind::Stopped
    }

    fn receive(&mut self, now: Instant, message: Message) {
        if let Err(refusal) = self.raft.receive(now, message) {
            let is_strange = matches!(refusal, Refusal::Misdirected { .. } | Refusal::Malformed(_));
            assert!(!is_strange, "{} got {refusal}", self.id);
        }
    }

    /// Ends a step.
    fn settle(&mut self, now: Instant, cause: Cause) {
        self.drain(now, cause);
        self.age_reads();
        self.save_if_due();
        self.steps += 1;
        if self.steps.is_multiple_of(CHECK_EVERY) {
            self.raft.check_invariants();
        }
    }

    /// Carries out what the core wants: to be done after every call.
    fn drain(&mut self, now: Instant, cause: Cause) {
        self.ghost.borrow_mut().observes(self.id, &self.raft, cause);
        while let Some(output) = self.raft.poll_output() {
            self.carry_out(now, output);
        }
    }

    fn carry_out(&mut self, now: Instant, output: raft::Output) {
        match output {
            raft::Output::Write(write) => self.write(write),
            raft::Output::Send(message) => {
                self.ghost.borrow_mut().sends(&message);
                self.outputs.push_back(Output::Send(message));
            }
            raft::Output::Commit(entries) => self.commit(now, &entries),
            raft::Output::ReadReady(token) => self.read_ready(token),
            raft::Output::ReadAborted(token, _) => self.read_aborted(token),
            raft::Output::FetchChunk(request) => self.later(now, Chore::Fetch(request)),
            raft::Output::StoreChunk(chunk) => self.store_chunk(now, chunk),
            raft::Output::Stopped(reason) => self.stop(reason),
            raft::Output::Fenced(node) => self.fence(node),
            raft::Output::LeaderChanged { .. }
            | raft::Output::LeaderReady(_)
            | raft::Output::ConfigurationChanged(_) => {}
            _ => panic!("an output that nobody knows"),
        }
    }

    fn stop(&mut self, reason: StopReason) {
        assert!(
            !matches!(reason, StopReason::Diverged(_)) || self.plan.wipes,
            "{} stops: {reason:?}",
            self.id
        );
        self.unsynced.clear();
        self.chores.clear();
        self.proposals.clear();
        self.waiting.clear();
    }

    fn fence(&mut self, node: NodeId) {
        assert!(self.plan.wipes, "{} fences {node}", self.id);
        self.ghost.borrow_mut().tally.fenced += 1;
    }

    /// Entries to apply: now, or when the state machine gets to it.
    fn commit(&mut self, now: Instant, entries: &Entries) {
        self.ghost.borrow_mut().gives(self.id, entries, &self.raft);
        if self.plan.apply_delay.is_zero() {
            for (index, entry) in entries.iter() {
                self.apply(index, entry);
            }
            self.report_applied(now);
        } else {
            for (index, entry) in entries.iter() {
                self.later(now, Chore::Apply(index, entry.clone()));
            }
        }
    }

    fn apply(&mut self, index: Index, entry: &Entry) {
        assert_eq!(
            index,
            self.applied.next(),
            "{} is to apply out of order",
            self.id
        );
        let answer = self.registers.apply(entry);
        self.applied = index;
        let digest = self.registers.digest();
        self.ghost
            .borrow_mut()
            .applies(self.id, index, entry, digest);
        self.answer_proposal(index, entry.term, answer);
    }

    fn report_applied(&mut self, now: Instant) {
        self.answer_waiting();
        if self.raft.role() != RoleKind::Stopped {
            let applied = self.raft.applied(now, self.applied);
            applied.expect("what was given out may be applied");
        }
    }

    fn later(&mut self, now: Instant, chore: Chore) {
        let due = now + self.plan.apply_delay;
        let due = self.chores.back().map_or(due, |(last, _)| due.max(*last));
        self.chores.push_back((due, chore));
    }

    fn do_chores(&mut self, now: Instant) {
        let before = self.applied;
        while self.chores.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, chore)) = self.chores.pop_front() else {
                break;
            };
            match chore {
                Chore::Apply(index, entry) => self.apply(index, &entry),
                Chore::Fetch(request) => self.fetch_chunk(now, request),
                Chore::Stored(meta, stored) => self.report_stored(now, meta, stored),
            }
        }
        if self.applied != before {
            self.report_applied(now);
        }
    }
}

impl Machine for Replica {
    type Input = Input;
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), Infallible> {
        match input {
            Input::Message(message) => self.receive(now, message),
            Input::Request(id, request) => self.request(now, id, request),
            Input::Synced(record) => self.synced(now, record),
            Input::SyncFailed => self.raft.write_failed(now),
        }
        self.settle(now, Cause::Input);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.do_chores(now);
        self.raft.handle_timeout(now);
        self.settle(now, Cause::Timeout);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let chore = self.chores.front().map(|(due, _)| *due);
        [chore, self.raft.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }
}
