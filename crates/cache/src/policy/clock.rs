use super::parts::counters::Counters;
use super::parts::list::{Links, List};
use super::{Policy, Slot};
use alloc::vec::Vec;

/// CLOCK, or second chance: FIFO, but an entry that was used since the hand last passed stays for
/// another round.
///
/// Take it for what LRU is good at where hits must be cheap: a hit sets a bit, so the hits of a
/// concurrent cache do not exclude each other, and on a hot entry, whose bit is set, a hit writes
/// nothing at all. Hit ratios are near LRU's. Do not take it against scans and loops, which it
/// withstands as little as LRU does.
///
/// With more [bits](Self::with_bits) (generalized CLOCK) a counter takes the place of the bit: a hit
/// adds one, the passing hand takes one off. That tells often used entries from those used twice, and
/// holds on to them for as many rounds.
///
/// A new entry starts with its bit clear. (The original sets it, as the load is itself a use; then
/// what is used only once stays as long as what is used twice.)
///
/// O(1) amortized for every operation: each step of the hand over an entry is paid for by a hit. One
/// eviction may take as many steps as there are entries, times 2^bits - 1. 9 bytes an entry. Corbató:
/// "A paging experiment with the Multics system" (1968); Smith: "Sequentiality and prefetching in
/// database systems", TODS 1978 (counters).
///
/// ```
/// use purlin_cache::policy::{Clock, Policy, Slot};
///
/// let mut policy = Clock::new(3);
/// for slot in 0..3 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// policy.hit_shared(Slot(0), 0);
/// assert_eq!(policy.evict(), Some(Slot(1))); // the hand spared the oldest, which was used
/// assert_eq!(policy.evict(), Some(Slot(2)));
/// assert_eq!(policy.evict(), Some(Slot(0)));
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    links: Links,
    /// The ring, cut open at the hand: what it comes to next is at the back, what it has just passed
    /// at the front.
    ring: List,
    uses: Counters,
    most: u8,
}

impl Clock {
    /// A policy for so many entries with one bit for each. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_bits(entries, 1)
    }

    /// A policy with counters of so many bits, 1 to 8 (0 counts as 1, and more than 8 as 8).
    ///
    /// ```
    /// use purlin_cache::policy::{Clock, Policy, Slot};
    ///
    /// let mut policy = Clock::with_bits(2, 2);
    /// policy.insert(Slot(0), 0);
    /// policy.insert(Slot(1), 1);
    /// for slot in [0, 0, 1] {
    ///     policy.hit(Slot(slot), slot.into());
    /// }
    /// assert_eq!(policy.evict(), Some(Slot(1))); // with one bit: Slot(0), the older
    /// ```
    #[must_use]
    pub fn with_bits(entries: usize, bits: u32) -> Self {
        let _ = entries;
        Self {
            links: Links::new(),
            ring: List::new(),
            uses: Counters::new(),
            most: u8::MAX >> (8 - bits.clamp(1, 8)),
        }
    }
}

impl Policy for Clock {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.uses.set(slot, 0);
        self.links.push_front(&mut self.ring, slot);
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.hit_shared(slot, hash);
    }

    #[inline]
    fn hit_shared(&self, slot: Slot, _hash: u64) {
        self.uses.raise(slot, self.most);
    }

    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        while let Some(slot) = self.links.pop_back(&mut self.ring) {
            if !self.uses.lower(slot) {
                return Some(slot);
            }
            self.links.push_front(&mut self.ring, slot);
        }
        None
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        self.links.unlink(&mut self.ring, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.links.relocate(&mut self.ring, from, to);
        self.uses.set(to, self.uses.get(from));
    }

    fn set_capacity(&mut self, _entries: usize) {}

    /// In the order in which they will leave if none is used again. O(n log n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        let mut slots: Vec<Slot> = self.links.from_back(&self.ring).collect();
        // Each round of the hand evicts those whose count it has used up, in the order of the ring.
        slots.sort_by_key(|slot| self.uses.get(*slot));
        slots.into_iter().for_each(visit);
    }

    fn len(&self) -> usize {
        self.ring.len()
    }

    fn check_invariants(&self) {
        self.links.check(&self.ring);
        for slot in self.links.from_back(&self.ring) {
            assert!(self.uses.get(slot) <= self.most, "{slot:?} counts too far");
        }
    }
}
