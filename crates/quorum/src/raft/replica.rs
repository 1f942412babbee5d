//! The loop around a node, written once: a [`Raft`], its [`Storage`] and a [`StateMachine`], driven
//! by messages and the time.

mod waiting;

use super::append::ENTRY_OVERHEAD;
use super::durable::{Recovered, Ticket};
use super::error::{ProposeError, Refusal};
use super::input::{ReadMode, ReadToken};
use super::membership::{Configuration, MembershipChange};
use super::message::Message;
use super::output::{AbortReason, Output, StopReason};
use super::position::{Index, Position, Term};
use super::progress::ProgressState;
use super::snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
use super::start::StartError;
use super::storage::{Storage, StorageError};
use super::{Config, Entries, Payload, Raft, RoleKind};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use thiserror::Error;
use waiting::Waiting;

/// What a group agrees on: the same commands in the same order on every node.
///
/// # Implementing
///
/// Do depend on nothing but the commands: no clock, no randomness, no iteration order of hash maps
/// in what is answered or stored. Do not refuse: what is committed is committed; an invalid command
/// changes nothing and says so in its reply.
pub trait StateMachine {
    /// What a command answers.
    type Reply;

    /// Applies the next command.
    fn apply(&mut self, index: Index, command: &Bytes) -> Self::Reply;

    /// The whole state, for [`restore`](Self::restore) here or on another node.
    fn snapshot(&self) -> Bytes;

    /// Replaces the state by one that [`snapshot`](Self::snapshot) gave. Empty bytes: the state
    /// before the first command, with which a replica opens that has no snapshot yet.
    fn restore(&mut self, snapshot: &Bytes);
}

/// What a replica has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<R> {
    /// Send this.
    Send(Message),
    /// A command proposed here was applied, and answers this.
    Applied(Position, R),
    /// A change of members proposed here is decided.
    Changed(Position),
    /// What was proposed here is not decided and never will be: something else stands in its place.
    Lost(Position),
    /// What became of something proposed here is not known: a snapshot covers it, or the node stops.
    Unknown(Position),
    /// Look at the state machine now: the read is linearizable.
    ReadReady(ReadToken),
    /// The read must be asked again.
    ReadAborted(ReadToken, AbortReason),
    /// Who leads has changed.
    LeaderChanged(Term, Option<NodeId>),
    /// The members have changed, or will.
    ConfigurationChanged(Arc<Configuration>),
    /// A peer has lost what it had acknowledged.
    Fenced(NodeId),
    /// The replica does nothing any more.
    Stopped(StopReason),
}

/// Why a replica does not start or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplicaError<E: core::error::Error + 'static> {
    /// The store failed. The replica has stopped: open it anew.
    #[error("the store failed: {0}")]
    Storage(#[from] StorageError<E>),
    /// The store holds what cannot be.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store belongs to another node or cluster than the configuration says.
    #[error("the store belongs to another node or cluster")]
    WrongStore,
    /// The store has no bytes for the snapshot that it names.
    #[error("the snapshot at {0} is missing in the store")]
    MissingSnapshot(Position),
    /// The node refused what its own outputs led to: a defect.
    #[error("the node refused its own work: {0}")]
    Defect(#[from] Refusal),
}

/// A node with its store and state machine.
///
/// Feed it messages, proposals, reads and the time; then take [`poll_event`](Self::poll_event) until
/// it answers `None`. Messages come out before the disk is waited for where Raft allows it, and one
/// sync serves everything that was fed before: feed all that has arrived, then poll.
///
/// The state machine is restored from the last snapshot and the log when the replica opens, whatever
/// it held before.
///
/// ```
/// use bytes::Bytes;
/// use purlin_core::node::NodeId;
/// use purlin_core::time::Instant;
/// use purlin_quorum::raft::replica::{Event, Replica, StateMachine};
/// use purlin_quorum::raft::storage::{Identity, MemoryStorage, Storage};
/// use purlin_quorum::raft::{ClusterId, Config, Configuration, Index};
///
/// /// Adds up the lengths of all commands.
/// struct Sum(u64);
///
/// impl StateMachine for Sum {
///     type Reply = u64;
///
///     fn apply(&mut self, _: Index, command: &Bytes) -> u64 {
///         self.0 += command.len() as u64;
///         self.0
///     }
///
///     fn snapshot(&self) -> Bytes {
///         Bytes::copy_from_slice(&self.0.to_le_bytes())
///     }
///
///     fn restore(&mut self, snapshot: &Bytes) {
///         self.0 = snapshot[..].try_into().map_or(0, u64::from_le_bytes);
///     }
/// }
///
/// let mut store = MemoryStorage::new();
/// let drawn_at_random = 0x5eed;
/// let identity = Identity::new(ClusterId(7), NodeId(1), drawn_at_random);
/// store.bootstrap(identity, Configuration::new([NodeId(1)]))?;
///
/// let mut config = Config::new(NodeId(1));
/// config.cluster = ClusterId(7);
/// let mut replica = Replica::open(config, store, Sum(0), drawn_at_random, Instant::default())?;
///
/// // A group of one has a leader after the first timeout.
/// let now = replica.poll_timeout().expect("it waits for a leader");
/// replica.handle_timeout(now);
/// while replica.poll_event(now)?.is_some() {}
///
/// let position = replica.propose(now, Bytes::from_static(b"four"))?;
/// let mut events = Vec::new();
/// while let Some(event) = replica.poll_event(now)? {
///     events.push(event);
/// }
/// assert_eq!(events, [Event::Applied(position, 4)]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Replica<S: Storage, M: StateMachine> {
    raft: Raft,
    storage: S,
    machine: M,
    waiting: Waiting,
    /// Written and not synced.
    unsynced: Option<Ticket>,
    events: VecDeque<Event<M::Reply>>,
    snapshot_after_bytes: u64,
    /// Of entries, with what they take beside their payload, as [`Config::max_log_bytes`] has it.
    bytes_since_snapshot: u64,
}

