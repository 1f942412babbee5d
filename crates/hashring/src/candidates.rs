//! All nodes that take keys, laid out for finding the best of them quickly.

use crate::mix::{node_key, pair};
use crate::placed::Change;
use crate::roster::Seats;
use crate::score::Standing;
use crate::simd;
use alloc::vec::Vec;
use purlin_core::node::{NodeIdx, Weight};

/// The nodes that take keys, heaviest first.
///
/// In that order a node can only beat those before it by a higher draw, which is how most are
/// dismissed without taking a logarithm, and many at a time.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    seed: u64,
    /// [`node_key`]s; the first again and again at the end, up to a multiple of [`simd::BLOCK`].
    keys: Vec<u64>,
    /// The nodes of these keys, and their weights.
    nodes: Vec<NodeIdx>,
    weights: Vec<Weight>,
}

impl Candidates {
    pub(crate) fn new(seed: u64, seats: &Seats) -> Self {
        let mut order: Vec<_> = seats
            .iter_active()
            .map(|(node, seat)| (seat.weight, node_key(seed, seat.id), node))
            .collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        let mut candidates = Self {
            seed,
            keys: order.iter().map(|&(_, key, _)| key).collect(),
            nodes: order.iter().map(|&(.., node)| node).collect(),
            weights: order.iter().map(|&(weight, ..)| weight).collect(),
        };
        candidates.fill_up();
        candidates
    }

    fn fill_up(&mut self) {
        if let Some(&first) = self.keys.first() {
            self.keys
                .resize(self.nodes.len().next_multiple_of(simd::BLOCK), first);
        }
    }

    /// Follows a change of the members. O(nodes), by moving memory.
    pub(crate) fn apply(&mut self, change: &Change) {
        let key = node_key(self.seed, change.id());
        self.keys.truncate(self.nodes.len());
        if change.weight_before() > 0
            && let Some(at) = self.keys.iter().position(|&other| other == key)
        {
            self.keys.remove(at);
            self.nodes.remove(at);
            self.weights.remove(at);
        }
        if change.weight_after() > 0 {
            let weight = Weight::new(change.weight_after());
            let at = self.weights.partition_point(|&other| other >= weight);
            self.keys.insert(at, key);
            self.nodes.insert(at, change.index);
            self.weights.insert(at, weight);
        }
        self.fill_up();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether all weights are equal: then draws decide alone.
    #[inline]
    pub(crate) fn is_uniform(&self) -> bool {
        self.weights.first() == self.weights.last()
    }

    /// The best node for a key. O(nodes).
    #[inline]
    pub(crate) fn best(&self, key: u64) -> Option<NodeIdx> {
        if self.is_uniform() {
            let at = simd::highest(&self.keys, key)?;
            return self.nodes.get(at).or_else(|| self.nodes.first()).copied();
        }
        Some(self.next_weighted(key, None)?.node)
    }

    /// The best node that is worse than `after`. O(nodes).
    pub(crate) fn next(&self, key: u64, after: Option<Standing>) -> Option<Standing> {
        if !self.is_uniform() {
            return self.next_weighted(key, after);
        }
        let at = match after {
            None => simd::highest(&self.keys, key)?,
            Some(after) => simd::highest_up_to(after.draw().checked_sub(1)?, &self.keys, key)?,
        };
        // At the end the first node is repeated.
        let at = if at < self.nodes.len() { at } else { 0 };
        Some(self.standing(at, key))
    }

    fn next_weighted(&self, key: u64, after: Option<Standing>) -> Option<Standing> {
        let mut best: Option<Standing> = None;
        let mut least = 0;
        simd::above(&self.keys, key, |at, draw| {
            if at >= self.nodes.len() {
                return least;
            }
            let standing = self.among_weights(at, draw);
            if after.is_some_and(|after| standing <= after) {
                return least;
            }
            if best.is_none_or(|best| standing < best) {
                best = Some(standing);
            }
            // Whether it won or not: what follows is no heavier, and does not beat it by less.
            least = draw;
            least
        });
        best
    }

    /// The standing of the node at this position.
    pub(crate) fn standing(&self, at: usize, key: u64) -> Standing {
        let draw = pair(self.keys[at], key);
        if self.is_uniform() {
            Standing::among_equals(draw, self.nodes[at])
        } else {
            self.among_weights(at, draw)
        }
    }

    #[inline]
    fn among_weights(&self, at: usize, draw: u64) -> Standing {
        Standing::among_weights(draw, self.weights[at], self.nodes[at])
    }

    /// Fills `out` with the best nodes, best first, and answers how many. O(nodes * out.len()).
    pub(crate) fn best_of(&self, key: u64, out: &mut [NodeIdx]) -> usize {
        if self.is_uniform() {
            return self.highest_of(key, out);
        }
        let mut after = None;
        for (written, slot) in out.iter_mut().enumerate() {
            let Some(standing) = self.next_weighted(key, after) else {
                return written;
            };
            *slot = standing.node;
            after = Some(standing);
        }
        out.len()
    }

    /// The same where draws decide alone.
    fn highest_of(&self, key: u64, out: &mut [NodeIdx]) -> usize {
        let wanted = out.len().min(self.nodes.len());
        let mut limit = u64::MAX;
        for (written, slot) in out[..wanted].iter_mut().enumerate() {
            let Some(at) = simd::highest_up_to(limit, &self.keys, key) else {
                return written;
            };
            // At the end the first node is repeated.
            let at = if at < self.nodes.len() { at } else { 0 };
            *slot = self.nodes[at];
            // Draws differ, so that none is left below 0.
            limit = pair(self.keys[at], key).saturating_sub(1);
        }
        wanted
    }

    /// The best node that `accept` accepts. O(nodes) for each that it refuses, and no more than
    /// twenty times that.
    pub(crate) fn best_where(
        &self,
        key: u64,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        const ONE_BY_ONE: usize = 16;
        let mut after = None;
        for _ in 0..ONE_BY_ONE {
            let standing = self.next(key, after)?;
            if accept(standing.node) {
                return Some(standing.node);
            }
            after = Some(standing);
        }
        self.best_of_accepted(key, accept)
    }

    fn best_of_accepted(
        &self,
        key: u64,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        let mut best: Option<Standing> = None;
        for at in 0..self.nodes.len() {
            let standing = self.standing(at, key);
            if best.is_none_or(|best| standing < best) && accept(standing.node) {
                best = Some(standing);
            }
        }
        best.map(|best| best.node)
    }

    /// Panics when this is not what building anew would give, order within a weight aside.
    pub(crate) fn check(&self, seats: &Seats) {
        let sorted = |candidates: &Self| {
            let of = |at| {
                let Self {
                    keys,
                    nodes,
                    weights,
                    ..
                } = candidates;
                (weights[at], keys[at], nodes[at])
            };
            let mut all: Vec<_> = (0..candidates.nodes.len()).map(of).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(sorted(self), sorted(&Self::new(self.seed, seats)));
        assert!(self.weights.is_sorted_by(|a, b| a >= b), "heaviest first");
    }
}
