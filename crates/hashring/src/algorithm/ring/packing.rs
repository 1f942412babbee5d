//! A point in 32 bits.

use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// A virtual node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) position: u32,
    pub(super) node: NodeIdx,
}

/// One more than the highest index a node can have: there are at most 31 bits, and all ones is
/// nobody.
pub(super) const MAX_NODES: u32 = (1 << 31) - 1;

/// How points are packed: the first bits of a position are its bucket, which is known from where
/// the point is; the rest shares one word with the node, which may have as many bits as the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    /// From 1 to 31.
    bits: u32,
}

impl Packing {
    /// For so many points, two to four a bucket, of nodes below `bound`.
    pub(super) fn new(points: usize, bound: usize) -> Self {
        let for_points = (points / 2).max(2).ilog2();
        let for_nodes = usize::BITS - bound.leading_zeros();
        Self {
            bits: for_points.max(for_nodes),
        }
    }

    /// Whether this will do where `other` would be chosen. One bit more than needed will, so that a
    /// ring which grows and shrinks at an edge is not built anew each time.
    pub(super) fn serves(self, other: Self) -> bool {
        self.bits == other.bits || self.bits == other.bits + 1
    }

    pub(super) fn buckets(self) -> usize {
        1 << self.bits
    }

    #[inline]
    pub(super) fn bucket(self, position: u32) -> usize {
        (position >> (32 - self.bits)) as usize
    }

    /// The bucket of a key, and what entries of the bucket have to be compared with.
    #[inline]
    pub(super) fn target(self, key: KeyHash) -> (usize, u32) {
        let position = (key.0 >> 32) as u32;
        (self.bucket(position), position << self.bits)
    }

    pub(super) fn entry(self, point: Point) -> u32 {
        point.position << self.bits | point.node.0
    }

    /// The bits of a node when there is none.
    #[inline]
    pub(super) fn nobody(self) -> u32 {
        (1 << self.bits) - 1
    }

    #[inline]
    pub(super) fn node(self, entry: u32) -> NodeIdx {
        NodeIdx(entry & self.nobody())
    }

    /// The position without its bucket.
    pub(super) fn rest(self, entry: u32) -> u32 {
        entry >> self.bits
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are at most 2^31 buckets"
    )]
    pub(super) fn position(self, bucket: usize, entry: u32) -> u32 {
        (bucket as u32) << (32 - self.bits) | self.rest(entry)
    }
}
