//! The order in which nodes compete for a key: weighted rendezvous hashing in whole numbers.
//!
//! Every pair of node and key has a draw `u`, uniform over 64 bits. Among nodes of one weight the
//! highest draw wins. Between weights the lowest *cost* does, `-log2(u) / weight`: the minimum of
//! exponential variables of rates `weight`, so that a node wins in proportion to its weight (the
//! method of Efraimidis and Spirakis, 2006, and of Ceph's straw2 buckets). Both agree, because the
//! logarithm is monotone; [`log2`] proves it for ours.
//!
//! Raising a weight lowers that node's costs and nobody else's: keys move to it and nowhere else.

mod log2;

use crate::mix::pair;
use core::cmp::Ordering;
use purlin_core::node::{NodeIdx, Weight};

/// What a node is in the competition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrant {
    /// [`node_key`](crate::mix::node_key).
    pub(crate) key: u64,
    pub(crate) node: NodeIdx,
    pub(crate) weight: Weight,
}

/// How a node fares for a key. Less is better; two nodes never fare alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    cost: u128,
    draw: u64,
    pub(crate) node: NodeIdx,
}

impl Standing {
    /// Better than none: no node attains it.
    pub(crate) const BEST: Self = Self {
        cost: 0,
        draw: u64::MAX,
        node: NodeIdx(u32::MAX),
    };

    /// The standing of a node that takes keys: its weight must not be 0.
    #[inline]
    pub(crate) fn of(entrant: Entrant, key: u64) -> Self {
        Self::of_draw(pair(entrant.key, key), entrant.weight, entrant.node)
    }

    #[inline]
    pub(crate) fn of_draw(draw: u64, weight: Weight, node: NodeIdx) -> Self {
        Self {
            cost: cost(draw, weight),
            draw,
            node,
        }
    }
}

/// `-log2(draw) / weight`, to 122 binary places; at least 1.
#[inline]
fn cost(draw: u64, weight: Weight) -> u128 {
    let share = u64::MAX / u64::from(weight.get());
    u128::from(log2::negated(draw)) * u128::from(share)
}

impl Ord for Standing {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // Draws differ: a draw is a bijection of the node's key.
        (self.cost, other.draw).cmp(&(other.cost, self.draw))
    }
}

impl PartialOrd for Standing {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Standing {}
