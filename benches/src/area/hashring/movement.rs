//! Which keys move when a node comes, goes or gets a larger share.

use purlin_core::hash::KeyHash;
use purlin_core::node::Weight;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_hashring::{Identity as _, Member, MembershipError, Placement};

use super::keys::Keys;
use super::variants::{Changing, Variant};
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};

/// What a change of members did to the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moved {
    /// How many have another owner.
    all: u64,
    /// How many of them had no reason to move: neither from a node that left, nor to one that is
    /// new or has become larger.
    needless: u64,
    /// How many had to move, on average over all that could have been placed.
    ideal: f64,
}

impl Moved {
    /// All that moved, of the ideal.
    fn ratio(&self) -> f64 {
        self.all as f64 / self.ideal
    }

    /// What moved without need, of the ideal.
    pub(super) fn excess(&self) -> f64 {
        self.needless as f64 / self.ideal
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            needless: self.needless + other.needless,
            ideal: self.ideal + other.ideal,
        }
    }

    /// From the owners before and after, and the node which keys are to leave or to go to. `share`
    /// is what that node had, or gets.
    pub(super) fn between<N: PartialEq>(
        before: &[N],
        after: &[N],
        share: f64,
        reason: impl Fn(&N, &N) -> bool,
    ) -> Self {
        let pairs = || before.iter().zip(after);
        let moved = || pairs().filter(|(before, after)| before != after);
        Self {
            all: moved().count() as u64,
            needless: moved()
                .filter(|(before, after)| !reason(before, after))
                .count() as u64,
            ideal: share * before.len() as f64,
        }
    }
}

/// The owner of every key.
fn owners(placement: &(impl Placement<Node = u64> + ?Sized), keys: &[KeyHash]) -> Vec<Option<u64>> {
    let owner = |key: &KeyHash| placement.node(placement.owner(*key)?).copied();
    keys.iter().map(owner).collect()
}

/// Adds a node.
pub(super) fn add(
    placement: &mut Changing,
    node: u64,
    keys: &[KeyHash],
) -> Result<Moved, LabError> {
    let before = owners(placement, keys);
    placement
        .add(Member::new(node))
        .map_err(MembershipError::from)?;
    let after = owners(placement, keys);
    let share = 1.0 / placement.len() as f64;
    Ok(Moved::between(&before, &after, share, |_, to| {
        *to == Some(node)
    }))
}

/// Removes a node: this one, or, where that cannot be, the last.
pub(super) fn remove(
    placement: &mut Changing,
    node: u64,
    keys: &[KeyHash],
) -> Result<Moved, LabError> {
    let before = owners(placement, keys);
    let share = 1.0 / placement.len() as f64;
    let gone = match placement.remove(node.id()) {
        Err(MembershipError::NotLast { last, .. }) => placement.remove(last)?,
        gone => gone?,
    };
    let after = owners(placement, keys);
    Ok(Moved::between(&before, &after, share, |from, _| {
        *from == Some(gone.node)
    }))
}

/// Doubles the weight of a node; all others have 1.
pub(super) fn double(
    placement: &mut Changing,
    node: u64,
    keys: &[KeyHash],
) -> Result<Moved, LabError> {
    let before = owners(placement, keys);
    let nodes = placement.len() as f64;
    placement.set_weight(node.id(), Weight::new(2))?;
    let after = owners(placement, keys);
    let share = 2.0 / (nodes + 1.0) - 1.0 / nodes;
    Ok(Moved::between(&before, &after, share, |_, to| {
        *to == Some(node)
    }))
}

/// How many changes a row of the table sums up.
const CHANGES: u64 = 3;

/// One row per variant and number of nodes, and a chart.
pub(super) fn table(
    variants: &[Variant],
    sizes: &[u64],
    keys: &Keys,
    settings: &Settings,
) -> Result<(Table, Plot), LabError> {
    let columns = [
        "variant",
        "nodes",
        "moved by a new node",
        "without need",
        "moved by one that leaves",
        "without need",
    ];
    let mut table = Table::new("Moved keys", columns);
    let mut lines = Vec::with_capacity(variants.len());
    for variant in variants {
        let mut points = Vec::with_capacity(sizes.len());
        for &nodes in sizes {
            let placement = (variant.build)(nodes, settings.seed)?;
            let (added, removed) = comings_and_goings(placement, &keys.hashes, settings.seed)?;
            table.push([
                Cell::text(variant.name),
                Cell::count(nodes),
                Cell::number(added.ratio(), "of ideal"),
                Cell::number(added.excess(), "of ideal"),
                Cell::number(removed.ratio(), "of ideal"),
                Cell::number(removed.excess(), "of ideal"),
            ]);
            points.push((nodes as f64, added.ratio()));
        }
        lines.push(Line::new(variant.name, points));
    }
    let note = format!(
        "{CHANGES} nodes come one by one, and {CHANGES} others leave, each time over {}. Ideal: an equal share, all of it to the new node, or all of it from the one that leaves. \
         Without need: keys that move between two nodes that both stay.",
        keys.described
    );
    let x = Axis::new("nodes", Scale::Log10);
    let y = Axis::new("moved keys (of ideal)", Scale::Linear);
    Ok((
        table.note(note),
        Plot::lines("Keys that a new node moves", x, y, lines),
    ))
}

/// [`CHANGES`] nodes come, then as many of the others go.
pub(super) fn comings_and_goings(
    mut placement: Changing,
    keys: &[KeyHash],
    seed: u64,
) -> Result<(Moved, Moved), LabError> {
    let nodes = placement.len() as u64;
    let mut random = SplitMix64::new(seed);
    let (mut added, mut removed) = (Moved::default(), Moved::default());
    for new in nodes..nodes + CHANGES {
        added = added.and(add(&mut placement, new, keys)?);
    }
    // Not one of the new ones: what can lose its last node only loses those.
    let mut members: Vec<u64> = (0..nodes).collect();
    random.shuffle(&mut members);
    for (gone, _) in members.into_iter().zip(0..CHANGES) {
        removed = removed.and(remove(&mut placement, gone, keys)?);
    }
    Ok((added, removed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_between_two_that_stay_is_needless() {
        // Node 3 comes: the first key has a reason to move, the second has none, the third stays.
        let moved = Moved::between(&[1, 1, 2], &[3, 2, 2], 1.0 / 3.0, |_, to| *to == 3);
        assert_eq!(
            moved,
            Moved {
                all: 2,
                needless: 1,
                ideal: 1.0
            }
        );
        assert_eq!((moved.ratio(), moved.excess()), (2.0, 1.0));
    }
}
