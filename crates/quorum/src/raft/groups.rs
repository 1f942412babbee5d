//! Many groups on one machine.
//!
//! A database that splits its data into thousands of ranges has a Raft group for each, with replicas
//! on three of its machines. Most of them have nothing to do most of the time, but as single nodes
//! each would send heartbeats and wait for some. [`Groups`] holds all replicas of one machine, and
//! makes idle ones cheap, as CockroachDB and TiKV do:
//!
//! * **Coalesced heartbeats.** All leaders of a machine beat together, and all that they and the
//!   followers have to say to one other machine travels as one message, [`Heartbeats`]: some ten
//!   bytes for each group in the [`codec`](super::codec).
//! * **Timers.** Only groups that have something to do are touched.
//! * **Silence** ([`Config::quiesce`]). A group in which everybody has everything falls silent: no
//!   heartbeats, no timers, no cost at all. Instead of its leader, the leader's *machine* says at each
//!   beat that it lives, once for all groups, and as long as it does nobody else gets the votes of
//!   those followers. When nothing was heard of it for an election timeout, the followers of its
//!   silent groups wake, and elect others after the usual jitter. A proposal, a read or any other
//!   message wakes a group as well.
//!
//! Silence never puts safety at risk, as it changes only when a node campaigns. What it could cost is
//! that nobody campaigns. So a machine that leads a group no longer (it stepped down, was stopped, or
//! the group was removed) retracts what it said for it, which is numbered, so that a loss is noticed;
//! and one that was started anew says so.
//!
//! | term | CockroachDB | TiKV |
//! |---|---|---|
//! | machine | store | store |
//! | group | range | region |
//! | silent | quiesced | hibernated |
//!
//! A replica is named by its machine: a group has at most one on each. All groups of a machine share
//! one [`Config`].
//!
//! ```
//! use bytes::Bytes;
//! use purlin_core::machine::Machine as _;
//! use purlin_core::node::NodeId;
//! use purlin_core::time::Instant;
//! use purlin_quorum::raft::groups::{GroupId, Groups, GroupsMessage, GroupsOutput};
//! use purlin_quorum::raft::{Config, Configuration, Output, Recovered};
//!
//! // Three machines, and a hundred groups with a replica on each.
//! let ids = [1, 2, 3].map(NodeId);
//! let mut now = Instant::default();
//! let mut machines = ids.map(|id| {
//!     let mut config = Config::new(id);
//!     config.quiesce = true;
//!     let mut machine = Groups::new(config, id.0, now).expect("a valid configuration");
//!     for group in 0..100 {
//!         let recovered = Recovered::bootstrap(Configuration::new(ids));
//!         machine.create(now, GroupId(group), recovered).expect("a new group");
//!     }
//!     machine
//! });
//!
//! // The host: carries outputs out until there are none. Returns how many messages there were.
//! fn settle(machines: &mut [Groups; 3], now: Instant) -> usize {
//!     let mut mail: Vec<GroupsMessage> = Vec::new();
//!     let mut sent = 0;
//!     loop {
//!         for machine in machines.iter_mut() {
//!             while let Some(output) = machine.poll_output() {
//!                 match output {
//!                     GroupsOutput::Send(message) => mail.push(message),
//!                     GroupsOutput::Group(group, Output::Write(write)) => {
//!                         // Written and synced.
//!                         machine.with(now, group, |raft| raft.persisted(now, write.ticket));
//!                     }
//!                     GroupsOutput::Group(group, Output::Commit(entries)) => {
//!                         let last = entries.last().expect("some").index;
//!                         machine.with(now, group, |raft| raft.applied(now, last));
//!                     }
//!                     GroupsOutput::Group(..) => {}
//!                 }
//!             }
//!         }
//!         if mail.is_empty() {
//!             return sent;
//!         }
//!         sent += mail.len();
//!         for message in mail.drain(..) {
//!             let to = message.to().0 as usize - 1;
//!             machines[to].receive(now, message).expect("an honest message");
//!         }
//!     }
//! }
//!
//! // Elections, and then silence.
//! let mut run = |machines: &mut [Groups; 3], seconds: u64| {
//!     let end = now + core::time::Duration::from_secs(seconds);
//!     let mut sent = 0;
//!     while let Some(due) = machines.iter().filter_map(Groups::poll_timeout).min() {
//!         if due > end {
//!             break;
//!         }
//!         now = due;
//!         machines.iter_mut().for_each(|machine| machine.handle_timeout(now));
//!         sent += settle(machines, now);
//!     }
//!     (now, sent)
//! };
//! run(&mut machines, 10);
//! let led: usize = machines.iter().map(|machine| machine.status().led).sum();
//! assert_eq!(led, 100);
//! assert!(machines.iter().all(|machine| machine.status().silent == 100));
//!
//! // What is left is one sign of life from each machine to each other one, ten times a second.
//! let (now, sent) = run(&mut machines, 1);
//! assert_eq!(sent, 60);
//!
//! // A proposal wakes its group, and no other.
//! let group = GroupId(42);
//! let leader = machines[0].get(group).and_then(|raft| raft.leader()).expect("elected");
//! let leader = &mut machines[leader.0 as usize - 1];
//! let command = Bytes::from_static(b"x = 1");
//! let at = leader.with(now, group, |raft| raft.propose(now, command)).expect("it is here")?;
//! assert_eq!(leader.status().silent, 99);
//! settle(&mut machines, now);
//! assert!(machines.iter().all(|machine| machine.get(group).unwrap().last_position() == at));
//! # Ok::<(), purlin_quorum::raft::ProposeError<Bytes>>(())
//! ```
//!
//! # Storage
//!
//! Tickets count within a group: its writes must become durable in their order, and those of two
//! groups in any. So a host has the choice:
//!
//! | | one log for all groups | a [`Storage`] for each |
//! |---|---|---|
//! | a sync is for | all that was written meanwhile, by however many groups | one group |
//! | open files | a few | some for each group |
//! | you bring | the log: each record a group's name and what it wrote, in the encoding of the [`codec`](super::codec); and its compaction | nothing: `FileStorage` (feature `durable`) in a directory for each |
//! | good for | thousands of groups | dozens |
//!
//! [`GroupsOutput`] shows the first, which is what CockroachDB and TiKV do. For both:
//!
//! * When a log fails, tell every group that it serves ([`Raft::write_failed`]).
//! * A machine has one [`Config::incarnation`]: keep it beside the log, or make all stores with the
//!   same one in their [`Identity`]. As it speaks for all groups, a store that is lost alone goes
//!   unnoticed. Do not make it again: the machine can only leave that group for good, or come back as
//!   a new node.
//! * Keep the [`HardState`] of a group that was [removed](Groups::remove), and if the machine
//!   joins it again put it into [`Recovered::joining`]. It votes under the same name as before, and must
//!   not vote twice in a term.
//!
//! [`Storage`]: crate::raft::storage::Storage
//! [`Identity`]: crate::raft::storage::Identity
//! [`HardState`]: crate::raft::HardState
//! [`Config::incarnation`]: crate::raft::Config::incarnation
//! [`Config::quiesce`]: crate::raft::Config::quiesce
//! [`Config`]: crate::raft::Config

