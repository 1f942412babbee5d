//! The points of a ring in their order, packed for lookups.

use super::packing::{Packing, Point};
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// Points in order of position, in 5 to 8 bytes each.
///
/// The bucket of a position says where to look, and there one to four points are on average: a
/// lookup reads two places in memory. With 4 bytes a point rather than 8, a thousand nodes fit into
/// a cache of 1 MiB, which measured more than fewer instructions did.
///
/// Where two points are at one position, the one of the smaller [`node_key`](crate::mix::node_key)
/// is first.
#[derive(Clone, Debug)]
pub(super) struct Points {
    packing: Packing,
    /// The points, then a [`WINDOW`] of what comes after the last: the first again.
    entries: Vec<u32>,
    /// Where each bucket begins; then where the last one ends.
    starts: Vec<u32>,
}

/// How many entries are compared at once, without branches: six are nearly always enough.
const WINDOW: usize = 6;

impl Points {
    /// `count` points as `points` gives them, twice the same, of nodes below `bound`. O(points),
    /// and in no more memory than the result takes: a counting sort by bucket.
    pub(super) fn new<I: Iterator<Item = Point>>(
        count: usize,
        bound: usize,
        points: impl Fn() -> I,
        key_of: impl Fn(NodeIdx) -> u64,
    ) -> Self {
        let packing = Packing::new(count, bound);
        let mut starts = vec![0; packing.buckets() + 1];
        points().for_each(|point| starts[packing.bucket(point.position)] += 1);
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut entries = Vec::with_capacity(count + WINDOW);
        entries.resize(count, 0);
        points().for_each(|point| {
            let start = &mut starts[packing.bucket(point.position)];
            *start -= 1;
            entries[*start as usize] = packing.entry(point);
        });
        for bounds in starts.windows(2) {
            entries[bounds[0] as usize..bounds[1] as usize].sort_unstable_by(|&a, &b| {
                let key = |entry| key_of(packing.node(entry));
                let by_position = packing.rest(a).cmp(&packing.rest(b));
                by_position.then_with(|| key(a).cmp(&key(b)))
            });
        }
        let mut new = Self {
            packing,
            entries,
            starts,
        };
        new.seal();
        new
    }

    /// Whether there can be so many points and nodes without building anew.
    pub(super) fn fits(&self, count: usize, bound: usize) -> bool {
        self.packing.serves(Packing::new(count, bound))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - WINDOW
    }

    #[inline]
    fn span(&self, bucket: usize) -> Range<usize> {
        self.starts[bucket] as usize..self.starts[bucket + 1] as usize
    }

    /// Puts what comes after the last point behind it.
    fn seal(&mut self) {
        let first = self.entries.first().copied();
        let following = first.unwrap_or_else(|| self.packing.nobody());
        let sealed = self.entries.len() + WINDOW;
        self.entries.resize(sealed, following);
    }

