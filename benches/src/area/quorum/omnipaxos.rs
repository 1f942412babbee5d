//! Three nodes of `omnipaxos`.

use alloc::sync::Arc;

use omnipaxos::messages::Message;
use omnipaxos::storage::{Entry, NoSnapshot};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};
use omnipaxos_storage::memory_storage::MemoryStorage;

use super::cluster::{Applied, Cluster, Command, Compaction};

const IDS: [u64; 3] = [1, 2, 3];

/// A command that is cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Command>);

impl Entry for Shared {
    type Snapshot = NoSnapshot;
}

type Node = OmniPaxos<Shared, MemoryStorage<Shared>>;

/// A group that has a leader.
pub(super) struct Omnipaxos {
    nodes: [Node; 3],
    applied: [Applied; 3],
    /// Up to where each has applied.
    upto: [usize; 3],
    mail: Vec<Message<Shared>>,
    compaction: Compaction,
    reads_back: bool,
}

impl Omnipaxos {
    /// It collects so many entries before it passes them on: the number that are proposed at once.
    pub(super) fn elected(batch: usize) -> Self {
        let nodes = IDS.map(|id| {
            let cluster = ClusterConfig {
                configuration_id: 1,
                nodes: IDS.to_vec(),
                flexible_quorum: None,
            };
            let server = ServerConfig {
                pid: id,
                batch_size: batch,
                // The first node is to lead.
                leader_priority: u32::from(id == IDS[0]),
                ..ServerConfig::default()
            };
            let node = cluster.build_for_server(server, MemoryStorage::default());
            node.expect("the configuration is valid")
        });
        let mut group = Self {
            nodes,
            applied: Default::default(),
            upto: [0; 3],
            mail: Vec::new(),
            compaction: Compaction::default(),
            reads_back: true,
        };
        while !group.is_led() {
            group.nodes.iter_mut().for_each(Node::tick);
            group.deliver();
        }
        group
    }

    /// The same, which decides and never looks at what was decided.
    pub(super) fn deciding_only(batch: usize) -> Self {
        Self {
            reads_back: false,
            ..Self::elected(batch)
        }
    }

    /// Whether all know that the first one leads.
    fn is_led(&self) -> bool {
        let leader = Some((IDS[0], true));
        self.nodes
            .iter()
            .all(|node| node.get_current_leader() == leader)
    }

    /// Carries messages until there are none.
    #[inline]
    fn deliver(&mut self) {
        loop {
            for node in &mut self.nodes {
                node.take_outgoing_messages(&mut self.mail);
            }
            if self.mail.is_empty() {
                break;
            }
            for message in self.mail.drain(..) {
                self.nodes[place(message.get_receiver())].handle_incoming(message);
            }
        }
    }

    #[inline]
    fn apply(&mut self) {
        let nodes = self.nodes.iter().zip(&mut self.applied).zip(&mut self.upto);
        for ((node, applied), upto) in nodes {
            for entry in node.read_decided_suffix(*upto).unwrap_or_default() {
                if let LogEntry::Decided(Shared(command)) = entry {
                    applied.apply(&*command);
                }
            }
            *upto = node.get_decided_idx();
        }
    }
}

/// Which of the three has that number.
#[inline]
fn place(id: u64) -> usize {
    usize::try_from(id - 1).unwrap_or_else(|_| unreachable!("one of three"))
}

impl Cluster for Omnipaxos {
    #[inline]
    fn commit(&mut self, command: &Command, batch: usize) {
        for _ in 0..batch {
            let appended = self.nodes[0].append(Shared(Arc::new(*command)));
            appended.expect("nobody reconfigures");
        }
        self.deliver();
        if self.reads_back {
            self.apply();
        }
        if self.compaction.due(batch) {
            let decided = self.nodes[0].get_decided_idx();
            self.nodes[0].trim(Some(decided)).expect("all have it");
            self.deliver();
        }
    }

    fn applied(&self) -> [Applied; 3] {
        self.applied
    }
}
