use crate::policy::Slot;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Gaps beyond which the line is closed up, beside as many as there are slots in it.
const MOST_GAPS: usize = 64;
/// A place that was left.
const GAP: u32 = u32::MAX;

/// The small queue: slots in the order in which they came, in a ring. Who leaves it from the middle leaves a gap.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// The oldest in front, and gaps behind it.
    ring: VecDeque<u32>,
    /// The number of the place in front. They are numbered as they are taken.
    first_place: u32,
    /// For each slot that is in line, the number of its place.
    places: Vec<u32>,
    len: usize,
}

impl Newcomers {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The slot that has been in line for longest.
    pub(super) fn oldest(&self) -> Option<Slot> {
        self.ring.front().map(|slot| Slot(*slot))
    }

    /// From the oldest to the newest.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        let slots = self.ring.iter().filter(|slot| **slot != GAP);
        slots.map(|slot| Slot(*slot))
    }

    /// Puts a slot to the end.
    pub(super) fn push(&mut self, slot: Slot) {
        self.places[slot.index()] = self.first_place.wrapping_add(Slot::at(self.ring.len()).0);
        self.ring.push_back(slot.0);
        self.len += 1;
    }

    /// Takes a slot out that is in line.
    pub(super) fn remove(&mut self, slot: Slot) {
        let place = self.place(slot);
        self.ring[place] = GAP;
        self.len -= 1;
        while self.ring.front() == Some(&GAP) {
            self.ring.pop_front();
            self.first_place = self.first_place.wrapping_add(1);
        }
        if self.ring.len() > 2 * self.len + MOST_GAPS {
            self.close_up();
        }
    }

    /// What was slot `from`, which is in line, is now slot `to`.
    pub(super) fn relocate(&mut self, from: Slot, to: Slot) {
        let place = self.place(from);
        self.ring[place] = to.0;
        self.places[to.index()] = self.places[from.index()];
    }

    /// Slots up to `slots` may come, for whom there was to be room for so many.
    pub(super) fn cover(&mut self, slots: usize, room: usize) {
        let missing = room.saturating_sub(self.places.len());
        self.places.reserve_exact(missing);
        self.places.resize(slots, 0);
    }

    /// Makes room for so many in line, and their gaps.
    pub(super) fn reserve(&mut self, slots: usize) {
        let places = 2 * slots + MOST_GAPS + 2;
        let missing = places.saturating_sub(self.ring.len());
        self.ring.reserve_exact(missing);
    }

    pub(super) fn check_invariants(&self) {
        assert_eq!(self.len, self.iter().count());
        for (place, &slot) in self.ring.iter().enumerate() {
            let is_here = slot == GAP || self.place(Slot(slot)) == place;
            assert!(is_here, "{slot} is elsewhere than it thinks");
        }
        assert_ne!(self.ring.front(), Some(&GAP));
        let most = 2 * self.len + MOST_GAPS + 1;
        assert!(self.ring.len() <= most, "too many gaps");
    }

    /// Where in the ring a slot is.
    fn place(&self, slot: Slot) -> usize {
        self.places[slot.index()].wrapping_sub(self.first_place) as usize
    }

    /// Takes as long as the line, once for as many that left it from the middle.
    #[cold]
    fn close_up(&mut self) {
        self.ring.retain(|slot| *slot != GAP);
        for (place, slot) in (0..).zip(&self.ring) {
            self.places[*slot as usize] = self.first_place.wrapping_add(place);
        }
    }
}