mod beats;
mod error;
mod local;
mod message;
mod output;
mod peers;
mod slots;
mod timers;

pub use error::{CreateError, GroupsError};
pub use message::{Answer, Beat, GroupId, GroupsMessage, Heartbeats};
pub use output::GroupsOutput;

use crate::raft::{Config, ConfigError, Input, Raft, Recovered};
use alloc::boxed::Box;
use alloc::sync::Arc;
use local::Local;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;
use slots::Index;

/// The replicas on one machine, of as many groups as there are. See the [module](self).
///
/// A [`Machine`]: the host loop is that of a single [`Raft`], with the group's name beside each input
/// and output.
///
/// Memory: a replica takes what a [`Raft`] takes without queues of its own, and about 100 bytes more.
/// Time: *O*(log groups) to find one; a beat touches only groups that this machine leads awake.
#[derive(Clone, Debug)]
pub struct Groups {
    index: Index,
    local: Local,
    seeds: SplitMix64,
}

/// What [`Groups`] take, for [`Machine::handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupsInput {
    /// Something for one group.
    Group(GroupId, Input),
    /// A message from another machine: [`Groups::receive`].
    Message(GroupsMessage),
}

/// The groups of a machine at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupsStatus {
    /// Groups that have a replica here.
    pub groups: usize,
    /// Those that this machine leads.
    pub led: usize,
    /// Those that are silent here, led or not.
    pub silent: usize,
    /// Other machines that some group here has a replica on.
    pub peers: usize,
}

