//! Three nodes of `raft` (raft-rs), driven as its own example of five in-memory nodes drives them.

use bytes::Bytes;
use raft::prelude::{Entry, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use slog::{Discard, Logger, o};

use super::cluster::{Applied, Cluster, Command, Compaction};

const IDS: [u64; 3] = [1, 2, 3];

/// A node and its state machine.
pub(super) struct Node {
    pub(super) raft: RawNode<MemStorage>,
    pub(super) applied: Applied,
    /// Answered reads.
    read: usize,
}

/// What it is cheapest and as safe with: appends join a message that waits, a message may be as large
/// as ours (by default it carries one entry), pre-vote and check-quorum as ours.
pub(super) fn config(heartbeat: usize) -> Config {
    Config {
        election_tick: 10,
        heartbeat_tick: heartbeat,
        max_size_per_msg: 1 << 20,
        pre_vote: true,
        check_quorum: true,
        batch_append: true,
        ..Config::default()
    }
}

/// A group that was just made.
pub(super) fn group(config: &Config, logger: &Logger) -> [Node; 3] {
    IDS.map(|id| {
        let storage = MemStorage::new_with_conf_state((IDS.to_vec(), Vec::new()));
        let config = Config {
            id,
            ..config.clone()
        };
        let raft = RawNode::new(&config, storage, logger);
        Node {
            raft: raft.expect("the configuration is valid"),
            applied: Applied::default(),
            read: 0,
        }
    })
}

/// One that says nothing.
pub(super) fn quiet() -> Logger {
    Logger::root(Discard, o!())
}

/// What is under way between nodes.
#[derive(Debug, Default)]
pub(super) struct Network {
    mail: Vec<Message>,
    /// Kept for its memory.
    arrived: Vec<Message>,
}

impl Network {
    /// Does what a node asks for.
    #[inline]
    pub(super) fn drain(&mut self, node: &mut Node) {
        if !node.raft.has_ready() {
            return;
        }
        let mut ready = node.raft.ready();
        self.mail.extend(ready.take_messages());
        node.read += ready.take_read_states().len();
        apply(&mut node.applied, ready.take_committed_entries());
        let storage = node.raft.store().clone();
        if !ready.entries().is_empty() {
            let appended = storage.wl().append(ready.entries());
            appended.expect("entries follow each other");
        }
        if let Some(state) = ready.hs() {
            storage.wl().set_hardstate(state.clone());
        }
        self.mail.extend(ready.take_persisted_messages());
        let mut light = node.raft.advance(ready);
        if let Some(commit) = light.commit_index() {
            storage.wl().mut_hard_state().set_commit(commit);
        }
        self.mail.extend(light.take_messages());
        apply(&mut node.applied, light.take_committed_entries());
        node.raft.advance_apply();
    }

    /// Carries messages until there are none, all that wait before a node is asked what it wants:
    /// the cheapest way to drive it. `carry` may change a message, or lose it.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        nodes: &mut [Node; 3],
        mut carry: impl FnMut(Message) -> Option<Message>,
    ) {
        while !self.mail.is_empty() {
            core::mem::swap(&mut self.mail, &mut self.arrived);
            for message in self.arrived.drain(..) {
                let Some(message) = carry(message) else {
                    continue;
                };
                // An answer that comes too late is an error to it.
                let _ = nodes[place(message.to)].raft.step(message);
            }
            for node in &mut *nodes {
                self.drain(node);
            }
        }
    }

    /// A tick passes on the nodes that `lives` says.
    pub(super) fn pass(&mut self, nodes: &mut [Node; 3], lives: impl Fn(usize) -> bool) {
        for (place, node) in nodes.iter_mut().enumerate() {
            if lives(place) {
                node.raft.tick();
                self.drain(node);
            }
        }
    }

    /// Makes the first node the leader.
    pub(super) fn elect(&mut self, nodes: &mut [Node; 3]) {
        nodes[0].raft.campaign().expect("it is a voter");
        self.drain(&mut nodes[0]);
        self.deliver(nodes, Some);
        assert!(leads(&nodes[0]), "nobody else campaigns");
    }

    /// Proposes `command` so many times at once.
    #[inline]
    pub(super) fn propose(&mut self, leader: &mut Node, command: &Command, batch: usize) {
        for _ in 0..batch {
            let proposed = leader.raft.propose(Vec::new(), command.to_vec());
            proposed.expect("the first node leads");
        }
        self.drain(leader);
    }
}

#[inline]
fn apply(applied: &mut Applied, entries: Vec<Entry>) {
    for entry in entries {
        // A leader begins its term with an empty one.
        if !entry.data.is_empty() {
            applied.apply(&entry.data);
        }
    }
}

/// Which of the three has that number.
#[inline]
pub(super) fn place(id: u64) -> usize {
    usize::try_from(id - 1).unwrap_or_else(|_| unreachable!("one of three"))
}

pub(super) fn leads(node: &Node) -> bool {
    node.raft.raft.state == StateRole::Leader
}

/// The same message with commands of its own, as one that came over a network.
pub(super) fn apart(mut message: Message) -> Message {
    for entry in message.mut_entries().iter_mut() {
        entry.data = Bytes::copy_from_slice(&entry.data);
    }
    message
}

/// A group that has a leader.
pub(super) struct RaftRs {
    pub(super) nodes: [Node; 3],
    pub(super) network: Network,
    compaction: Compaction,
    read: u64,
}

impl RaftRs {
    pub(super) fn elected(config: &Config) -> Self {
        let mut network = Network::default();
        let mut nodes = group(config, &quiet());
        network.elect(&mut nodes);
        Self {
            nodes,
            network,
            compaction: Compaction::default(),
            read: 0,
        }
    }

    /// In the cheapest configuration.
    pub(super) fn cheapest() -> Self {
        Self::elected(&config(1))
    }

    /// So many linearizable reads at once, each confirmed by a quorum.
    #[inline]
    pub(super) fn read(&mut self, batch: usize) -> usize {
        let leader = &mut self.nodes[0];
        leader.read = 0;
        for _ in 0..batch {
            // It tells reads apart by what the caller passes.
            leader.raft.read_index(self.read.to_le_bytes().to_vec());
            self.read += 1;
        }
        self.network.drain(leader);
        self.network.deliver(&mut self.nodes, Some);
        self.nodes[0].read
    }

    fn compact(&mut self) {
        for node in &mut self.nodes {
            let applied = node.raft.raft.raft_log.applied;
            // The last entry stays: `MemStorage` has no other way to know where it ended.
            let compacted = node.raft.store().wl().compact(applied);
            compacted.expect("it is applied");
        }
    }
}

impl Cluster for RaftRs {
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