impl<S: Storage, M: StateMachine> Replica<S, M> {
    /// Opens a replica on a store that was bootstrapped or joined. The incarnation comes from the
    /// store, and entries are no larger than it can hold. See [`Raft::new`] for `seed` and `now`.
    ///
    /// # Errors
    ///
    /// [`ReplicaError`]: the store fails, is another's, or contradicts itself.
    pub fn open(
        mut config: Config,
        mut storage: S,
        mut machine: M,
        seed: u64,
        now: Instant,
    ) -> Result<Self, ReplicaError<S::Error>> {
        let identity = storage.identity().ok_or(StorageError::Empty)?;
        if identity.node != config.id || identity.cluster != config.cluster {
            return Err(ReplicaError::WrongStore);
        }
        config.incarnation = Some(identity.incarnation);
        config.max_entry_bytes = config.max_entry_bytes.min(storage.max_entry_bytes());
        let recovered = storage.recover()?;
        let meta = recovered.snapshot.clone();
        let recovered = Recovered {
            applied: meta.position.index,
            ..recovered
        };
        restore(&mut storage, &mut machine, &meta, config.id)?;
        let raft = Raft::new(config, recovered, seed, now)?;
        Ok(Self {
            raft,
            storage,
            machine,
            waiting: Waiting::default(),
            unsynced: None,
            events: VecDeque::new(),
            snapshot_after_bytes: 64 << 20,
            bytes_since_snapshot: 0,
        })
    }

    /// Takes a snapshot and cuts the log whenever entries of more than `bytes` were applied since the
    /// last, each with 48 bytes beside its payload. Default 64 MiB. At the latest it does so at half
    /// of what [`Config::max_log_bytes`] leaves beside the largest entry, or at a quarter of it if that
    /// is more: or the log would fill up for good. A snapshot is made and stored within [`poll_event`](Self::poll_event).
    ///
    /// While a snapshot travels to a follower, the next one waits for four times as much: the
    /// transfer would begin anew. A follower to which a snapshot takes longer never catches up.
    pub fn snapshot_after(&mut self, bytes: u64) {
        self.snapshot_after_bytes = bytes;
    }

    /// The node.
    #[must_use]
    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The state machine, as far as it has applied. For a linearizable look wait for
    /// [`Event::ReadReady`].
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The store.
    #[must_use]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The store, when the replica is not needed any more.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// See [`Raft::receive`].
    ///
    /// # Errors
    ///
    /// As there; such a message is best dropped.
    pub fn receive(&mut self, now: Instant, message: Message) -> Result<(), Refusal> {
        self.raft.receive(now, message)
    }

