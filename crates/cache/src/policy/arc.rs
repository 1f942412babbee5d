use super::parts::ghost::Ghost;
use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot};

/// ARC, the adaptive replacement cache: two LRU lists whose shares follow the misses.
///
/// T1 holds entries that were used once, T2 those that were used again. What leaves either is remembered, in B1
/// and B2. A key that misses and is in B1 shows that T1 is too small, one in B2 that T2 is: `p`, the share that T1 should have, moves by
/// one or more in that direction. Either way the key returns to T2. Take it where the mix of recency and
/// frequency changes and nobody wants to tune: it is LRU in the one case, withstands scans in the other. Do not
/// take it for loops over more keys than there is room for, where it hits as little as LRU. A hit changes
/// the order, so hits exclude each other.
///
/// O(1) for every operation; 17 bytes an entry, and a [`Ghost`] of as many hashes as there is room for entries (two that grow up to that
/// each, if the mix changes from one extreme to the other). Megiddo, Modha: "ARC: A self-tuning, low overhead
/// replacement cache", FAST 2003, whose Figure 4 this is.
/// `p` is a fraction there, and its whole part is what T1 is compared with: of the integer divisions
/// that many implementations make, the paper's hit ratios do not come out.
///
/// ```
/// use purlin_cache::policy::{Arc, Policy, Slot};
///
/// let mut policy = Arc::new(4);
/// for slot in 0..4 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// policy.hit(Slot(0), 0);
/// for scanned in 100..200 {
///     policy.miss(scanned);
///     let slot = policy.evict().unwrap();
///     assert_ne!(slot, Slot(0)); // was used again: a scan does not reach it
///     policy.insert(slot, scanned);
/// }
/// assert_eq!(policy.target(), 0); // of T1
/// policy.miss(196); // left lately: it should have stayed for longer
/// assert_eq!(policy.target(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Arc {
    links: Links,
    /// Used once since they came.
    t1: List,
    /// Used again.
    t2: List,
    b1: Ghost,
    b2: Ghost,
    /// `p`: how many entries T1 should have. From 0 to the capacity.
    target: f64,
    capacity: usize,
    hashes: PerSlot<u64>,
    in_t2: PerSlot<bool>,
    arrival: Arrival,
}

/// What the last miss was, until its key is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    None,
    New,
    FromB1,
    FromB2,
}

impl Arc {
    /// A policy for so many entries. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self {
            links: Links::new(),
            t1: List::new(),
            t2: List::new(),
            b1: Ghost::new(entries),
            b2: Ghost::new(entries),
            target: 0.0,
            capacity: entries,
            hashes: PerSlot::new(),
            in_t2: PerSlot::new(),
            arrival: Arrival::None,
        }
    }

    /// `p`, what it has learnt: how many of the entries should be such that were used once.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to the capacity; its whole part is meant"
    )]
    pub fn target(&self) -> usize {
        self.target as usize
    }

    fn list(&mut self, slot: Slot) -> (&mut Links, &mut List) {
        let list = if self.in_t2[slot] {
            &mut self.t2
        } else {
            &mut self.t1
        };
        (&mut self.links, list)
    }

    /// Cases II to IV of the paper, up to the call of REPLACE, which is [`evict`](Policy::evict).
    fn adapt(&mut self, hash: u64) -> Arrival {
        let (b1, b2) = (self.b1.len(), self.b2.len());
        if self.b1.remove(hash).is_some() {
            self.target = (self.target + step(b2, b1)).min(self.capacity as f64);
            return Arrival::FromB1;
        }
        if self.b2.remove(hash).is_some() {
            self.target = (self.target - step(b1, b2)).max(0.0);
            return Arrival::FromB2;
        }
        let resident = self.len();
        if self.t1.len() + b1 >= self.capacity {
            self.b1.pop_oldest();
        } else if resident + b1 + b2 >= self.capacity.saturating_mul(2) {
            self.b2.pop_oldest();
        }
        Arrival::New
    }
}

/// By how much `p` moves: one, or more when the other list of the departed is longer than the one that was hit.
fn step(other: usize, hit: usize) -> f64 {
    (other as f64 / hit as f64).max(1.0)
}

impl Policy for Arc {
    fn miss(&mut self, hash: u64) {
        self.arrival = self.adapt(hash);
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        let again = matches!(self.arrival, Arrival::FromB1 | Arrival::FromB2);
        self.arrival = Arrival::None;
        self.hashes.set(slot, hash);
        self.in_t2.set(slot, again);
        let (links, list) = self.list(slot);
        links.push_front(list, slot);
    }

    fn hit(&mut self, slot: Slot, _hash: u64) {
        let (links, list) = self.list(slot);
        links.unlink(list, slot);
        self.in_t2[slot] = true;
        self.links.push_front(&mut self.t2, slot);
    }

    fn evict(&mut self) -> Option<Slot> {
        let t1 = self.t1.len();
        let target = self.target();
        let surplus = t1 > target || (t1 == target && self.arrival == Arrival::FromB2);
        if (surplus && t1 > 0) || self.t2.is_empty() {
            let slot = self.links.pop_back(&mut self.t1)?;
            // When T1 is all there is, B1 has no room: T1 and B1 together have the size of the cache.
            if self.arrival != Arrival::New || t1 < self.capacity {
                self.b1.insert(self.hashes[slot]);
            }
            Some(slot)
        } else {
            let slot = self.links.pop_back(&mut self.t2)?;
            self.b2.insert(self.hashes[slot]);
            Some(slot)
        }
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let (links, list) = self.list(slot);
        links.unlink(list, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let (links, list) = self.list(from);
        links.relocate(list, from, to);
        self.hashes.set(to, self.hashes[from]);
        self.in_t2.set(to, self.in_t2[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.capacity = entries;
        self.target = self.target.min(entries as f64);
        self.b1.set_limit(entries);
        self.b2.set_limit(entries);
    }

    /// As they leave if nothing but evictions happens: T1 down to its share, then T2, then the rest of T1. O(n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        let surplus = self.t1.len().saturating_sub(self.target());
        let mut t1 = self.links.from_back(&self.t1);
        t1.by_ref().take(surplus).for_each(&mut *visit);
        self.links.from_back(&self.t2).for_each(&mut *visit);
        t1.for_each(visit);
    }

    fn len(&self) -> usize {
        self.t1.len() + self.t2.len()
    }

    fn check_invariants(&self) {
        assert!(
            self.target <= self.capacity as f64,
            "T1 should exceed the cache"
        );
        for (list, ghost, in_t2) in [(&self.t1, &self.b1, false), (&self.t2, &self.b2, true)] {
            self.links.check(list);
            ghost.check();
            assert!(ghost.len() <= self.capacity, "too much is remembered");
            for slot in self.links.from_back(list) {
                assert_eq!(self.in_t2[slot], in_t2, "list of {slot:?}");
            }
        }
    }
}
