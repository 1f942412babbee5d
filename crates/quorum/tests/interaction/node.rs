//! A node with its host: a disk, and queues of what it wants written and applied.

use super::disk::Disk;
use super::render;
use bytes::Bytes;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Body, Config, Entries, HardState, Index, MembershipChange, Message, Output, Raft, Recovered,
    RoleKind, SnapshotChunk, Write,
};
use std::collections::BTreeMap;

/// What every snapshot holds: its content plays no part in the scripts.
const SNAPSHOT: &[u8] = b"state";

/// Something for the append thread.
#[derive(Debug)]
enum Work {
    Write(Write),
    Store(SnapshotChunk),
}

/// A node and its host.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) raft: Raft,
    pub(crate) disk: Disk,
    /// The node's own clock: ticks go to one node at a time.
    now: Instant,
    /// What it has put out since its last Ready.
    ready: Vec<Output>,
    /// What Readies have left to the append thread; each is written by one sync.
    appends: Vec<Vec<Work>>,
    /// What Readies have left to the apply thread.
    applies: Vec<Entries>,
    asynchronous: bool,
    /// Every entry that was applied.
    pub(crate) applied: BTreeMap<Index, String>,
    /// A change that was refused only for now: the host proposes it again.
    pub(crate) postponed: Option<MembershipChange>,
}

impl Node {
    pub(crate) fn new(
        config: Config,
        recovered: Recovered,
        asynchronous: bool,
    ) -> Result<Self, String> {
        let now = Instant::from_nanos(0);
        let disk = Disk::new(recovered.snapshot.position);
        let seed = config.id.0;
        // With leases, a node does not help to elect anybody for an election timeout after its
        // start: that time has passed when a script begins.
        let warm_up = config
            .lease_drift_ppm
            .map_or(Duration::ZERO, |_| config.election_timeout);
        let raft = Raft::new(config, recovered, seed, now).map_err(|error| error.to_string())?;
        let mut node = Self {
            raft,
            disk,
            now: now + warm_up,
            ready: Vec::new(),
            appends: Vec::new(),
            applies: Vec::new(),
            asynchronous,
            applied: BTreeMap::new(),
            postponed: None,
        };
        node.drain()?;
        Ok(node)
    }

    /// Gives the node an input, then takes what it puts out, and checks it.
    pub(crate) fn input<T>(
        &mut self,
        input: impl FnOnce(&mut Raft, Instant) -> T,
    ) -> Result<T, String> {
        let result = input(&mut self.raft, self.now);
        self.drain()?;
        Ok(result)
    }

    /// Lets a tick pass.
    pub(crate) fn tick(&mut self, tick: Duration) -> Result<(), String> {
        self.now += tick;
        self.input(|raft, now| raft.handle_timeout(now))
    }

    fn drain(&mut self) -> Result<(), String> {
        while let Some(output) = self.raft.poll_output() {
            match output {
                Output::FetchChunk(request) => {
                    let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
                    let data = SNAPSHOT.get(offset..).ok_or("a chunk after the end")?;
                    let chunk = SnapshotChunk {
                        meta: request.meta,
                        offset: request.offset,
                        data: Bytes::from_static(data),
                        done: true,
                    };
                    let answer = self.raft.chunk(self.now, request.to, chunk);
                    answer.map_err(|refusal| format!("a chunk was refused: {refusal}"))?;
                }
                Output::Stopped(reason) => return Err(format!("a node stopped: {reason:?}")),
                output => self.ready.push(output),
            }
        }
        self.check_stable()
    }

    /// Whatever the node takes for stable is on its disk, and not another entry of that index.
    fn check_stable(&self) -> Result<(), String> {
        let stable = self.raft.status().stable;
        let term = self.raft.log_term(stable);
        if self.disk.holds(stable, term) {
            return Ok(());
        }
        let id = self.raft.config().id;
        Err(format!(
            "{id} takes {term:?}/{stable} for stable; its disk has {:?}",
            self.disk
        ))
    }

