//! What a change of members copies.

use super::steps;
use crate::member::Identity;
use crate::ranges::{HashRange, Ranged, merged};
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeId, NodeIdx};

/// A range of which a node gets or gives up a copy: an item of [`diff_replicas`].
///
/// | `from` | `to` | `retires` | what there is to do |
/// |---|---|---|---|
/// | node | node | yes | copy; when all copies of the range are made, `from` may drop it |
/// | node | node | no | copy; there will be more replicas than before, and `from` stays one if any does |
/// | node | none | yes | when all copies of the range are made, `from` may drop it |
/// | none | node | no | nothing: nobody had the range |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handover {
    /// The hashes.
    pub range: HashRange,
    /// Whom to copy from, by its index in the old placement: the replica that is replaced if there
    /// is one. So each new replica starts from another old one, and has what that one had
    /// acknowledged. If it is gone, take another of the old
    /// [`replicas`](purlin_core::placement::Placement::replicas) of `range.start`: they are
    /// the same for the whole range. `None` if nobody had it.
    pub from: Option<NodeIdx>,
    /// The new replica, by its index in the new placement. `None` if there is no new one for
    /// `from`.
    pub to: Option<NodeIdx>,
    /// Whether `from` is a replica of the range no more.
    pub retires: bool,
}

/// The copies that get the data of a replicated store from where an old placement wants it to where
/// a new one does, in the order of their ranges.
///
/// Only who has a copy counts, not who comes first among them. Nodes are the same when their
/// identities are. O((ranges of both) * (time of `replicas` + replicas^2)); allocates for as many
/// replicas as there are nodes at most, and where there is something to do.
///
/// ```
/// use purlin_hashring::{BuildError, Placement, Ring, diff_replicas};
///
/// let old = Ring::new(["a", "b", "c", "d"])?;
/// let new = Ring::new(["a", "b", "c", "e"])?;
/// for copy in diff_replicas(&old, &new, 2) {
///     let to = copy.to.and_then(|to| new.node(to)).expect("d is replaced everywhere");
///     let from = copy.from.and_then(|from| old.node(from)).expect("everything was somewhere");
///     assert!(copy.retires && (*to == "e" || *from == "d"), "{from} gives {to} its place");
/// }
/// # Ok::<(), BuildError>(())
/// ```
pub fn diff_replicas<A, B>(old: &A, new: &B, replicas: usize) -> impl Iterator<Item = Handover>
where
    A: Ranged<Node: Identity> + ?Sized,
    B: Ranged<Node: Identity> + ?Sized,
{
    let (mut before, mut after) = (Set::new(old, replicas), Set::new(new, replicas));
    let changes = steps(old, new).map(move |(range, ..)| {
        before.read(old, KeyHash(range.start));
        after.read(new, KeyHash(range.start));
        (range, changes(&before, &after))
    });
    merged(changes).flat_map(|(range, changes)| {
        changes.into_iter().map(move |change| Handover {
            range,
            from: change.from,
            to: change.to,
            retires: change.retires,
        })
    })
}

#[derive(PartialEq)]
struct Change {
    from: Option<NodeIdx>,
    to: Option<NodeIdx>,
    retires: bool,
}

fn changes(before: &Set, after: &Set) -> Vec<Change> {
    let mut lost = before.without(after);
    let mut gained = after.without(before);
    let kept = before.ids.iter().position(|id| after.ids.contains(id));
    let source = before.nodes.get(kept.unwrap_or(0)).copied();
    core::iter::from_fn(|| match (lost.next(), gained.next()) {
        (None, None) => None,
        (from, to) => Some(Change {
            from: from.or(source),
            to,
            retires: from.is_some(),
        }),
    })
    .collect()
}

/// A replica set, in memory that is used again.
struct Set {
    room: Vec<NodeIdx>,
    nodes: Vec<NodeIdx>,
    ids: Vec<NodeId>,
}

impl Set {
    fn new(placement: &(impl Ranged + ?Sized), replicas: usize) -> Self {
        Self {
            room: vec![NodeIdx::default(); replicas.min(placement.len())],
            nodes: Vec::new(),
            ids: Vec::new(),
        }
    }

    fn read<P: Ranged<Node: Identity> + ?Sized>(&mut self, placement: &P, key: KeyHash) {
        let count = placement.replicas(key, &mut self.room);
        let known = self.room[..count].iter().filter_map(|&index| {
            let node = placement.node(index)?;
            Some((index, node.id()))
        });
        self.nodes.clear();
        self.ids.clear();
        for (node, id) in known {
            self.nodes.push(node);
            self.ids.push(id);
        }
    }

    /// The nodes that are not in another set.
    fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = NodeIdx> + 'a {
        let all = self.nodes.iter().zip(&self.ids);
        all.filter(|(_, id)| !other.ids.contains(id))
            .map(|(&node, _)| node)
    }
}
