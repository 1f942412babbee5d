//! Three nodes of `purlin-quorum`.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Config, Configuration, Message, Output, Payload, Raft, ReadMode, ReadToken, Recovered, RoleKind,
};

use super::cluster::{Applied, Cluster, Command, Compaction, TICK};

const IDS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

/// A node and its state machine. Its log is the one in its memory: a write is durable at once.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) raft: Raft,
    pub(super) applied: Applied,
    /// Answered reads.
    read: usize,
}

/// The configurations of three nodes, to be shared by any number of groups of them.
pub(super) type Configs = [Arc<Config>; 3];

/// The defaults, but for what `change` changes.
pub(super) fn configs(change: impl Fn(&mut Config)) -> Configs {
    IDS.map(|id| {
        let mut config = Config::new(id);
        change(&mut config);
        Arc::new(config)
    })
}

/// Election timeout 10 ticks and as much jitter, heartbeats every `heartbeat` ticks.
pub(super) fn ticked(heartbeat: u32) -> Configs {
    ticked_but(heartbeat, |_| ())
}

/// The same, but for what `change` changes.
pub(super) fn ticked_but(heartbeat: u32, change: impl Fn(&mut Config)) -> Configs {
    configs(|config| {
        config.election_timeout = TICK * 10;
        config.election_jitter = TICK * 10;
        config.heartbeat_interval = TICK * heartbeat;
        change(config);
    })
}

/// A group that was just made. `seed` varies its timeouts.
pub(super) fn group(configs: &Configs, seed: u64, now: Instant) -> [Node; 3] {
    let mut seeds = seed.wrapping_mul(3)..;
    configs.each_ref().map(|config| {
        let recovered = Recovered::bootstrap(Configuration::new(IDS));
        let seed = seeds.next().unwrap_or_default();
        let raft = Raft::new(Arc::clone(config), recovered, seed, now);
        Node {
            raft: raft.expect("the configuration is valid"),
            applied: Applied::default(),
            read: 0,
        }
    })
}

/// What is under way between nodes, and what time it is.
#[derive(Debug)]
pub(super) struct Network {
    mail: VecDeque<Message>,
    pub(super) now: Instant,
}

impl Network {
    pub(super) const fn starting(now: Instant) -> Self {
        Self {
            mail: VecDeque::new(),
            now,
        }
    }

    /// Does what a node asks for.
    #[inline]
    pub(super) fn drain(&mut self, node: &mut Node) {
        while let Some(output) = node.raft.poll_output() {
            match output {
                Output::Send(message) => self.mail.push_back(message),
                Output::Write(write) => {
                    let done = node.raft.persisted(self.now, write.ticket);
                    done.expect("it was given out");
                }
                Output::Commit(entries) => {
                    let mut last = entries.first_index();
                    for (index, entry) in entries.iter() {
                        last = index;
                        // A leader begins its term with an empty one.
                        if let Payload::Command(command) = &entry.payload
                            && !command.is_empty()
                        {
                            node.applied.apply(command);
                        }
                    }
                    node.raft.applied(self.now, last).expect("it was given out");
                }
                Output::ReadReady(_) => node.read += 1,
                _ => {}
            }
        }
    }

    /// Carries messages until there are none. `carry` may change a message, or lose it.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        nodes: &mut [Node; 3],
        mut carry: impl FnMut(Message) -> Option<Message>,
    ) {
        while let Some(message) = self.mail.pop_front() {
            let Some(message) = carry(message) else {
                continue;
            };
            let node = &mut nodes[place(message.to)];
            // What a node refuses it has no use for, as a host that gets it from a network.
            let _ = node.raft.receive(self.now, message);
            self.drain(node);
        }
    }

    /// A moment passes on the nodes that `lives` says: whose time has come acts.
    pub(super) fn pass(&mut self, nodes: &mut [Node; 3], lives: impl Fn(usize) -> bool) {
        for (place, node) in nodes.iter_mut().enumerate() {
            if lives(place) && node.raft.poll_timeout().is_some_and(|due| due <= self.now) {
                node.raft.handle_timeout(self.now);
                self.drain(node);
            }
        }
    }

    /// Makes the first node the leader.
    pub(super) fn elect(&mut self, nodes: &mut [Node; 3]) {
        nodes[0].raft.campaign(self.now).expect("it is a voter");
        self.drain(&mut nodes[0]);
        self.deliver(nodes, Some);
        assert!(leads(&nodes[0]), "nobody else campaigns");
    }

    /// Proposes `command` so many times at once.
    #[inline]
    pub(super) fn propose(&mut self, leader: &mut Node, command: &Command, batch: usize) {
        let command = || Bytes::from_owner(*command);
        if batch == 1 {
            let proposed = leader.raft.propose(self.now, command());
            proposed.expect("the first node leads");
        } else {
            let commands = (0..batch).map(|_| command()).collect();
            let proposed = leader.raft.propose_all(self.now, commands);
            proposed.expect("the first node leads");
        }
        self.drain(leader);
    }
}

/// Which of the three has that number.
#[inline]
pub(super) fn place(id: NodeId) -> usize {
    usize::try_from(id.0 - 1).unwrap_or_else(|_| unreachable!("one of three"))
}

pub(super) fn leads(node: &Node) -> bool {
    node.raft.role() == RoleKind::Leader
}

/// A group that has a leader.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) nodes: [Node; 3],
    pub(super) network: Network,
    compaction: Compaction,
}

impl Ours {
    pub(super) fn elected(configs: &Configs, seed: u64) -> Self {
        // Long after their start: nobody counts it as having heard of a leader.
        let mut network = Network::starting(Instant::default() + Duration::from_secs(10));
        let mut nodes = group(configs, seed, Instant::default());
        network.elect(&mut nodes);
        Self {
            nodes,
            network,
            compaction: Compaction::default(),
        }
    }

    /// With the defaults.
    pub(super) fn with_defaults() -> Self {
        Self::elected(&configs(|_| ()), 0)
    }

    /// So many linearizable reads at once, each confirmed by a quorum.
    #[inline]
    pub(super) fn read(&mut self, batch: usize) -> usize {
        let leader = &mut self.nodes[0];
        leader.read = 0;
        for token in 0..batch as u64 {
            let asked = leader
                .raft
                .read(self.network.now, ReadToken(token), ReadMode::Index);
            asked.expect("the first node leads");
        }
        self.network.drain(leader);
        self.network.deliver(&mut self.nodes, Some);
        self.nodes[0].read
    }

    fn compact(&mut self) {
        for node in &mut self.nodes {
            let meta = node.raft.snapshot_meta(node.raft.applied_index(), 0);
            let meta = meta.expect("what is applied last is in the log");
            node.raft
                .compact(self.network.now, meta)
                .expect("it is applied");
            self.network.drain(node);
        }
    }
}

impl Cluster for Ours {
    #[inline]
    fn commit(&mut self, command: &Command, batch: usize) {
        self.network.propose(&mut self.nodes[0], command, batch);
        self.network.deliver(&mut self.nodes, Some);
        if self.compaction.due(batch) {
            self.compact();
        }
    }

    fn applied(&self) -> [Applied; 3] {
        self.nodes.each_ref().map(|node| node.applied)
    }
}
