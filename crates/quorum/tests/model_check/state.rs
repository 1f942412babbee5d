//! A state of the whole.

use super::arena::Arena;
use super::naming::add;
use super::node::Node;
use super::oracle::Past;
use super::scope::Counts;
use super::view::View;
use purlin_core::node::NodeId;

/// Nodes, and messages under way, that a state has room for.
const NODES: usize = 3;
const MAIL: usize = 6;
const NOTHING: u32 = u32::MAX;

/// Everything by its number in the [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    nodes: [u32; NODES],
    /// What is under way: first the messages, in order, then nothing.
    mail: [u32; MAIL],
    pub(crate) past: u32,
    pub(crate) spent: Counts,
}

impl State {
    pub(crate) fn first(arena: &mut Arena) -> Self {
        let scope = arena.scope.clone();
        assert!(
            scope.nodes <= NODES as u64 && scope.mail <= MAIL,
            "no state has room for that: {scope:?}"
        );
        let mut nodes = [NOTHING; NODES];
        for (place, id) in nodes.iter_mut().zip(1..=scope.nodes) {
            *place = arena.node(Node::new(&scope, NodeId(id)));
        }
        Self {
            nodes,
            mail: [NOTHING; MAIL],
            past: arena.past(Past::default()),
            spent: Counts::default(),
        }
    }

    pub(crate) fn nodes(&self) -> &[u32] {
        occupied(&self.nodes)
    }

    pub(crate) fn mail(&self) -> &[u32] {
        occupied(&self.mail)
    }

    pub(crate) fn set_node(&mut self, place: usize, node: u32) {
        self.nodes[place] = node;
    }

    /// Adds messages, as many as there must be room for.
    pub(crate) fn post(&mut self, messages: impl Iterator<Item = u32>) {
        let free = self.mail().len();
        for (place, message) in self.mail[free..].iter_mut().zip(messages) {
            *place = message;
        }
        self.mail.sort_unstable();
    }

    pub(crate) fn take(&mut self, message: u32) {
        if let Some(place) = self.mail.iter_mut().find(|place| **place == message) {
            *place = NOTHING;
            self.mail.sort_unstable();
        }
    }

    /// Passes the views of its nodes on.
    pub(crate) fn with_views<T>(&self, arena: &Arena, look: impl FnOnce(&[&View]) -> T) -> T {
        let nodes = self.nodes();
        let first = arena.view(nodes[0]);
        let mut views = [first; NODES];
        for (place, &node) in views.iter_mut().zip(nodes) {
            *place = arena.view(node);
        }
        look(&views[..nodes.len()])
    }

    /// A fingerprint: the same for all states that renaming makes the same.
    pub(crate) fn print(&self, arena: &Arena) -> u128 {
        let mut sums = *arena.pasts.prints(self.past);
        for &node in self.nodes() {
            add(&mut sums, arena.nodes.prints(node));
        }
        for &message in self.mail() {
            add(&mut sums, arena.messages.prints(message));
        }
        let least = sums[..arena.ways].iter().min();
        let spent = self
            .spent
            .iter()
            .fold(1, |all, &count| all << 8 | u128::from(count));
        // A prime: what is spent must not look like a sum of others.
        let spent = spent.wrapping_mul(0xdb91_0a54_2cf7_8e63_77aa_41b9_f2d0_6c35);
        least.copied().unwrap_or(0).wrapping_add(spent)
    }
}

fn occupied(places: &[u32]) -> &[u32] {
    let count = places.partition_point(|&place| place != NOTHING);
    &places[..count]
}
