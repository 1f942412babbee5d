//! The order of preference of placements whose nodes are buckets.
//!
//! The owner comes first, as the placement has it. The others follow in the order in which
//! [`choose_k`](super::choose_k) ranks all buckets, those of no node skipped. After the first
//! [`RANKED`] of the ranking, rendezvous hashing orders whoever is left.
//!
//! All of it stays in place when a node comes or goes: buckets without a node keep their rank, a
//! bucket added at the end is put in somewhere, and scores do not depend on other nodes. So a node
//! that is no replica goes without a trace, and for one that goes exactly one comes in.

use super::BucketHash;
use super::choose_k::next_rank;
use crate::mix;
use crate::roster::Seats;
use crate::spread;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// How many buckets of the ranking are asked, which bounds the memory on the stack and, since the
/// rank r takes O(r) hashes, the time. With half of the buckets empty, one key in 2^32 asks further.
const RANKED: usize = 32;

/// The first node in the order that is accepted, as in [`crate::Preference`].
pub(crate) fn first<H: BucketHash>(
    seats: &Seats,
    key: KeyHash,
    owner: NodeIdx,
    accept: &mut dyn FnMut(NodeIdx) -> bool,
) -> Option<NodeIdx> {
    ranked::<H>(seats, key, owner, &mut *accept).or_else(|| unranked(seats, key, accept))
}

/// Fills `out` with the first nodes of the order, or as far apart as localities allow.
pub(crate) fn replicas<H: BucketHash>(
    seats: &Seats,
    key: KeyHash,
    owner: NodeIdx,
    out: &mut [NodeIdx],
) -> usize {
    if !seats.domains().is_flat() {
        return spread::replicas(seats, out, 0, |accept| {
            first::<H>(seats, key, owner, accept)
        });
    }
    let mut slots = out.iter_mut();
    let mut chosen = 0;
    let wanted = slots.len().min(seats.active());
    if wanted > 0 {
        ranked::<H>(seats, key, owner, |node| {
            if let Some(slot) = slots.next() {
                *slot = node;
                chosen += 1;
            }
            chosen == wanted
        });
    }
    spread::replicas(seats, out, chosen, |accept| unranked(seats, key, accept))
}

/// The owner, then the nodes of the ranked buckets, each once, until one is accepted.
#[inline]
fn ranked<H: BucketHash>(
    seats: &Seats,
    key: KeyHash,
    owner: NodeIdx,
    mut accept: impl FnMut(NodeIdx) -> bool,
) -> Option<NodeIdx> {
    if accept(owner) {
        return Some(owner);
    }
    // Indices are below `u32::MAX`: the roster sees to it.
    let buckets = u32::try_from(seats.bound()).ok()?;
    let mut ranking = [0; RANKED];
    for rank in 0..RANKED {
        let bucket = next_rank::<H>(key, buckets, &ranking[..rank])?;
        ranking[rank] = bucket;
        let node = NodeIdx(bucket);
        if node != owner && seats.get(node).is_some() && accept(node) {
            return Some(node);
        }
    }
    None
}

/// The accepted node of the highest score. O(nodes).
#[cold]
fn unranked(
    seats: &Seats,
    key: KeyHash,
    accept: &mut dyn FnMut(NodeIdx) -> bool,
) -> Option<NodeIdx> {
    if seats.bound() <= RANKED {
        return None; // All have been asked.
    }
    let score = |&(_, seat): &(NodeIdx, &_)| score(seat, key);
    let accepted = seats.iter_active().filter(|&(node, _)| accept(node));
    accepted.max_by_key(score).map(|(node, _)| node)
}

/// Ties are broken by identity.
fn score(seat: &crate::roster::Seat, key: KeyHash) -> (u64, purlin_core::node::NodeId) {
    (mix::pair(mix::node_key(0, seat.id), key.0), seat.id)
}
