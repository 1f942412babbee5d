//! Many groups on one machine.
//!
//! A database that splits its data into thousands of ranges has a Raft group for each, with replicas
//! on three of its machines. Most of them have nothing to do most of the time, but as single nodes
//! each would send heartbeats and wait for some. [`Groups`] holds all replicas of one machine, here
//! called a store, and makes idle ones cheap, as CockroachDB and TiKV do:
//!
//! * **Coalesced heartbeats.** All leaders of a store beat together, and all that they and the
//!   followers have to say to one other store travels as one message, [`Heartbeats`]: 33 bytes for
//!   each group.
//! * **Timers.** Only groups that have something to do are touched.
//! * **Silence** ([`Config::quiesce`]). A group in which everybody has everything falls silent: no
//!   heartbeats, no timers, no cost at all. Instead of its leader, the leader's *store* says at each
//!   beat that it lives, once for all groups, and as long as it does nobody else gets the votes of
//!   those followers. When nothing was heard of it for an election timeout, the followers of its
//!   silent groups wake, and elect others after the usual jitter. A proposal, a read or any other
//!   message wakes a group as well.
//!
//! Silence never puts safety at risk, as it changes only when a node campaigns. What it could cost is
//! that nobody campaigns. So a store that leads a group no longer (it stepped down, was stopped, or
//! the group was removed) retracts what it said for it, which is numbered, so that a loss is noticed;
//! and one that was started anew says so.
//!
//! | term | CockroachDB | TiKV |
//! |---|---|---|
//! | store | store | store |
//! | group | range | region |
//! | silent | quiesced | hibernated |
//!
//! A replica is named by its store: a group has at most one on each. All groups of a store share one
//! [`Config`].
//!
//! ```
//! use bytes::Bytes;
//! use purlin_core::machine::Machine as _;
//! use purlin_core::node::NodeId;
//! use purlin_core::time::Instant;
//! use purlin_quorum::raft::groups::{GroupId, Groups, StoreMessage, StoreOutput};
//! use purlin_quorum::raft::{Config, Configuration, Output, Recovered};
//!
//! // Three stores, and a hundred groups with a replica on each.
//! let ids = [1, 2, 3].map(NodeId);
//! let mut now = Instant::default();
//! let mut stores = ids.map(|id| {
//!     let mut config = Config::new(id);
//!     config.quiesce = true;
//!     let mut store = Groups::new(config, id.0, now).expect("a valid configuration");
//!     for group in 0..100 {
//!         let recovered = Recovered::bootstrap(Configuration::new(ids));
//!         store.create(now, GroupId(group), recovered).expect("a new group");
//!     }
//!     store
//! });
//!
//! // The host: carries outputs out until there are none. Returns how many messages there were.
//! fn settle(stores: &mut [Groups; 3], now: Instant) -> usize {
//!     let mut mail: Vec<StoreMessage> = Vec::new();
//!     let mut sent = 0;
//!     loop {
//!         for store in stores.iter_mut() {
//!             while let Some(output) = store.poll_output() {
//!                 match output {
//!                     StoreOutput::Send(message) => mail.push(message),
//!                     StoreOutput::Group(group, Output::Write(write)) => {
//!                         // Written and synced.
//!                         store.with(now, group, |raft| raft.persisted(now, write.ticket));
//!                     }
//!                     StoreOutput::Group(group, Output::Commit(entries)) => {
//!                         let last = entries.last().expect("some").index;
//!                         store.with(now, group, |raft| raft.applied(now, last));
//!                     }
//!                     StoreOutput::Group(..) => {}
//!                 }
//!             }
//!         }
//!         if mail.is_empty() {
//!             return sent;
//!         }
//!         sent += mail.len();
//!         for message in mail.drain(..) {
//!             let to = message.to().0 as usize - 1;
//!             stores[to].receive(now, message).expect("an honest message");
//!         }
//!     }
//! }
//!
//! // Elections, and then silence.
//! let mut run = |stores: &mut [Groups; 3], seconds: u64| {
//!     let end = now + core::time::Duration::from_secs(seconds);
//!     let mut sent = 0;
//!     while let Some(due) = stores.iter().filter_map(Groups::poll_timeout).min() {
//!         if due > end {
//!             break;
//!         }
//!         now = due;
//!         stores.iter_mut().for_each(|store| store.handle_timeout(now));
//!         sent += settle(stores, now);
//!     }
//!     (now, sent)
//! };
//! run(&mut stores, 10);
//! let led: usize = stores.iter().map(|store| store.status().led).sum();
//! assert_eq!(led, 100);
//! assert!(stores.iter().all(|store| store.status().silent == 100));
//!
//! // What is left is one sign of life from each store to each other one, ten times a second.
//! let (now, sent) = run(&mut stores, 1);
//! assert_eq!(sent, 60);
//!
//! // A proposal wakes its group, and no other.
//! let group = GroupId(42);
//! let leader = stores[0].get(group).and_then(|raft| raft.leader()).expect("elected");
//! let leader = &mut stores[leader.0 as usize - 1];
//! let command = Bytes::from_static(b"x = 1");
//! let at = leader.with(now, group, |raft| raft.propose(now, command)).expect("it is here")?;
//! assert_eq!(leader.status().silent, 99);
//! settle(&mut stores, now);
//! assert!(stores.iter().all(|store| store.get(group).unwrap().last_position() == at));
//! # Ok::<(), purlin_quorum::raft::ProposeError<Bytes>>(())
//! ```
//!
//! [`Config::quiesce`]: crate::raft::Config::quiesce
//! [`Config`]: crate::raft::Config

