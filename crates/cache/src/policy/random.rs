use super::parts::per_slot::PerSlot;
use super::{Policy, Slot};
use alloc::vec::Vec;
use purlin_core::random::{RandomExt, SplitMix64};

/// Random replacement: any entry leaves, each with the same chance.
///
/// Take it as the yardstick that a policy must beat, or where requests defeat an order: of a loop
/// over somewhat more keys than there is room for, it keeps a part, where LRU and FIFO keep nothing.
/// Do not take it where popularity is uneven, and that is nearly everywhere: it evicts what is hot as
/// readily as what is cold. Hits change nothing, so hits of a concurrent cache never wait for each
/// other.
///
/// The choices follow from the seed and from the calls, and do not depend on which slots the entries
/// have. Who knows the seed can tell what will leave.
///
/// O(1) for every operation; 8 bytes an entry. Belady: "A study of replacement algorithms for a
/// virtual-storage computer", IBM Systems Journal 1966 (RAND).
///
/// ```
/// use purlin_cache::policy::{Policy, Random, Slot};
///
/// let victims = |seed| {
///     let mut policy = Random::with_seed(4, seed);
///     for slot in 0..4 {
///         policy.insert(Slot(slot), slot.into());
///     }
///     [(); 4].map(|()| policy.evict().unwrap().0)
/// };
/// assert_eq!(victims(1), victims(1));
///
/// let mut all = victims(2);
/// all.sort_unstable();
/// assert_eq!(all, [0, 1, 2, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    /// Who is here, in no order, so that one can be drawn.
    present: Vec<Slot>,
    /// Where in `present` each is.
    place: PerSlot<u32>,
    random: SplitMix64,
}

impl Random {
    /// A policy for so many entries, with seed 0. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_seed(entries, 0)
    }

    /// Equal seeds make equal choices, on every machine.
    #[must_use]
    pub fn with_seed(entries: usize, seed: u64) -> Self {
        let _ = entries;
        Self {
            present: Vec::new(),
            place: PerSlot::new(),
            random: SplitMix64::new(seed),
        }
    }

    fn put(&mut self, place: usize, slot: Slot) {
        self.present[place] = slot;
        #[expect(clippy::cast_possible_truncation, reason = "there are 2^32 slots")]
        self.place.set(slot, place as u32);
    }
}

impl Policy for Random {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.present.push(slot);
        self.put(self.present.len() - 1, slot);
    }

    fn hit(&mut self, _slot: Slot, _hash: u64) {}

    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        if self.present.is_empty() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than a length")]
        let place = self.random.below(self.present.len() as u64) as usize;
        let slot = self.present[place];
        self.remove(slot, 0);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let place = self.place[slot] as usize;
        self.present.swap_remove(place);
        if let Some(moved) = self.present.get(place) {
            self.put(place, *moved);
        }
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.put(self.place[from] as usize, to);
    }

    fn set_capacity(&mut self, _entries: usize) {}

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.present.iter().copied().for_each(visit);
    }

    fn len(&self) -> usize {
        self.present.len()
    }

    fn check_invariants(&self) {
        for (place, slot) in self.present.iter().enumerate() {
            assert_eq!(self.place[*slot] as usize, place, "{slot:?} is elsewhere");
        }
    }
}