    /// See [`Raft::propose`]; [`Event::Applied`], [`Event::Lost`] or [`Event::Unknown`] says what
    /// became of it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn propose(
        &mut self,
        now: Instant,
        command: Bytes,
    ) -> Result<Position, ProposeError<Bytes>> {
        let position = self.raft.propose(now, command)?;
        self.waiting.push(position);
        Ok(position)
    }

    /// See [`Raft::propose_all`]; each of the commands is answered as after
    /// [`propose`](Self::propose).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn propose_all(
        &mut self,
        now: Instant,
        commands: Vec<Bytes>,
    ) -> Result<Position, ProposeError<Vec<Bytes>>> {
        let count = commands.len() as u64;
        let first = self.raft.propose_all(now, commands)?;
        for at in 0..count {
            self.waiting
                .push(Position::new(first.term, first.index + at));
        }
        Ok(first)
    }

    /// See [`Raft::change_membership`]; [`Event::Changed`], [`Event::Lost`] or [`Event::Unknown`] says
    /// what became of it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn change_membership(
        &mut self,
        now: Instant,
        change: &MembershipChange,
    ) -> Result<Position, Refusal> {
        let position = self.raft.change_membership(now, change)?;
        self.waiting.push(position);
        Ok(position)
    }

    /// See [`Raft::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(&mut self, now: Instant, token: ReadToken, mode: ReadMode) -> Result<(), Refusal> {
        self.raft.read(now, token, mode)
    }

    /// See [`Raft::transfer_leadership`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn transfer_leadership(&mut self, now: Instant, to: NodeId) -> Result<(), Refusal> {
        self.raft.transfer_leadership(now, to)
    }

    /// See [`Raft::unreachable`].
    pub fn unreachable(&mut self, now: Instant, peer: NodeId) {
        self.raft.unreachable(now, peer);
    }

    /// See [`Raft::wake`].
    pub fn wake(&mut self, now: Instant) {
        self.raft.wake(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.raft.handle_timeout(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.raft.poll_timeout()
    }

    /// The next event; `None` when there is nothing to do. Writes, syncs and applies on the way.
    ///
    /// # Errors
    ///
    /// [`ReplicaError::Storage`], once: the node has stopped, and the store is to be opened anew.
    /// Events that came before, and [`Event::Stopped`], are still there.
    pub fn poll_event(
        &mut self,
        now: Instant,
    ) -> Result<Option<Event<M::Reply>>, ReplicaError<S::Error>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.advance(now) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.raft.write_failed(now);
                    return Err(error);
                }
            }
        }
    }

    /// One step; whether there was one to do.
    fn advance(&mut self, now: Instant) -> Result<bool, ReplicaError<S::Error>> {
        let stopped = self.raft.role() == RoleKind::Stopped;
        if let Some(output) = self.raft.poll_output() {
            if !(stopped && is_work(&output)) {
                self.carry_out(now, output)?;
            }
            return Ok(true);
        }
        if stopped {
            return Ok(false);
        }
        if let Some(ticket) = self.unsynced.take() {
            self.storage.sync()?;
            self.raft.persisted(now, ticket)?;
            return Ok(true);
        }
        if self.is_snapshot_due() {
            self.bytes_since_snapshot = 0;
            return self.take_snapshot(now);
        }
        Ok(false)
    }

    fn carry_out(&mut self, now: Instant, output: Output) -> Result<(), ReplicaError<S::Error>> {
        match output {
            Output::Write(write) => {
                self.storage.write(&write)?;
                self.unsynced = Some(write.ticket);
            }
            Output::Send(message) => self.events.push_back(Event::Send(message)),
            Output::Commit(entries) => self.apply(now, &entries)?,
            Output::ReadReady(token) => self.events.push_back(Event::ReadReady(token)),
            Output::ReadAborted(token, reason) => {
                self.events.push_back(Event::ReadAborted(token, reason));
            }
            Output::FetchChunk(request) => self.fetch(now, request)?,
            Output::StoreChunk(chunk) => self.store(now, &chunk)?,
            Output::LeaderChanged { term, leader } => {
                self.events.push_back(Event::LeaderChanged(term, leader));
            }
            Output::ConfigurationChanged(configuration) => {
                self.events
                    .push_back(Event::ConfigurationChanged(configuration));
            }
            Output::Fenced(peer) => self.events.push_back(Event::Fenced(peer)),
            Output::Stopped(reason) => {
                self.give_up_waiting(Index(u64::MAX));
                self.events.push_back(Event::Stopped(reason));
            }
        }
        Ok(())
    }

    fn apply(&mut self, now: Instant, entries: &Entries) -> Result<(), ReplicaError<S::Error>> {
        for (index, entry) in entries.iter() {
            let position = Position::new(entry.term, index);
            self.bytes_since_snapshot += entry.payload.len() as u64 + ENTRY_OVERHEAD;
            let mut answer = match &entry.payload {
                Payload::Command(command) if command.is_empty() => None,
                Payload::Command(command) => {
                    let reply = self.machine.apply(index, command);
                    Some(Event::Applied(position, reply))
                }
                Payload::Configuration(_) => Some(Event::Changed(position)),
            };
            while let Some(proposed) = self.waiting.take_up_to(index) {
                let answer = answer.take_if(|_| proposed == position);
                self.events
                    .push_back(answer.unwrap_or(Event::Lost(proposed)));
            }
        }
        if let Some(last) = entries.last() {
            self.raft.applied(now, last.index)?;
        }
        Ok(())
    }

    fn fetch(&mut self, now: Instant, request: ChunkRequest) -> Result<(), ReplicaError<S::Error>> {
        let ChunkRequest {
            to,
            ref meta,
            offset,
            max_bytes,
        } = request;
        match self.storage.read_chunk(meta, offset, max_bytes)? {
            Some(chunk) => self.raft.chunk(now, to, chunk)?,
            None => self.raft.chunk_unavailable(now, &request),
        }
        Ok(())
    }

    fn store(&mut self, now: Instant, chunk: &SnapshotChunk) -> Result<(), ReplicaError<S::Error>> {
        let stored = self.storage.store_chunk(chunk)?;
        if chunk.done {
            restore(
                &mut self.storage,
                &mut self.machine,
                &chunk.meta,
                self.raft.config().id,
            )?;
            self.give_up_waiting(chunk.meta.position.index);
            self.bytes_since_snapshot = 0;
        }
        self.raft.chunk_stored(now, &chunk.meta, stored)?;
        Ok(())
    }

    /// Nobody will hear what became of what was proposed up to `index`.
    fn give_up_waiting(&mut self, index: Index) {
        while let Some(position) = self.waiting.take_up_to(index) {
            self.events.push_back(Event::Unknown(position));
        }
    }

    fn is_snapshot_due(&self) -> bool {
        let (held, bound) = (self.bytes_since_snapshot, self.snapshot_after_bytes);
        let most = self.room_for_log();
        let travels = || {
            let leader = self.raft.leading();
            let mut peers = leader.into_iter().flat_map(|leader| &leader.peers);
            peers.any(|peer| peer.progress.state() == ProgressState::Snapshot)
        };
        held > most || (held > bound && (held / 4 > bound || !travels()))
    }

    /// How much may be applied since the last snapshot with room for more in the log.
    fn room_for_log(&self) -> u64 {
        let config = self.raft.config();
        let largest = config.max_entry_bytes.saturating_add(ENTRY_OVERHEAD);
        let log = config.max_log_bytes;
        (log.saturating_sub(largest) / 2).max(log / 4)
    }

    /// Cuts the log by a snapshot of the present state, if that is beyond the last one.
    fn take_snapshot(&mut self, now: Instant) -> Result<bool, ReplicaError<S::Error>> {
        let index = self.raft.applied_index();
        let last = self.raft.status().snapshot.index;
        let Some(mut meta) = self.raft.snapshot_meta(index, 0).filter(|_| index > last) else {
            return Ok(false);
        };
        let data = self.machine.snapshot();
        // Snapshots of the same state may differ in bytes from node to node.
        meta.id = self.raft.config().id.0;
        self.storage.compact(&meta, &mut core::iter::once(data))?;
        self.raft.compact(now, meta)?;
        Ok(true)
    }
}

/// What a node that has stopped does not want done any more.
fn is_work(output: &Output) -> bool {
    matches!(
        output,
        Output::Write(_) | Output::Commit(_) | Output::FetchChunk(_) | Output::StoreChunk(_)
    )
}

/// Brings the state machine to where the snapshot is. A witness has none.
fn restore<S: Storage, M: StateMachine>(
    storage: &mut S,
    machine: &mut M,
    meta: &SnapshotMeta,
    id: NodeId,
) -> Result<(), ReplicaError<S::Error>> {
    if !meta.configuration.is_witness(id) {
        let missing = ReplicaError::MissingSnapshot(meta.position);
        machine.restore(&storage.snapshot(meta)?.ok_or(missing)?);
    }
    Ok(())
}