    /// The owner of the first point at or after a key's position.
    #[inline]
    pub(super) fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.owner_at(self.find(key))
    }

    #[inline]
    fn owner_at(&self, at: usize) -> Option<NodeIdx> {
        let node = self.packing.node(self.entries[at]);
        (node.0 != self.packing.nobody()).then_some(node)
    }

    /// Where the first point at or after a key's position is; the number of points if there is
    /// none.
    #[inline]
    fn find(&self, key: KeyHash) -> usize {
        let (bucket, target) = self.packing.target(key);
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let (len, start) = (end - start, start as usize);
        let mut before = 0;
        for (at, &entry) in (0..).zip(&self.entries[start..start + WINDOW]) {
            // What is in the next bucket may look smaller.
            before += usize::from((at < len) & (entry < target));
        }
        if before < WINDOW {
            return start + before;
        }
        let rest = start + WINDOW;
        rest + self.entries[rest..end as usize].partition_point(|&entry| entry < target)
    }

    /// The nodes of all points in the order in which a key meets them: one turn.
    #[inline]
    pub(super) fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx> {
        let (before, after) = self.entries[..self.len()].split_at(self.find(key));
        let entries = after.iter().chain(before);
        entries.map(|&entry| self.packing.node(entry))
    }

    /// The last position that has the same owner and replicas as a key, and that owner.
    pub(super) fn reach(&self, key: KeyHash) -> (u32, Option<NodeIdx>) {
        let at = self.find(key);
        if at == self.len() {
            return (u32::MAX, self.owner_at(at));
        }
        let (mut bucket, _) = self.packing.target(key);
        // Buckets are empty rarely, unless most nodes are drained.
        while self.span(bucket).end <= at {
            bucket += 1;
        }
        let position = self.packing.position(bucket, self.entries[at]);
        (position, self.owner_at(at))
    }

    /// Adds points of one node, given by their positions in order. O(points), by moving memory.
    pub(super) fn insert(
        &mut self,
        node: NodeIdx,
        positions: &[u32],
        key_of: impl Fn(NodeIdx) -> u64,
    ) {
        let (packing, key) = (self.packing, key_of(node));
        let mut end = self.len();
        self.entries.truncate(end);
        self.entries.reserve_exact(positions.len() + WINDOW);
        self.entries.resize(end + positions.len(), 0);
        for (before, &position) in positions.iter().enumerate().rev() {
            let entry = packing.entry(Point { position, node });
            let span = self.span(packing.bucket(position));
            let precedes = |&other: &u32| match packing.rest(other).cmp(&packing.rest(entry)) {
                Ordering::Less => true,
                Ordering::Equal => key_of(packing.node(other)) < key,
                Ordering::Greater => false,
            };
            let peers = &self.entries[span.start..span.end.min(end)];
            let at = span.start + peers.partition_point(precedes);
            self.entries.copy_within(at..end, at + before + 1);
            self.entries[at + before] = entry;
            end = at;
        }
        self.shift(positions, u32::wrapping_add);
        self.seal();
    }

    /// Removes points of one node, given by their positions in order. O(points), by moving memory.
    pub(super) fn remove(&mut self, node: NodeIdx, positions: &[u32]) {
        let len = self.len();
        let (mut read, mut write) = (0, 0);
        for &position in positions {
            let entry = self.packing.entry(Point { position, node });
            let span = self.span(self.packing.bucket(position));
            let from = span.start.max(read);
            let peers = &self.entries[from..span.end];
            let found = peers.iter().position(|&other| other == entry);
            debug_assert!(found.is_some(), "a node's points are there");
            let at = from + found.unwrap_or(0);
            self.entries.copy_within(read..at, write);
            write += at - read;
            read = at + 1;
        }
        self.entries.copy_within(read..len, write);
        self.entries.truncate(len - positions.len());
        if self.entries.len() < self.entries.capacity() / 8 * 7 {
            self.entries.shrink_to(self.entries.len() + WINDOW);
        }
        self.shift(positions, u32::wrapping_sub);
        self.seal();
    }

    /// Moves the beginning of each bucket by how many of these positions, which are in order, are
    /// before it.
    fn shift(&mut self, positions: &[u32], by: impl Fn(u32, u32) -> u32) {
        let after = |&position| self.packing.bucket(position) + 1;
        let ends = positions.iter().map(after).chain([self.starts.len()]);
        let (mut later, mut first) = (&mut self.starts[..], 0);
        for (passed, end) in (0..).zip(ends) {
            let (these, rest) = later.split_at_mut(end - first);
            for start in these {
                *start = by(*start, passed);
            }
            (later, first) = (rest, end);
        }
    }

    /// Panics unless these are the same points as those, whatever the size of buckets.
    pub(super) fn check(&self, anew: &Self) {
        assert!(
            self.packing.serves(anew.packing),
            "buckets have the right size"
        );
        let listed = |points: &Self| -> Vec<(u32, NodeIdx)> {
            let buckets = 0..points.packing.buckets();
            let all = buckets.flat_map(|bucket| points.span(bucket).map(move |at| (bucket, at)));
            all.map(|(bucket, at)| {
                let entry = points.entries[at];
                let position = points.packing.position(bucket, entry);
                (position, points.packing.node(entry))
            })
            .collect()
        };
        assert_eq!(listed(self), listed(anew));
        let after = &self.entries[self.len()..];
        let first = self.entries[0];
        assert!(
            after.iter().all(|&entry| entry == first),
            "the end is sealed"
        );
    }
}
