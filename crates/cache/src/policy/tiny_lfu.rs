use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::parts::sketch::Sketch;
use super::{Policy, Slot};
use purlin_core::random::{Random, SplitMix64};

/// Above this frequency, a loser is admitted now and then.
const SUSPICIOUS: u8 = 6;
const ODDS: u64 = 128;

/// The admission filter: who was used more often lately.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    sketch: Sketch,
    random: SplitMix64,
}

impl Filter {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sketch: Sketch::new(0),
            random: SplitMix64::new(seed),
        }
    }

    pub(super) fn increment(&mut self, hash: u64) {
        self.sketch.increment(hash);
    }

    /// The cache has so many entries now: the sketch grows with them.
    pub(super) fn cover(&mut self, entries: usize) {
        if entries > self.sketch.entries() {
            self.sketch.set_entries(entries);
        }
    }

    pub(super) fn set_capacity(&mut self, entries: usize) {
        if entries < self.sketch.entries() {
            self.sketch.set_entries(entries);
        }
    }

    /// Whether the candidate was used more often than the victim.
    ///
    /// Of candidates that were used often, one in 128 wins in any case: somebody who knows that the counters of a
    /// key are shared could otherwise raise those of a victim for good, and keep all others out.
    pub(super) fn admits(&mut self, candidate: u64, victim: u64) -> bool {
        let frequency = self.sketch.estimate(candidate);
        frequency > self.sketch.estimate(victim)
            || (frequency >= SUSPICIOUS && self.random.next_u64().is_multiple_of(ODDS))
    }
}

/// TinyLFU: LRU behind a door that lets in only who was used more often lately than the one that would have to leave.
///
/// A [`Sketch`] counts the uses of all keys, present or not. A key that misses is compared with the least
/// recently used entry, and [rejected](Policy::rejects) unless it was used more often. Take it where popularity is skewed and
/// steady and many keys are seen once, and for loops over more keys than there is room for. Do not
/// take it where what is new is wanted soon again, or where whoever inserts counts on finding it there: a new key needs several
/// misses to get in. [`WTinyLfu`](super::WTinyLfu) is kinder. A hit changes the order, so hits exclude each other.
///
/// O(1) for every operation, but O(n) once in about 10 n operations, when the sketch ages; 16 bytes an entry and 8 to 16 for the sketch.
/// Einziger, Friedman, Manes: "TinyLFU: a highly efficient cache admission policy", ACM Transactions on
/// Storage 2017.
///
/// ```
/// use purlin_cache::policy::{Policy, Slot, TinyLfu};
///
/// let mut policy = TinyLfu::new(2);
/// for key in [1, 2] {
///     policy.miss(key);
///     policy.insert(Slot(key as u32 - 1), key);
/// }
/// policy.miss(3);
/// assert_eq!(policy.evict(), None); // was used once, and so was 1: not worth its place
/// policy.miss(3);
/// assert_eq!(policy.evict(), Some(Slot(0)));
/// ```
#[derive(Clone, Debug)]
pub struct TinyLfu {
    links: Links,
    order: List,
    hashes: PerSlot<u64>,
    filter: Filter,
    candidate: Option<u64>,
}

impl TinyLfu {
    /// A policy for so many entries. Its memory grows with them.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_seed(entries, 0)
    }

    /// With a seed of your own: for the one admission in 128 of a key that was used often, but less often than the victim, which an attacker must not foresee.
    #[must_use]
    pub fn with_seed(entries: usize, seed: u64) -> Self {
        let _ = entries;
        Self {
            links: Links::new(),
            order: List::new(),
            hashes: PerSlot::new(),
            filter: Filter::new(seed),
            candidate: None,
        }
    }
}

impl Policy for TinyLfu {
    fn miss(&mut self, hash: u64) {
        self.filter.increment(hash);
        self.candidate = Some(hash);
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.candidate = None;
        self.hashes.set(slot, hash);
        self.links.push_front(&mut self.order, slot);
        self.filter.cover(self.order.len());
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.filter.increment(hash);
        self.links.move_to_front(&mut self.order, slot);
    }

    fn evict(&mut self) -> Option<Slot> {
        let victim = self.order.back()?;
        if let Some(candidate) = self.candidate
            && !self.filter.admits(candidate, self.hashes[victim])
        {
            self.candidate = None;
            return None;
        }
        self.links.unlink(&mut self.order, victim);
        Some(victim)
    }

    fn rejects(&self) -> bool {
        true
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        self.links.unlink(&mut self.order, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.links.relocate(&mut self.order, from, to);
        self.hashes.set(to, self.hashes[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.candidate = None;
        self.filter.set_capacity(entries);
    }

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.links.from_back(&self.order).for_each(visit);
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    fn check_invariants(&self) {
        self.links.check(&self.order);
    }
}
