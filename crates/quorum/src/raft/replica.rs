//! The loop around a node, written once: a [`Raft`], its [`Storage`] and a [`StateMachine`], driven
//! by messages and the time.

mod error;
mod event;
mod snapshot;
mod state_machine;
mod waiting;

pub use error::ReplicaError;
pub use event::Event;
pub use state_machine::{RestoreError, StateMachine};

use super::append::ENTRY_OVERHEAD;
use super::durable::{Recovered, Ticket};
use super::error::{ProposeError, Refusal};
use super::input::{ReadMode, ReadToken};
use super::membership::MembershipChange;
use super::message::Message;
use super::output::Output;
use super::position::{Index, Position};
use super::start::StartError;
use super::status::{RoleKind, Status};
use super::storage::{Storage, StorageError, check_founder};
use super::{Config, Entries, Payload, Raft};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use snapshot::restore;
use waiting::Waiting;

/// A node with its store and state machine.
///
/// Feed it messages, proposals, reads and the time; then take [`poll_event`](Self::poll_event) until
/// it answers `None`. Messages come out before the disk is waited for where Raft allows it, and one
/// sync serves everything that was fed before: feed all that has arrived, then poll.
///
/// The state machine is restored from the last snapshot and the log when the replica opens, and need
/// not be durable itself. Snapshots go through memory as a whole; where they are too large for that,
/// drive a [`Raft`] yourself.
///
/// One thread at a time. [`poll_event`](Self::poll_event) blocks as long as the store does.
///
/// ```
/// use bytes::Bytes;
/// use core::time::Duration;
/// use purlin_core::node::NodeId;
/// use purlin_core::time::Instant;
/// use purlin_quorum::raft::replica::{Event, Replica, RestoreError, StateMachine};
/// use purlin_quorum::raft::storage::{Identity, MemoryStorage, Storage};
/// use purlin_quorum::raft::{ClusterId, Config, Configuration, Index};
///
/// #[derive(Default)]
/// struct Register(Bytes);
///
/// impl StateMachine for Register {
///     type Reply = Bytes; // what was there before
///     fn apply(&mut self, _: Index, command: &Bytes) -> Bytes {
///         core::mem::replace(&mut self.0, command.clone())
///     }
///     fn snapshot(&self) -> Bytes {
///         self.0.clone()
///     }
///     fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError> {
///         self.0 = snapshot.clone();
///         Ok(())
///     }
/// }
///
/// // A group of one, which needs no network. In production: `FileStorage`, bootstrapped once.
/// let mut store = MemoryStorage::new();
/// let drawn_at_random = 0x5eed;
/// let identity = Identity::new(ClusterId(0), NodeId(1), drawn_at_random);
/// store.bootstrap(identity, Configuration::new([NodeId(1)]))?;
///
/// let mut now = Instant::default();
/// let config = Config::new(NodeId(1));
/// let mut replica = Replica::open(config.clone(), store, Register::default(), 7, now)?;
/// now += Duration::from_secs(2);
/// replica.handle_timeout(now); // votes for itself,
/// while replica.poll_event(now)?.is_some() {} // and leads when that is on the disk
/// let position = replica.propose(now, Bytes::from_static(b"x"))?;
/// let mut applied = None;
/// while let Some(event) = replica.poll_event(now)? {
///     if let Event::Applied(at, before) = event {
///         applied = Some((at, before));
///     }
/// }
/// assert_eq!(applied, Some((position, Bytes::new())));
///
/// // It crashes, and is opened anew.
/// let mut store = replica.into_storage();
/// store.crash();
/// let mut replica = Replica::open(config, store, Register::default(), 8, now)?;
/// now += Duration::from_secs(2);
/// replica.handle_timeout(now);
/// while replica.poll_event(now)?.is_some() {}
/// assert_eq!(replica.machine().0, "x");
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
    /// Bytes of the entries applied since the last snapshot.
    since_snapshot: u64,
}