mod beats;
mod error;
mod message;
mod peers;
mod slots;
mod store;
mod timers;

pub use error::{CreateError, StoreError};
pub use message::{Answer, Beat, GroupId, Heartbeats, StoreMessage};

use crate::raft::{Config, ConfigError, Input, Output, Raft, Recovered};
use alloc::boxed::Box;
use alloc::sync::Arc;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;
use slots::Index;
use store::Store;

/// The replicas on one machine, of as many groups as there are. See the [module](self).
///
/// A [`Machine`]: the host loop is that of a single [`Raft`], with the group's name beside each input
/// and output.
///
/// Memory: a replica takes what a [`Raft`] takes without queues of its own, and about 100 bytes more.
/// Time: *O*(log groups) to find one; a beat touches only groups that this store leads awake.
#[derive(Clone, Debug)]
pub struct Groups {
    index: Index,
    store: Store,
    seeds: SplitMix64,
}

/// What a store takes, for [`Machine::handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreInput {
    /// Something for one group.
    Group(GroupId, Input),
    /// A message from another store: [`Groups::receive`].
    Message(StoreMessage),
}

/// What a store wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOutput {
    /// What one group wants done; never [`Output::Send`].
    Group(GroupId, Output),
    /// Send this.
    Send(StoreMessage),
}

/// A store at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Groups that have a replica here.
    pub groups: usize,
    /// Those that this store leads.
    pub led: usize,
    /// Those that are silent here, led or not.
    pub silent: usize,
    /// Other stores that some group here has a replica on.
    pub peers: usize,
}

impl Groups {
    /// A store without groups. The store's name is [`Config::id`], and each of its groups has the
    /// configuration `config`.
    ///
    /// `seed` varies election timeouts, and tells one run of the process from the next: give each
    /// store another one, and each start.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a configuration that cannot be.
    pub fn new(
        config: impl Into<Arc<Config>>,
        seed: u64,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let config = config.into();
        config.validate()?;
        let mut seeds = SplitMix64::new(seed);
        let run = seeds.next_u64();
        Ok(Self {
            index: Index::default(),
            store: Store::new(config, run, now),
            seeds,
        })
    }

    /// Starts a replica: of a new group, of one that this store has on its disk, or of one that is to
    /// be joined. *O*(log groups).
    ///
    /// Groups created in the ascending order of their ids lie so in memory, which makes beats cheaper.
    ///
    /// # Errors
    ///
    /// [`CreateError`], when it is here, or `recovered` contradicts itself.
    pub fn create(
        &mut self,
        now: Instant,
        group: GroupId,
        recovered: Recovered,
    ) -> Result<(), CreateError> {
        if self.index.get(group).is_some() {
            return Err(CreateError::Exists(group));
        }
        let config = self.store.config.clone();
        let raft = Raft::new(config, recovered, self.seeds.next_u64(), now)?;
        let at = self.index.insert(group).ok_or(CreateError::Full)?;
        self.store.note(now);
        self.store.put(at, group, raft);
        Ok(())
    }

