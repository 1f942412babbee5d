//! One node and its host: what the disk holds, what waits for it, what is applied.

use super::digest::Bytes as Hashed;
use super::disk::{Applied, Disk, append_to};
use super::event::Event;
use super::scope::Scope;
use alloc::collections::VecDeque;
use bytes::Bytes;
use core::hash::Hash;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    ChunkRequest, Index, Message, Output, Payload, Raft, ReadMode, ReadToken, Recovered, Refusal,
    SnapshotChunk, SnapshotMeta, StartError, Write,
};

/// Why a step leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The node does not do that now.
    Refused,
    /// It did what it must never do.
    Violation(String),
}

/// What a step leads to, besides another state of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) sent: Vec<Message>,
    /// Reads that are answered, and up to where the answer has seen the log.
    pub(crate) ready: Vec<(u8, Index)>,
    pub(crate) aborted: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Write(Write),
    Store(SnapshotChunk),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) raft: Raft,
    now: Instant,
    pub(crate) disk: Disk,
    /// Given to the disk and not durable yet.
    orders: VecDeque<Order>,
    /// The state machine. It is lost in a crash, but for its snapshot.
    pub(crate) applied: Applied,
    starts: u64,
}

pub(crate) type Step<T> = Result<T, Halt>;

pub(crate) fn violation<T>(what: impl core::fmt::Display) -> Step<T> {
    Err(Halt::Violation(what.to_string()))
}

/// What a correct node never refuses.
fn expected<T>(answer: Result<T, Refusal>, what: &str) -> Step<T> {
    answer.or_else(|refusal| violation(format_args!("{what} is refused: {refusal}")))
}

impl Node {
    pub(crate) fn new(scope: &Scope, id: NodeId) -> Self {
        let mut disk = Disk::default();
        if id.0 <= scope.voters {
            disk = Disk::founder(SnapshotMeta {
                configuration: scope.founders().into(),
                ..SnapshotMeta::default()
            });
        }
        let raft = start(scope, id, disk.recover(), 0, Instant::default());
        Self {
            raft: raft.expect("a valid configuration"),
            now: Instant::default(),
            applied: disk.snapshot.clone(),
            disk,
            orders: VecDeque::new(),
            starts: 0,
        }
    }

    pub(crate) fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Takes a step; `message` is what is received, if it is that.
    pub(crate) fn step(
        &mut self,
        scope: &Scope,
        event: Event,
        message: Option<&Message>,
    ) -> Step<Effects> {
        let (before, now) = (self.raft.status(), self.now);
        let refused = |_| Halt::Refused;
        match event {
            Event::Receive(_) => {
                let message = message.expect("something to receive").clone();
                expected(self.raft.receive(now, message), "an honest message")?;
            }
            Event::Campaign => self.raft.campaign(now).map_err(refused)?,
            Event::Heartbeat => {
                let due = self.raft.poll_timeout().ok_or(Halt::Refused)?;
                self.now = now.max(due);
                self.raft.handle_timeout(self.now);
            }
            Event::Lapse => {
                self.now = now + Duration::from_secs(2);
                let told = self.raft.applied(self.now, self.applied.index());
                expected(told, "a report of what is applied")?;
            }
            Event::Persist => {
                let order = self.orders.pop_front().ok_or(Halt::Refused)?;
                self.carry_out(order)?;
            }
            Event::Crash(kept) => self.crash(scope, usize::from(kept))?,
            Event::Propose(number) => {
                let command = Bytes::copy_from_slice(&[b'c', number]);
                let proposed = self.raft.propose(now, command);
                proposed.map_err(|_| Halt::Refused)?;
            }
            Event::Change(number) => {
                let change = scope.changes[usize::from(number)].clone();
                let changed = self.raft.change_membership(now, change);
                changed.map_err(refused)?;
            }
            Event::Transfer(to) => (self.raft.transfer_leadership(now, to)).map_err(refused)?,
            Event::Compact => self.compact()?,
            Event::Read(number) => {
                let token = ReadToken(u64::from(number));
                (self.raft.read(now, token, ReadMode::Index)).map_err(refused)?;
            }
        }
        let effects = self.drain(scope)?;
        self.raft.check_invariants();
        let after = self.raft.status();
        let crashed = matches!(event, Event::Crash(_));
        if !crashed && (after.term < before.term || after.commit < before.commit) {
            return violation("the term or the commit index falls");
        }
        Ok(effects)
    }