impl<S: Storage, M: StateMachine> Replica<S, M> {
    /// Opens a replica on a store that was bootstrapped or joined, with a state machine as it is
    /// before the first command. The incarnation comes from the store, and entries are no larger than
    /// it can hold. See [`Raft::new`] for `seed` and `now`.
    ///
    /// # Errors
    ///
    /// [`ReplicaError`]: the store fails, is empty, is another's, or contradicts itself; the state
    /// machine does not take what it holds; or the configuration is not valid, or asks to
    /// [`quiesce`](Config::quiesce), which only [`Groups`](super::groups::Groups) can.
    pub fn open(
        mut config: Config,
        mut storage: S,
        mut machine: M,
        seed: u64,
        now: Instant,
    ) -> Result<Self, ReplicaError<S::Error>> {
        let identity = storage.identity().ok_or(StorageError::Empty)?;
        if !identity.is_of(config.id, config.cluster) {
            return Err(ReplicaError::WrongStore {
                found: identity,
                node: config.id,
                cluster: config.cluster,
            });
        }
        config.refuse_quiesce().map_err(StartError::from)?;
        config.incarnation = Some(identity.incarnation);
        config.max_entry_bytes = config.max_entry_bytes.min(storage.max_entry_bytes());
        let recovered = storage.recover()?;
        let meta = recovered.snapshot.clone();
        if meta.position.index == Index::ZERO && !meta.configuration.is_empty() {
            check_founder(&identity, &meta.configuration)?;
        }
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
            since_snapshot: 0,
        })
    }

    /// Takes a snapshot and cuts the log whenever entries of more than `bytes` (48 for each beside
    /// its command) were applied since the last; of four times as many while a follower is being sent
    /// the last one, which a newer one would make begin anew. Default 64 MiB. Should be a good part of
    /// the state's size.
    ///
    /// At the latest it does so at half of what [`Config::max_log_bytes`] leaves beside the largest
    /// entry, or at a quarter of it if that is more: or the log would be full for good.
    ///
    /// A snapshot is made and stored within [`poll_event`](Self::poll_event).
    pub fn snapshot_after(&mut self, bytes: u64) {
        self.snapshot_after_bytes = bytes;
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.raft.config().id
    }

    /// See [`Raft::role`].
    #[must_use]
    pub fn role(&self) -> RoleKind {
        self.raft.role()
    }

    /// See [`Raft::leader`].
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.raft.leader()
    }

    /// See [`Raft::status`].
    #[must_use]
    pub fn status(&self) -> Status {
        self.raft.status()
    }

    /// The node, for what else there is to know of it.
    #[must_use]
    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The state machine, as far as it has applied. For a linearizable look take
    /// [`lease_read`](Self::lease_read), or wait for [`Event::ReadReady`].
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

    /// See [`Raft::propose`]; an [`Event`] says what became of it.
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

    /// See [`Raft::propose_all`]; of each command an [`Event`] says what became of it.
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
            let position = Position::new(first.term, first.index + at);
            self.waiting.push(position);
        }
        Ok(first)
    }

    /// See [`Raft::change_membership`]; an [`Event`] says what became of it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn change_membership(
        &mut self,
        now: Instant,
        change: impl Into<MembershipChange>,
    ) -> Result<Position, Refusal> {
        let position = self.raft.change_membership(now, change)?;
        self.waiting.push(position);
        Ok(position)
    }

    /// The state machine for a linearizable look, now and without waiting: on a leader whose lease
    /// holds and who has applied what it knows to be committed. Otherwise `None`: use
    /// [`read`](Self::read), on any node.
    ///
    /// Needs [`Config::lease_drift_ppm`], and clocks that keep to it; `now` must be read after the
    /// request has come. See [`Raft::lease_read`].
    #[must_use]
    pub fn lease_read(&self, now: Instant) -> Option<&M> {
        let index = self.raft.lease_read(now)?;
        (self.raft.applied_index() >= index).then_some(&self.machine)
    }

    /// See [`Raft::read`]; [`Event::ReadReady`] or [`Event::ReadAborted`] answers. The cheaper way
    /// while a lease holds: [`lease_read`](Self::lease_read).
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

    /// See [`Raft::campaign`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn campaign(&mut self, now: Instant) -> Result<(), Refusal> {
        self.raft.campaign(now)
    }

    /// See [`Raft::wake`].
    pub fn wake(&mut self, now: Instant) {
        self.raft.wake(now);
    }

    /// See [`Raft::unreachable`].
    pub fn unreachable(&mut self, now: Instant, peer: NodeId) {
        self.raft.unreachable(now, peer);
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
    /// The store failed, or the state machine did not take a snapshot. That comes once: the node has
    /// stopped, the events after it say what is left open, the last one is [`Event::Stopped`], and
    /// everything else is refused. What the disk holds is what the next start will find.
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
        if let Some(output) = self.raft.poll_output() {
            if self.raft.role() == RoleKind::Stopped {
                self.wind_down(output);
            } else {
                self.carry_out(now, output)?;
            }
            return Ok(true);
        }
        if self.raft.role() == RoleKind::Stopped {
            return Ok(false);
        }
        if let Some(ticket) = self.unsynced.take() {
            self.storage.sync()?;
            self.raft.persisted(now, ticket)?;
            return Ok(true);
        }
        if self.is_snapshot_due() {
            return self.take_snapshot(now);
        }
        Ok(false)
    }

    /// Of what a stopped node had wanted done before, only the answers are of use.
    fn wind_down(&mut self, output: Output) {
        match output {
            Output::ReadReady(token) => self.events.push_back(Event::ReadReady(token)),
            Output::ReadAborted(token, reason) => {
                self.events.push_back(Event::ReadAborted(token, reason));
            }
            Output::Stopped(reason) => {
                self.forget_up_to(Index(u64::MAX));
                self.events.push_back(Event::Stopped(reason));
            }
            _ => {}
        }
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
                self.events.push_back(Event::LeaderChanged { term, leader });
            }
            Output::LeaderReady(term) => self.events.push_back(Event::LeaderReady(term)),
            Output::ConfigurationChanged(configuration) => {
                self.events
                    .push_back(Event::ConfigurationChanged(configuration));
            }
            Output::Fenced(peer) => self.events.push_back(Event::Fenced(peer)),
            Output::Stopped(reason) => self.events.push_back(Event::Stopped(reason)),
        }
        Ok(())
    }

    fn apply(&mut self, now: Instant, entries: &Entries) -> Result<(), ReplicaError<S::Error>> {
        for (index, entry) in entries.iter() {
            self.since_snapshot += entry.payload.len() as u64 + ENTRY_OVERHEAD;
            let mut reply = None;
            if let Payload::Command(command) = &entry.payload
                && !command.is_empty()
            {
                reply = Some(self.machine.apply(index, command));
            }
            let applied = Position::new(entry.term, index);
            while let Some(proposed) = self.waiting.take_up_to(index) {
                let event = match reply.take_if(|_| proposed == applied) {
                    Some(reply) => Event::Applied(proposed, reply),
                    // Whoever proposes proposes a command that is not empty, or members.
                    None if proposed == applied => Event::MembersChanged(proposed),
                    None => Event::Lost(proposed),
                };
                self.events.push_back(event);
            }
        }
        if let Some(last) = entries.last() {
            self.raft.applied(now, last.index)?;
        }
        Ok(())
    }

    /// What becomes of the proposals up to `index` will not be known.
    fn forget_up_to(&mut self, index: Index) {
        while let Some(position) = self.waiting.take_up_to(index) {
            self.events.push_back(Event::Unknown(position));
        }
    }
}
