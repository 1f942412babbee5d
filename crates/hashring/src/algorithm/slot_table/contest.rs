//! Slots as what nodes compete for.

use super::table::{entry, node};
use crate::candidates::Candidates;
use crate::mix::{node_key, pair};
use crate::roster::Seats;
use crate::score::Standing;
use alloc::vec;
use alloc::vec::Vec;

/// All that decides who gets a slot.
pub(super) struct Contest<'a> {
    pub(super) candidates: &'a Candidates,
    pub(super) seats: &'a Seats,
    /// By node index. Those of gaps are never asked for.
    keys: Vec<u64>,
}

/// What stands for a slot where there is a key in rendezvous hashing. Not mixed; the nodes' keys are.
pub(super) const fn slot_key(slot: usize) -> u64 {
    (slot as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<'a> Contest<'a> {
    pub(super) fn new(candidates: &'a Candidates, seats: &'a Seats) -> Self {
        let mut keys = vec![0; seats.bound()];
        for (index, seat) in seats.iter() {
            keys[index.get()] = node_key(candidates.seed(), seat.id);
        }
        Self {
            candidates,
            seats,
            keys,
        }
    }

    #[inline]
    pub(super) fn draw(&self, contender: u16, slot: usize) -> u64 {
        pair(self.keys[usize::from(contender)], slot_key(slot))
    }

    #[inline]
    pub(super) fn standing(&self, contender: u16, slot: usize) -> Standing {
        let draw = self.draw(contender, slot);
        let node = node(contender);
        match self.seats.get(node) {
            Some(seat) if !self.candidates.is_uniform() => {
                Standing::among_weights(draw, seat.weight, node)
            }
            _ => Standing::among_equals(draw, node),
        }
    }

    /// The best node for a slot.
    pub(super) fn best(&self, slot: usize) -> u16 {
        let best = self.candidates.best(slot_key(slot));
        best.map_or(super::table::NONE, entry)
    }

    /// The best one after a standing.
    pub(super) fn next(&self, slot: usize, after: Standing) -> Option<Standing> {
        self.candidates.next(slot_key(slot), Some(after))
    }
}
