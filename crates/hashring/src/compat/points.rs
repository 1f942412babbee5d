//! A sorted ring of points, of 32 or 64 bits.

use super::Route;
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// A place on a ring.
pub(super) trait Position: Copy + Ord {
    fn of(key: KeyHash) -> Self;
}

/// Of hash functions of 32 bits, which `hash_key` puts into the upper half. So other hashes, whose
/// 64 bits are all random, are spread over the ring as well.
impl Position for u32 {
    #[inline]
    fn of(key: KeyHash) -> Self {
        (key.0 >> 32) as Self
    }
}

impl Position for u64 {
    #[inline]
    fn of(key: KeyHash) -> Self {
        key.0
    }
}

/// Whose a point is that two nodes have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ties {
    First,
    Last,
}

/// A key belongs to the first point at or after it, or else to the first of all.
#[derive(Clone, Debug)]
pub(super) struct Points<P> {
    /// Ascending and distinct.
    positions: Vec<P>,
    /// Whose they are.
    nodes: Vec<u32>,
    /// How many nodes have points.
    owners: usize,
}

impl<P: Position> Points<P> {
    pub(super) fn new(mut points: Vec<(P, u32)>, ties: Ties) -> Self {
        // Where positions are equal, by place in the list.
        points.sort_unstable();
        points.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same && ties == Ties::Last {
                kept.1 = later.1;
            }
            same
        });
        let nodes: Vec<_> = points.iter().map(|point| point.1).collect();
        let mut owns = vec![false; nodes.iter().max().map_or(0, |&last| last as usize + 1)];
        for &node in &nodes {
            owns[node as usize] = true;
        }
        Self {
            positions: points.into_iter().map(|point| point.0).collect(),
            nodes,
            owners: owns.into_iter().filter(|&owns| owns).count(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (P, NodeIdx)> {
        let nodes = self.nodes.iter().map(|&node| NodeIdx(node));
        self.positions.iter().copied().zip(nodes)
    }

    fn first(&self, key: KeyHash) -> usize {
        let position = P::of(key);
        self.positions.partition_point(|&point| point < position)
    }
}

impl<P: Position> Route for Points<P> {
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        let node = self
            .nodes
            .get(self.first(key))
            .or_else(|| self.nodes.first())?;
        Some(NodeIdx(*node))
    }

    fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx> {
        let (before, after) = self.nodes.split_at(self.first(key));
        after.iter().chain(before).map(|&node| NodeIdx(node))
    }

    fn owners(&self) -> usize {
        self.owners
    }
}
