//! Replicas that exchange messages: each takes all that has arrived, and is then polled.

use crate::machine::Journal;
use crate::store::{Broken, Store};
use alloc::collections::{BTreeMap, BTreeSet};
use bytes::Bytes;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::replica::{Event, Replica, ReplicaError};
use purlin_quorum::raft::storage::{Identity, Storage as _};
use purlin_quorum::raft::{ClusterId, Config, Configuration, Message, Position, RoleKind};

pub(crate) type Node = Replica<Store, Journal>;

/// A step of the group's time: a message takes as long.
pub(crate) const STEP: Duration = Duration::from_millis(10);

pub(crate) struct Group {
    pub(crate) now: Instant,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) mail: Vec<Message>,
    /// Nodes that reach nobody.
    pub(crate) cut: BTreeSet<u64>,
    /// What was said, but for messages.
    pub(crate) events: Vec<(u64, Event<usize>)>,
    pub(crate) snapshot_after: u64,
    pub(crate) lease_drift_ppm: Option<u32>,
    starts: u64,
}

pub(crate) fn config(id: u64) -> Config {
    let mut config = Config::new(NodeId(id));
    config.trailing_entries = 0;
    config.snapshot_chunk_bytes = 64;
    config
}

pub(crate) fn founders() -> Configuration {
    Configuration::new([1, 2, 3].map(NodeId))
}

pub(crate) fn founder(id: u64) -> Store {
    let mut store = Store::default();
    let identity = Identity::new(ClusterId(0), NodeId(id), 1000 + id);
    store
        .bootstrap(identity, founders())
        .expect("an empty store");
    store
}

impl Group {
    pub(crate) fn new() -> Self {
        let mut group = Self {
            now: Instant::default(),
            nodes: BTreeMap::new(),
            mail: Vec::new(),
            cut: BTreeSet::new(),
            events: Vec::new(),
            snapshot_after: u64::MAX,
            lease_drift_ppm: None,
            starts: 0,
        };
        (1..=3).for_each(|id| group.open(id, founder(id)));
        group
    }

    pub(crate) fn open(&mut self, id: u64, store: Store) {
        self.starts += 1;
        let seed = self.starts * 31 + id;
        let mut config = config(id);
        config.lease_drift_ppm = self.lease_drift_ppm;
        let mut node = Replica::open(config, store, Journal::default(), seed, self.now)
            .expect("a store that was made for it");
        node.snapshot_after(self.snapshot_after);
        self.nodes.insert(id, node);
    }

    /// The node goes down with everything that is not durable, and comes back.
    pub(crate) fn restart(&mut self, id: u64, torn: Option<u64>) {
        let mut store = self.take(id).into_storage();
        store.crash(torn);
        self.open(id, store);
    }

    pub(crate) fn take(&mut self, id: u64) -> Node {
        self.mail.retain(|message| message.from != NodeId(id));
        self.nodes.remove(&id).expect("a node")
    }

    pub(crate) fn node(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node")
    }

    pub(crate) fn propose(&mut self, id: u64, command: &str) -> Position {
        let now = self.now;
        let command = Bytes::copy_from_slice(command.as_bytes());
        self.node(id).propose(now, command).expect("it leads")
    }

    /// Time goes on by a step.
    pub(crate) fn step(&mut self) {
        self.now += STEP;
        let (now, mail) = (self.now, core::mem::take(&mut self.mail));
        for message in mail {
            let unreachable = [message.from.0, message.to.0].map(|id| self.cut.contains(&id));
            if let Some(node) = self
                .nodes
                .get_mut(&message.to.0)
                .filter(|_| unreachable == [false; 2])
            {
                // A stopped node refuses.
                let _ = node.receive(now, message);
            }
        }
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.node(id).handle_timeout(now);
            self.poll(id).expect("stores that do not fail");
        }
    }

    /// Takes all events of a node.
    pub(crate) fn poll(&mut self, id: u64) -> Result<(), ReplicaError<Broken>> {
        let now = self.now;
        while let Some(event) = self.node(id).poll_event(now)? {
            match event {
                Event::Send(message) => self.mail.push(message),
                event => self.events.push((id, event)),
            }
        }
        Ok(())
    }

    /// Goes on until it is so, for at most a minute.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..6000 {
            if is_so(self) {
                return;
            }
            self.step();
        }
        panic!(
            "not within a minute: {what}; {:?}",
            self.nodes
                .values()
                .map(|node| node.raft().status())
                .collect::<Vec<_>>()
        );
    }

    /// The node that leads the nodes that are not cut off, when they agree on it.
    pub(crate) fn leader(&self) -> Option<u64> {
        let mut within = self.nodes.iter().filter(|(id, _)| !self.cut.contains(id));
        let (&id, leader) = within
            .clone()
            .find(|(_, node)| node.raft().role() == RoleKind::Leader)?;
        let term = leader.raft().term();
        within
            .all(|(_, node)| node.raft().leader() == Some(NodeId(id)) && node.raft().term() == term)
            .then_some(id)
    }

    pub(crate) fn elect(&mut self) -> u64 {
        self.until("somebody leads", |group| group.leader().is_some());
        self.leader().expect("it was waited for")
    }

    /// All of the nodes that are not cut off have applied the same, `count` commands.
    pub(crate) fn agree(&mut self, count: usize) {
        self.until("all have applied it", |group| {
            let within = group.nodes.iter().filter(|(id, _)| !group.cut.contains(id));
            within
                .clone()
                .all(|(_, node)| node.machine().0.len() == count)
        });
        let journals: BTreeSet<_> = self
            .nodes
            .iter()
            .filter(|(id, _)| !self.cut.contains(id))
            .map(|(_, node)| node.machine().0.clone())
            .collect();
        assert_eq!(journals.len(), 1, "{journals:?}");
    }

    /// What became of a proposal, as its node said.
    pub(crate) fn outcomes(&self, id: u64, position: Position) -> Vec<&Event<usize>> {
        let of_it = |event: &&Event<usize>| match event {
            Event::Applied(at, _)
            | Event::MembersChanged(at)
            | Event::Lost(at)
            | Event::Unknown(at) => *at == position,
            _ => false,
        };
        let events = self.events.iter().filter(|(node, _)| *node == id);
        events.map(|(_, event)| event).filter(of_it).collect()
    }
}
