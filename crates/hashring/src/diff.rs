//! What a change of members moves.

mod replicas;

pub use replicas::{Handover, diff_replicas};

use crate::member::Identity;
use crate::ranges::{HashRange, Ranged, Run, merged};
use purlin_core::node::{NodeId, NodeIdx};

/// Hashes that have another owner in a new placement than in an old one: an item of [`diff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The hashes.
    pub range: HashRange,
    /// Who owned them, by its index in the old placement. `None` if nobody did.
    pub from: Option<NodeIdx>,
    /// Who owns them now, by its index in the new placement. `None` if nobody does.
    pub to: Option<NodeIdx>,
}

/// The ranges that change owners from one placement to another, in order, each as long as it can
/// be.
///
/// Nodes are the same when their identities are, whatever their indices. The placements may have
/// different options, or be of different algorithms. O(ranges of both), without allocation.
///
/// ```
/// use purlin_hashring::{BuildError, Placement, Ring, diff};
///
/// let old = Ring::new(["a", "b", "c"])?;
/// let new = Ring::new(["a", "b", "c", "d"])?;
/// for moved in diff(&old, &new) {
///     let to = moved.to.and_then(|to| new.node(to));
///     assert_eq!(to, Some(&"d"), "a new node gets something, the others get nothing");
/// }
/// let hashes: u128 = diff(&old, &new).map(|moved| moved.range.len()).sum();
/// assert!((0.15..0.35).contains(&(hashes as f64 / 2_f64.powi(64))), "about a quarter moves");
/// # Ok::<(), BuildError>(())
/// ```
pub fn diff<A, B>(old: &A, new: &B) -> impl Iterator<Item = Moved>
where
    A: Ranged<Node: Identity> + ?Sized,
    B: Ranged<Node: Identity> + ?Sized,
{
    let changes = steps(old, new).map(|(range, from, to)| {
        let same = identity(old, from) == identity(new, to);
        (range, (!same).then_some((from, to)))
    });
    merged(changes).filter_map(|(range, change)| {
        let (from, to) = change?;
        Some(Moved { range, from, to })
    })
}

fn identity<P>(placement: &P, node: Option<NodeIdx>) -> Option<NodeId>
where
    P: Ranged<Node: Identity> + ?Sized,
{
    Some(placement.node(node?)?.id())
}

type Step = (HashRange, Option<NodeIdx>, Option<NodeIdx>);

/// All hashes, cut where either placement has a boundary, with both owners.
fn steps<A, B>(old: &A, new: &B) -> impl Iterator<Item = Step>
where
    A: Ranged + ?Sized,
    B: Ranged + ?Sized,
{
    let first = (Run::from(old, 0), Run::from(new, 0));
    let pairs = core::iter::successors(Some(first), |&(a, b)| {
        let end = a.range.end.min(b.range.end);
        let a = if a.range.end == end { a.next(old)? } else { a };
        let b = if b.range.end == end { b.next(new)? } else { b };
        Some((a, b))
    });
    pairs.map(|(a, b)| {
        let range = HashRange {
            start: a.range.start.max(b.range.start),
            end: a.range.end.min(b.range.end),
        };
        (range, a.owner, b.owner)
    })
}
