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

use core::cmp::Ordering;
use purlin_core::node::{NodeIdx, Weight};

/// How a node fares for a key. Less is better; two nodes never fare alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    cost: u128,
    draw: u64,
    pub(crate) node: NodeIdx,
}

impl Standing {
    /// Where all nodes that compete have one weight.
    #[inline]
    pub(crate) const fn among_equals(draw: u64, node: NodeIdx) -> Self {
        let cost = 0;
        Self { cost, draw, node }
    }

    /// Where weights differ. The weight must not be 0; if it is, nothing is worse.
    #[inline]
    pub(crate) fn among_weights(draw: u64, weight: Weight, node: NodeIdx) -> Self {
        // To 122 binary places.
        let share = u64::MAX.checked_div(u64::from(weight.get()));
        let cost = u128::from(log2::negated(draw)) * u128::from(share.unwrap_or(u64::MAX));
        Self { cost, draw, node }
    }

    #[inline]
    pub(crate) const fn draw(&self) -> u64 {
        self.draw
    }
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