    /// What a message promises is on the disk when it leaves.
    fn check_promise(&self, message: &Message) -> Result<(), String> {
        let vote = |node| HardState {
            term: message.term,
            vote: Some(node),
        };
        let kept = match message.body {
            Body::RequestVote { .. } => self.disk.hard_state == vote(message.from),
            Body::Vote { granted: true } => self.disk.hard_state == vote(message.to),
            Body::Appended { matched, .. } | Body::Full { matched, .. } => {
                self.disk.holds(matched, self.raft.log_term(matched))
            }
            _ => true,
        };
        if kept {
            return Ok(());
        }
        Err(format!(
            "{message:?} promises what is not on the disk: {:?}",
            self.disk
        ))
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn has_appends(&self) -> bool {
        !self.appends.is_empty()
    }

    pub(crate) fn has_applies(&self) -> bool {
        !self.applies.is_empty()
    }

    /// Does what the node wants done, or queues it for the threads. Answers what is sent.
    pub(crate) fn process_ready(&mut self) -> Result<Vec<Message>, String> {
        let mut sent = Vec::new();
        let mut work = Vec::new();
        let mut committed = Vec::new();
        for output in core::mem::take(&mut self.ready) {
            match output {
                Output::Write(write) => work.push(Work::Write(write)),
                Output::StoreChunk(chunk) => work.push(Work::Store(chunk)),
                Output::Send(message) => {
                    self.check_promise(&message)?;
                    sent.push(message);
                }
                Output::Commit(entries) => committed.push(entries),
                _ => {}
            }
        }
        if self.asynchronous && !self.is_candidacy(&work) {
            if !work.is_empty() {
                self.appends.push(work);
            }
            self.applies.append(&mut committed);
        } else {
            sent.append(&mut self.append(work)?);
        }
        for entries in committed {
            self.apply(&entries)?;
        }
        Ok(sent)
    }

    /// Whether it is only the vote for itself of a node that campaigns. etcd asks for votes before
    /// that vote is durable, and our node afterwards: to have the requests out when the script
    /// expects them, it is not left to the append thread.
    fn is_candidacy(&self, work: &[Work]) -> bool {
        let own = Some(self.raft.config().id);
        self.raft.role() == RoleKind::Candidate
            && self.appends.is_empty()
            && work.iter().all(|work| match work {
                Work::Write(write) => {
                    write.entries.is_empty()
                        && write.hard_state.is_none_or(|state| state.vote == own)
                }
                Work::Store(_) => false,
            })
    }

    /// Writes what the oldest Ready has left. Answers what is sent in consequence.
    pub(crate) fn process_append_thread(&mut self) -> Result<Vec<Message>, String> {
        if self.appends.is_empty() {
            return Ok(Vec::new());
        }
        let work = self.appends.remove(0);
        self.append(work)
    }

    /// Applies what the oldest Ready has left.
    pub(crate) fn process_apply_thread(&mut self) -> Result<(), String> {
        if self.applies.is_empty() {
            return Ok(());
        }
        let entries = self.applies.remove(0);
        self.apply(&entries)
    }

    /// Writes, reports it, and answers which answers that releases. In etcd they are attached to the
    /// write; what else the report makes the node do waits for its next Ready.
    fn append(&mut self, work: Vec<Work>) -> Result<Vec<Message>, String> {
        let before = self.ready.len();
        let mut unreported = None;
        for work in work {
            match work {
                Work::Write(write) => {
                    self.disk.write(&write)?;
                    unreported = Some(write.ticket);
                }
                Work::Store(chunk) => {
                    if let Some(ticket) = unreported.take() {
                        self.report(|raft, now| raft.persisted(now, ticket))?;
                    }
                    if !chunk.done {
                        return Err("a snapshot of several chunks".into());
                    }
                    self.disk.install(&chunk.meta);
                    let stored = chunk.offset + chunk.data.len() as u64;
                    self.report(|raft, now| raft.chunk_stored(now, &chunk.meta, stored))?;
                }
            }
        }
        if let Some(ticket) = unreported {
            self.report(|raft, now| raft.persisted(now, ticket))?;
        }
        let mut released = Vec::new();
        for output in self.ready.split_off(before) {
            match output {
                Output::Send(message) if is_answer(&message.body) => {
                    self.check_promise(&message)?;
                    released.push(message);
                }
                output => self.ready.push(output),
            }
        }
        Ok(released)
    }

    fn apply(&mut self, entries: &Entries) -> Result<(), String> {
        for (index, entry) in entries.iter() {
            self.applied.insert(index, render::entry(index, entry));
        }
        match entries.last() {
            Some(last) => self.report(|raft, now| raft.applied(now, last.index)),
            None => Ok(()),
        }
    }

    /// Tells the node of something that is done, which it must not refuse.
    fn report<E: core::fmt::Display>(
        &mut self,
        report: impl FnOnce(&mut Raft, Instant) -> Result<(), E>,
    ) -> Result<(), String> {
        self.input(report)?
            .map_err(|refusal| format!("a report was refused: {refusal}"))
    }
}

/// Whether it is what etcd sends with the write that it waits for.
fn is_answer(body: &Body) -> bool {
    !matches!(
        body,
        Body::Append { .. } | Body::Commit { .. } | Body::Heartbeat { .. } | Body::Snapshot(_)
    )
}