    /// Takes a replica out, as it is; `None` when there is none. *O*(log groups).
    ///
    /// The others of the group hear of it if it led them silently. What it has put out before is still
    /// to be carried out.
    pub fn remove(&mut self, now: Instant, group: GroupId) -> Option<Raft> {
        self.store.note(now);
        self.store.take(self.index.remove(group)?)
    }

    /// A group, to look at: its [`status`](Raft::status), its [`lease_read`](Raft::lease_read).
    /// *O*(log groups).
    #[must_use]
    pub fn get(&self, group: GroupId) -> Option<&Raft> {
        let at = self.index.get(group)?;
        Some(&self.store.slot(at)?.raft)
    }

    /// Does something with a group: proposes, reads, reports a write. Answers what `act` does, `None`
    /// when the group is not here. *O*(log groups) and what `act` takes.
    ///
    /// What the group puts out comes from [`poll_output`](Machine::poll_output) of the store, and the
    /// store looks after its time: call neither on the group itself.
    pub fn with<T>(
        &mut self,
        now: Instant,
        group: GroupId,
        act: impl FnOnce(&mut Raft) -> T,
    ) -> Option<T> {
        let at = self.index.get(group)?;
        self.store.note(now);
        self.store.touch(at, act)
    }

    /// A message has arrived from another store. *O*(beats) when there are beats in the ascending
    /// order in which stores send them.
    ///
    /// Of [`Heartbeats`], beats of groups that are not here, and what single groups refuse, are passed
    /// over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misdirected`], and for messages of one group what that group refuses, or the
    /// message itself when the group is not here.
    pub fn receive(&mut self, now: Instant, message: StoreMessage) -> Result<(), StoreError> {
        match message {
            StoreMessage::Group(group, message) => {
                self.handle_group(now, group, Input::Message(message))
            }
            StoreMessage::Heartbeats(heartbeats) => {
                let Config { id, cluster, .. } = *self.store.config;
                let Heartbeats { from, to, .. } = heartbeats;
                if heartbeats.cluster != cluster || to != id || from == id {
                    return Err(StoreError::Misdirected);
                }
                self.store.note(now);
                self.store.hear(now, &self.index, &heartbeats);
                Ok(())
            }
        }
    }

    fn handle_group(
        &mut self,
        now: Instant,
        group: GroupId,
        input: Input,
    ) -> Result<(), StoreError> {
        let Some(at) = self.index.get(group) else {
            return Err(StoreError::UnknownGroup(group, Box::new(input)));
        };
        self.store.note(now);
        match self.store.touch(at, |raft| raft.handle(now, input)) {
            Some(Err(error)) => Err(StoreError::Refused(group, error)),
            _ => Ok(()),
        }
    }

    /// The groups here, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (GroupId, &Raft)> + '_ {
        let slots = self.index.iter();
        slots.filter_map(|(group, at)| Some((group, &self.store.slot(at)?.raft)))
    }

    /// The store's name.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.store.config.id
    }

    /// What it does, in numbers. *O*(groups).
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        let mut status = StoreStatus {
            groups: self.index.len(),
            peers: self.store.peers.len(),
            ..StoreStatus::default()
        };
        for (_, raft) in self.iter() {
            status.led += usize::from(raft.is_leader());
            status.silent += usize::from(raft.is_quiesced());
        }
        status
    }

    /// Checks that what the store has noted of its groups is what they are. *O*(groups).
    ///
    /// # Panics
    ///
    /// When it is not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        self.store.check_invariants();
        let named = self.index.iter().filter_map(|(group, at)| {
            let slot = self.store.slot(at)?;
            (slot.id == group).then_some(())
        });
        assert_eq!(named.count(), self.index.len(), "each name has its group");
    }
}

impl Machine for Groups {
    type Input = StoreInput;
    type Output = StoreOutput;
    type Error = StoreError;

    fn handle(&mut self, now: Instant, input: StoreInput) -> Result<(), StoreError> {
        match input {
            StoreInput::Group(group, input) => self.handle_group(now, group, input),
            StoreInput::Message(message) => self.receive(now, message),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.store.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<StoreOutput> {
        self.store.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.store.poll_timeout()
    }
}
