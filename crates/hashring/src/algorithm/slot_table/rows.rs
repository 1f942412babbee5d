//! The replicas of every slot, at hand.

use super::contest::{Contest, slot_key};
use super::table::{NONE, entry, node};
use crate::placed::Change;
use crate::spread;
use purlin_core::node::NodeIdx;

/// The most replicas that a table has at hand, owner included.
pub(super) const MAX: usize = 16;

/// Writes the replicas after the owner, spread as far as the members allow.
pub(super) fn fill(row: &mut [u16], slot: usize, owner: u16, contest: &Contest<'_>) {
    let mut nodes = [NodeIdx(0); MAX];
    let nodes = &mut nodes[..=row.len()];
    nodes[0] = node(owner);
    let key = slot_key(slot);
    let found = spread::replicas(contest.seats, nodes, 1, |accept| {
        contest.candidates.best_where(key, accept)
    });
    row.fill(NONE);
    for (place, &node) in row.iter_mut().zip(&nodes[1..found]) {
        *place = entry(node);
    }
}

/// Whether the row of a slot, whose owner stays, may be another one after a change.
///
/// Replicas are chosen one by one, each time the best by spread and standing. So the row changes
/// exactly if the changed node is in it, or would now be chosen before one of those that are.
pub(super) fn concerns(
    change: &Change,
    row: &[u16],
    slot: usize,
    owner: u16,
    contest: &Contest<'_>,
) -> bool {
    let changed = entry(change.index);
    if owner == changed || row.contains(&changed) {
        return true;
    }
    if change.weight_after() == 0 {
        return false;
    }
    let domains = contest.seats.domains();
    let challenger = contest.standing(changed, slot);
    let mut chosen = [NodeIdx(0); MAX];
    chosen[0] = node(owner);
    for (count, &held) in (1..).zip(row) {
        if held == NONE {
            return true;
        }
        let crowd = |contender| {
            if domains.is_flat() {
                [0; 3]
            } else {
                spread::counts(domains, &chosen[..count], node(contender))
            }
        };
        if (crowd(changed), challenger) < (crowd(held), contest.standing(held, slot)) {
            return true;
        }
        chosen[count] = node(held);
    }
    false
}
