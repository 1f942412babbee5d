//! Slots as what nodes compete for.

use super::table::{entry, node};
use crate::bucket::GAMMA;
use crate::candidates::Candidates;
use crate::mix::{node_key, pair};
use crate::roster::Seats;
use crate::score::Standing;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use purlin_core::node::Weight;

/// All that decides who gets a slot.
pub(super) struct Contest<'a> {
    pub(super) candidates: &'a Candidates,
    pub(super) seats: &'a Seats,
    /// By node index. Those of gaps are never asked for.
    keys: Vec<u64>,
}

/// What stands for a slot where there is a key in rendezvous hashing. Not mixed; the nodes' keys
/// are.
pub(super) const fn slot_key(slot: usize) -> u64 {
    (slot as u64 + 1).wrapping_mul(GAMMA)
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
        if self.candidates.is_uniform() {
            Standing::among_equals(draw, node(contender))
        } else {
            Standing::among_weights(draw, self.weight(contender), node(contender))
        }
    }

    #[inline]
    fn weight(&self, contender: u16) -> Weight {
        self.seats
            .get(node(contender))
            .map_or(Weight::DRAIN, |seat| seat.weight)
    }

    /// Whether one node beats another at a slot.
    #[inline]
    pub(super) fn beats(&self, challenger: u16, holder: u16, slot: usize) -> bool {
        let ahead = self.draw(challenger, slot) > self.draw(holder, slot);
        if self.candidates.is_uniform() {
            return ahead;
        }
        // Who is ahead and not lighter wins; the logarithm is for the rest.
        match self.weight(challenger).cmp(&self.weight(holder)) {
            Ordering::Less if !ahead => false,
            Ordering::Equal => ahead,
            Ordering::Greater if ahead => true,
            _ => self.standing(challenger, slot) < self.standing(holder, slot),
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
