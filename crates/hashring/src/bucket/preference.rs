//! The order of preference of placements whose nodes are buckets.
//!
//! The owner comes first, as the placement has it. The others follow in an order of all buckets,
//! those without a node skipped: [`Ranked`] or [`Drawn`]. Rendezvous hashing orders whoever these
//! leave out.

use super::ranking::{self, rank_key};
use super::{BucketHash, Flip};
use crate::mix;
use crate::roster::Seats;
use crate::spread;
use core::marker::PhantomData;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// An order of all buckets, for every key another.
pub(crate) trait Others {
    /// The first bucket that is accepted. May give up before all were asked, may ask twice.
    fn find(key: KeyHash, buckets: u32, accept: impl FnMut(u32) -> bool) -> Option<u32>;
}

/// The ranking of [`choose_k`](super::choose_k), by a bucket hash.
pub(crate) struct Ranked<H>(PhantomData<H>);

impl<H: BucketHash> Others for Ranked<H> {
    #[inline(always)]
    fn find(key: KeyHash, buckets: u32, accept: impl FnMut(u32) -> bool) -> Option<u32> {
        ranking::find::<H>(key, buckets, accept)
    }
}

/// The buckets of one derived key after the other: a fraction of the time of [`Ranked`], most of
/// all where many buckets have no node. One that is emptied or filled moves no other. Only a bucket
/// added at the end can take more than one of a key's draws at once.
pub(crate) struct Drawn;

impl Others for Drawn {
    #[inline(always)]
    fn find(key: KeyHash, buckets: u32, mut accept: impl FnMut(u32) -> bool) -> Option<u32> {
        // If any single one is wanted, it is found for 98 % of the keys.
        (1..=buckets.saturating_mul(4).max(64))
            .filter_map(|draw| Flip::bucket(rank_key(key, draw), buckets))
            .find(|&bucket| accept(bucket))
    }
}

/// The order of one key, given what a placement knows of it.
pub(crate) struct Order<'a, W> {
    pub(crate) seats: &'a Seats,
    pub(crate) key: KeyHash,
    pub(crate) owner: NodeIdx,
    /// Whether a bucket has a node.
    pub(crate) works: W,
}

impl<W: Fn(u32) -> bool> Order<'_, W> {
    /// The first node in the order that is accepted, as in [`crate::Preference`].
    pub(crate) fn first<O: Others>(
        &self,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        if accept(self.owner) {
            return Some(self.owner);
        }
        O::find(self.key, self.buckets(), |bucket| {
            self.is_other(bucket) && accept(NodeIdx(bucket))
        })
        .map(NodeIdx)
        .or_else(|| self.by_score(accept))
    }

    /// Fills `out` with the first nodes of the order, or as far apart as localities allow.
    #[inline]
    pub(crate) fn replicas<O: Others>(&self, out: &mut [NodeIdx]) -> usize {
        if !self.seats.domains().is_flat() {
            return spread::replicas(self.seats, out, 0, |accept| self.first::<O>(accept));
        }
        let wanted = out.len().min(self.seats.active());
        let out = &mut out[..wanted];
        let Some(slot) = out.first_mut() else {
            return 0;
        };
        *slot = self.owner;
        let mut chosen = 1;
        if chosen < wanted {
            O::find(self.key, self.buckets(), |bucket| {
                let node = NodeIdx(bucket);
                if (self.works)(bucket) && !out[..chosen].contains(&node) {
                    out[chosen] = node;
                    chosen += 1;
                }
                chosen == wanted
            });
        }
        if chosen < wanted {
            spread::replicas(self.seats, out, chosen, |accept| self.by_score(accept));
        }
        wanted
    }

    /// Whether a bucket has a node that is not the owner.
    #[inline(always)]
    fn is_other(&self, bucket: u32) -> bool {
        bucket != self.owner.0 && (self.works)(bucket)
    }

    fn buckets(&self) -> u32 {
        // The roster sees to it that indices are below `u32::MAX`.
        u32::try_from(self.seats.bound()).unwrap_or(u32::MAX)
    }

    /// The accepted node of the highest score; ties are broken by identity. O(nodes).
    #[cold]
    fn by_score(&self, accept: &mut dyn FnMut(NodeIdx) -> bool) -> Option<NodeIdx> {
        let accepted = self.seats.iter_active().filter(|&(node, _)| accept(node));
        let scored = accepted.map(|(node, seat)| {
            let score = mix::pair(mix::node_key(0, seat.id), self.key.0);
            (score, seat.id, node)
        });
        scored.max().map(|(_, _, node)| node)
    }
}