    /// The loop of every host.
    fn drain(&mut self, scope: &Scope) -> Step<Effects> {
        let mut effects = Effects::default();
        while let Some(output) = self.raft.poll_output() {
            match output {
                Output::Write(write) => self.order(scope, Order::Write(write))?,
                Output::StoreChunk(chunk) => self.order(scope, Order::Store(chunk))?,
                Output::Send(message) => {
                    self.check_claim(&message)?;
                    effects.sent.push(message);
                }
                Output::Commit(entries) => {
                    for (index, entry) in entries.iter() {
                        if index != self.applied.index().next() {
                            return violation("what is given out has gaps or repeats itself");
                        }
                        if self.disk.term(index) != Some(entry.term) {
                            return violation("what is given out is not durable here");
                        }
                        self.applied.digest = append_to(self.applied.digest, entry);
                        let meta = &mut self.applied.meta;
                        (meta.position.index, meta.position.term) = (index, entry.term);
                        if let Payload::Configuration(configuration) = &entry.payload {
                            meta.configuration = configuration.clone();
                        }
                    }
                    let told = self.raft.applied(self.now, self.applied.index());
                    expected(told, "a report of what is applied")?;
                }
                Output::ReadReady(token) => {
                    (effects.ready).push((number(token), self.applied.index()));
                }
                Output::ReadAborted(token, _) => effects.aborted.push(number(token)),
                Output::FetchChunk(request) => self.fetch(&request)?,
                Output::Fenced(peer) => {
                    return violation(format_args!("{peer} is fenced, and lost nothing"));
                }
                Output::Stopped(reason) => {
                    return violation(format_args!("the node stops: {reason:?}"));
                }
                _ => {}
            }
        }
        Ok(effects)
    }

    fn order(&mut self, scope: &Scope, order: Order) -> Step<()> {
        if scope.slow_disk {
            self.orders.push_back(order);
            Ok(())
        } else {
            self.carry_out(order)
        }
    }

    fn carry_out(&mut self, order: Order) -> Step<()> {
        match order {
            Order::Write(write) => {
                self.disk.write(&write);
                let told = self.raft.persisted(self.now, write.ticket);
                expected(told, "a ticket that was given out")
            }
            Order::Store(chunk) => {
                if self.disk.store(&chunk) {
                    self.applied = self.disk.snapshot.clone();
                }
                let end = chunk.offset + chunk.data.len() as u64;
                let told = self.raft.chunk_stored(self.now, &chunk.meta, end);
                expected(told, "a part of a snapshot that was given out")
            }
        }
    }

    /// Only `kept` of the writes under way have reached the disk.
    fn crash(&mut self, scope: &Scope, kept: usize) -> Step<()> {
        for order in self.orders.drain(..).take(kept) {
            match order {
                Order::Write(write) => self.disk.write(&write),
                Order::Store(chunk) => {
                    self.disk.store(&chunk);
                }
            }
        }
        self.starts += 1;
        self.applied = self.disk.snapshot.clone();
        let id = self.raft.status().id;
        match start(scope, id, self.disk.recover(), self.starts, self.now) {
            Ok(raft) => self.raft = raft,
            Err(error) => return violation(format_args!("the node cannot start again: {error}")),
        }
        Ok(())
    }

    fn compact(&mut self) -> Step<()> {
        let applied = &self.applied;
        if applied.index() <= self.disk.snapshot.index() {
            return Err(Halt::Refused);
        }
        if self.raft.snapshot_meta(applied.index(), 0).as_ref() != Some(&applied.meta) {
            return violation("a snapshot is to be called what it is not");
        }
        self.disk.compact(applied.clone());
        let told = self.raft.compact(self.now, applied.meta.clone());
        expected(told, "a snapshot of what is applied")
    }

    fn fetch(&mut self, request: &ChunkRequest) -> Step<()> {
        let snapshot = &self.disk.snapshot;
        if snapshot.meta != request.meta {
            self.raft.chunk_unavailable(self.now, request);
            return Ok(());
        }
        let content = snapshot.digest.to_le_bytes();
        let from = usize::try_from(request.offset).expect("a small snapshot");
        let to = content.len().min(from + request.max_bytes as usize);
        let chunk = SnapshotChunk {
            meta: request.meta.clone(),
            offset: request.offset,
            data: Bytes::copy_from_slice(&content[from..to]),
            done: to == content.len(),
        };
        let told = self.raft.chunk(self.now, request.to, chunk);
        expected(told, "a part of a snapshot that was asked for")
    }

    /// A fingerprint of all that decides what it will do.
    pub(crate) fn print(&self, rename: &dyn Fn(NodeId) -> NodeId) -> u128 {
        let mut state = Hashed::default();
        self.raft.hash_state(&|node| rename(node), &mut state);
        let mut disk = self.disk.clone();
        disk.hard.vote = disk.hard.vote.map(rename);
        disk.hash(&mut state);
        for order in &self.orders {
            match order {
                Order::Write(write) => {
                    let hard = write.hard_state;
                    (hard.map(|hard| (hard.term, hard.vote.map(rename)))).hash(&mut state);
                    write.entries.hash(&mut state);
                }
                Order::Store(chunk) => chunk.hash(&mut state),
            }
        }
        self.applied.hash(&mut state);
        state.digest()
    }
}

fn start(
    scope: &Scope,
    id: NodeId,
    recovered: Recovered,
    starts: u64,
    now: Instant,
) -> Result<Raft, StartError> {
    let mut raft = Raft::new(scope.config(id), recovered, starts, now)?;
    if let Some(mutant) = scope.mutant {
        raft.set_mutant(mutant);
    }
    Ok(raft)
}

fn number(token: ReadToken) -> u8 {
    u8::try_from(token.0).expect("few reads")
}