impl Groups {
    /// A machine without groups. The machine's name is [`Config::id`], and each of its groups has the
    /// configuration `config`.
    ///
    /// `seed` varies election timeouts, and tells one run of the process from the next: give each
    /// machine another one, and each start.
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
            local: Local::new(config, run, now),
            seeds,
        })
    }

    /// Starts a replica: of a new group, of one that this machine has on its disk, or of one that is to
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
        let config = self.local.config.clone();
        let raft = Raft::new(config, recovered, self.seeds.next_u64(), now)?;
        let at = self.index.insert(group).ok_or(CreateError::Full)?;
        self.local.note(now);
        self.local.put(at, group, raft);
        Ok(())
    }

    /// Takes a replica out, as it is; `None` when there is none. *O*(log groups).
    ///
    /// The others of the group hear of it if it led them silently. What it has put out before is still
    /// to be carried out.
    pub fn remove(&mut self, now: Instant, group: GroupId) -> Option<Raft> {
        self.local.note(now);
        self.local.take(self.index.remove(group)?)
    }

    /// A group, to look at: its [`status`](Raft::status), its [`lease_read`](Raft::lease_read).
    /// *O*(log groups).
    #[must_use]
    pub fn get(&self, group: GroupId) -> Option<&Raft> {
        let at = self.index.get(group)?;
        Some(&self.local.slot(at)?.raft)
    }

    /// Does something with a group: proposes, reads, reports a write. Answers what `act` does, `None`
    /// when the group is not here. *O*(log groups) and what `act` takes.
    ///
    /// What the group puts out comes from [`poll_output`](Machine::poll_output) of these [`Groups`], which
    /// look after its time: call neither on the group itself.
    pub fn with<T>(
        &mut self,
        now: Instant,
        group: GroupId,
        act: impl FnOnce(&mut Raft) -> T,
    ) -> Option<T> {
        let at = self.index.get(group)?;
        self.local.note(now);
        self.local.touch(at, act)
    }

    /// A message has arrived from another machine. *O*(beats) when there are beats in the ascending
    /// order in which machines send them.
    ///
    /// Of [`Heartbeats`], beats of groups that are not here, and what single groups refuse, are passed
    /// over.
    ///
    /// # Errors
    ///
    /// [`GroupsError::Misdirected`], and for messages of one group what that group refuses, or the
    /// message itself when the group is not here.
    pub fn receive(&mut self, now: Instant, message: GroupsMessage) -> Result<(), GroupsError> {
        match message {
            GroupsMessage::Group(group, message) => {
                self.handle_group(now, group, Input::Message(message))
            }
            GroupsMessage::Heartbeats(heartbeats) => {
                let Config { id, cluster, .. } = *self.local.config;
                let Heartbeats { from, to, .. } = heartbeats;
                if heartbeats.cluster != cluster || to != id || from == id {
                    return Err(GroupsError::Misdirected);
                }
                self.local.note(now);
                self.local.hear(now, &self.index, &heartbeats);
                Ok(())
            }
        }
    }

    fn handle_group(
        &mut self,
        now: Instant,
        group: GroupId,
        input: Input,
    ) -> Result<(), GroupsError> {
        let Some(at) = self.index.get(group) else {
            return Err(GroupsError::UnknownGroup(group, Box::new(input)));
        };
        self.local.note(now);
        match self.local.touch(at, |raft| raft.handle(now, input)) {
            Some(Err(error)) => Err(GroupsError::Refused(group, error)),
            _ => Ok(()),
        }
    }

    /// The groups here, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (GroupId, &Raft)> + '_ {
        let slots = self.index.iter();
        slots.filter_map(|(group, at)| Some((group, &self.local.slot(at)?.raft)))
    }

    /// The machine's name.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.local.config.id
    }

    /// What it does, in numbers. *O*(groups).
    #[must_use]
    pub fn status(&self) -> GroupsStatus {
        let mut status = GroupsStatus {
            groups: self.index.len(),
            peers: self.local.peers.len(),
            ..GroupsStatus::default()
        };
        for (_, raft) in self.iter() {
            status.led += usize::from(raft.is_leader());
            status.silent += usize::from(raft.is_quiesced());
        }
        status
    }

    /// Checks that what is noted of the groups is what they are. *O*(groups).
    ///
    /// # Panics
    ///
    /// When it is not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        self.local.check_invariants();
        let named = self.index.iter().filter_map(|(group, at)| {
            let slot = self.local.slot(at)?;
            (slot.id == group).then_some(())
        });
        assert_eq!(named.count(), self.index.len(), "each name has its group");
    }
}

impl Machine for Groups {
    type Input = GroupsInput;
    type Output = GroupsOutput;
    type Error = GroupsError;

    fn handle(&mut self, now: Instant, input: GroupsInput) -> Result<(), GroupsError> {
        match input {
            GroupsInput::Group(group, input) => self.handle_group(now, group, input),
            GroupsInput::Message(message) => self.receive(now, message),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.local.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<GroupsOutput> {
        self.local.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.local.poll_timeout()
    }
}
