//! What the oracle sees of a node, worked out from its logs and not taken from its word.

use super::disk::append_to;
use super::node::Node;
use purlin_quorum::raft::{Configuration, Entry, Payload, RoleKind};

/// A log as the digests of its beginnings: equal digests mean equal logs up to there.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The index of the first of the links, which stands for everything before.
    base: u64,
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) term: u64,
    pub(crate) digest: u64,
    pub(crate) is_configuration: bool,
}

impl History {
    fn new(base: u64, first: Link, entries: &[&Entry]) -> Self {
        let mut links = vec![first];
        let mut digest = first.digest;
        for entry in entries {
            digest = append_to(digest, entry);
            links.push(Link {
                term: entry.term.0,
                digest,
                is_configuration: matches!(entry.payload, Payload::Configuration(_)),
            });
        }
        Self { base, links }
    }

    pub(crate) fn last(&self) -> u64 {
        self.base + self.links.len() as u64 - 1
    }

    /// From the base on; `None` before and after.
    pub(crate) fn get(&self, index: u64) -> Option<&Link> {
        let place = usize::try_from(index.checked_sub(self.base)?).ok()?;
        self.links.get(place)
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }
}

/// Sets of nodes, as bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voters {
    pub(crate) incoming: u8,
    pub(crate) outgoing: u8,
}

impl Voters {
    fn of(configuration: &Configuration) -> Self {
        let bits = |nodes: &[purlin_core::node::NodeId]| {
            nodes.iter().fold(0, |bits, node| bits | 1 << node.0)
        };
        Self {
            incoming: bits(configuration.voters()),
            outgoing: bits(configuration.outgoing()),
        }
    }

    /// Whether `nodes` are a quorum: more than half of each half.
    pub(crate) fn have_quorum(self, nodes: u8) -> bool {
        let majority = |half: u8| 2 * (half & nodes).count_ones() > half.count_ones();
        majority(self.incoming) && (self.outgoing == 0 || majority(self.outgoing))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: u64,
    pub(crate) leads: bool,
    pub(crate) term: u64,
    pub(crate) commit: u64,
    pub(crate) applied: (u64, u64),
    pub(crate) orders: usize,
    pub(crate) log: History,
    pub(crate) durable: History,
    /// Those of the last configuration in its log.
    pub(crate) voters: Voters,
}

impl View {
    pub(crate) fn of(node: &Node) -> Self {
        let status = node.raft.status();
        let snapshot = &node.disk.snapshot;
        let base = snapshot.index().0;
        let before = Link {
            term: snapshot.meta.position.term.0,
            digest: snapshot.digest,
            is_configuration: false,
        };
        let first = snapshot.index().next();
        let entries = node
            .raft
            .entries(first, node.raft.last_position().index, u64::MAX);
        let latest = entries
            .iter()
            .filter_map(|(_, entry)| match &entry.payload {
                Payload::Configuration(configuration) => Some(configuration),
                Payload::Command(_) => None,
            });
        let voters = Voters::of(latest.last().unwrap_or(&snapshot.meta.configuration));
        let log: Vec<_> = entries.iter().map(|(_, entry)| entry).collect();
        let durable: Vec<_> = node.disk.entries.iter().collect();
        Self {
            id: status.id.0,
            leads: status.role == RoleKind::Leader,
            term: status.term.0,
            commit: status.commit.0,
            applied: (node.applied.index().0, node.applied.digest),
            orders: node.orders(),
            log: History::new(base, before, &log),
            durable: History::new(base, before, &durable),
            voters,
        }
    }
}
