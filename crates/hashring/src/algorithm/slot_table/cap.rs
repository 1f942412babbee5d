//! A bound on how many slots a node owns.

use super::contest::Contest;
use super::table::entry;
use crate::roster::Seats;
use crate::score::Standing;
use alloc::vec;
use alloc::vec::Vec;

/// From every slot at its best node to the stable assignment: a node that has more slots than it
/// may keeps the ones it stands best at, and each other goes to the best node that has room, or
/// that has slots it stands worse at; until nobody has too many.
///
/// Slots propose in rounds, all that a round has turned away at once: the outcome does not depend
/// on the order (Gale and Shapley, 1962).
pub(super) fn settle(owners: &mut [u16], percent: u32, contest: &Contest<'_>) {
    let caps = caps(owners.len(), percent, contest.seats);
    // Where a full node stands worst among its slots. Full nodes stay full, and only get better
    // ones.
    let mut worst: Vec<Option<Standing>> = vec![None; caps.len()];
    let mut contested = Vec::new();
    loop {
        over_full(owners, &caps, &mut contested);
        if contested.is_empty() {
            return;
        }
        let owner_of = |slot: u32| owners[slot as usize];
        contested.sort_unstable_by_key(|&slot| (owner_of(slot), slot));
        for slots in contested.chunk_by_mut(|&a, &b| owner_of(a) == owner_of(b)) {
            let owner = owner_of(slots[0]);
            let standing = |&slot: &u32| contest.standing(owner, slot as usize);
            let last = caps[usize::from(owner)] - 1;
            let (_, &mut slot, _) = slots.select_nth_unstable_by_key(last, standing);
            worst[usize::from(owner)] = Some(standing(&slot));
        }
        for &slot in &contested {
            let slot = slot as usize;
            let standing = contest.standing(owners[slot], slot);
            let refuses = |node: u16, standing| {
                worst[usize::from(node)].is_some_and(|worst| standing > worst)
            };
            if refuses(owners[slot], standing) {
                let mut after = standing;
                // There is room for all slots, so that this ends at a node.
                while let Some(next) = contest.next(slot, after) {
                    if !refuses(entry(next.node), next) {
                        owners[slot] = entry(next.node);
                        break;
                    }
                    after = next;
                }
            }
        }
    }
}

/// The slots of all nodes that have too many.
fn over_full(owners: &[u16], caps: &[usize], slots: &mut Vec<u32>) {
    let mut counts = vec![0; caps.len()];
    for &owner in owners {
        counts[usize::from(owner)] += 1;
    }
    let is_over = |owner: u16| counts[usize::from(owner)] > caps[usize::from(owner)];
    slots.clear();
    slots.extend(
        (0_u32..)
            .zip(owners)
            .filter(|&(_, &owner)| is_over(owner))
            .map(|(slot, _)| slot),
    );
}

/// How many slots each node may own, by index: its share and so many percent, rounded down; but no
/// less than its share rounded up, so that there is room for all.
fn caps(slots: usize, percent: u32, seats: &Seats) -> Vec<usize> {
    let mut caps = vec![0; seats.bound()];
    let total = u128::from(seats.total_weight()).max(1);
    for (index, seat) in seats.iter_active() {
        let share = slots as u128 * u128::from(seat.weight.get());
        let cap = (share * u128::from(100 + percent) / (100 * total)).max(share.div_ceil(total));
        // At most eleven times the slots, of which there are at most 2^22.
        caps[index.get()] = cap as usize;
    }
    caps
}
