use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot, percent_of};

/// Segmented LRU: entries used again are protected from those that were used once.
///
/// New entries go to the probationary segment, and a hit there promotes to the protected one. Both
/// are in order of last use. What overflows the protected segment gets another chance at the head of
/// the probationary one, whose tail leaves. Take it where LRU serves well and scans come by: a scan
/// passes through the probationary segment only. Do not take it where uses of a key lie far apart: in
/// its smaller probationary segment a new entry has less time to be used again than under LRU. A hit
/// changes the order, so hits exclude each other.
///
/// O(1) for every operation ([`set_capacity`](Policy::set_capacity) amortized); 9 bytes an entry.
/// Karedla, Love, Wherry: "Caching strategies to improve disk system performance", IEEE Computer
/// 1994.
///
/// ```
/// use purlin_cache::policy::{Policy, Slot, Slru};
///
/// let mut policy = Slru::new(5);
/// for slot in 0..5 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// policy.hit(Slot(0), 0);
/// for scanned in 100..200 {
///     policy.miss(scanned);
///     let slot = policy.evict().unwrap();
///     assert_ne!(slot, Slot(0)); // a scan of any length does not reach it
///     policy.insert(slot, scanned);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Slru {
    links: Links,
    probationary: List,
    protected: List,
    is_protected: PerSlot<bool>,
    percent: u32,
    most_protected: usize,
}

impl Slru {
    /// A policy for so many entries, of which 80 % may be protected. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_protected(entries, 80)
    }

    /// Of the entries at most so many percent are protected, rounded down (more than 100 counts as
    /// 100).
    ///
    /// With 0 it is LRU. With 100, new entries have no place of their own: when all are protected,
    /// each new one leaves next unless it is used at once.
    #[must_use]
    pub fn with_protected(entries: usize, percent: u32) -> Self {
        let percent = percent.min(100);
        Self {
            links: Links::new(),
            probationary: List::new(),
            protected: List::new(),
            is_protected: PerSlot::new(),
            percent,
            most_protected: percent_of(entries, percent),
        }
    }

    fn segment(&mut self, slot: Slot) -> (&mut Links, &mut List) {
        let list = if self.is_protected[slot] {
            &mut self.protected
        } else {
            &mut self.probationary
        };
        (&mut self.links, list)
    }

    fn demote_surplus(&mut self) {
        while self.protected.len() > self.most_protected {
            let Some(slot) = self.links.pop_back(&mut self.protected) else {
                return;
            };
            self.is_protected[slot] = false;
            self.links.push_front(&mut self.probationary, slot);
        }
    }
}

impl Policy for Slru {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.is_protected.set(slot, false);
        self.links.push_front(&mut self.probationary, slot);
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.remove(slot, hash);
        self.is_protected[slot] = true;
        self.links.push_front(&mut self.protected, slot);
        self.demote_surplus();
    }

    fn evict(&mut self) -> Option<Slot> {
        let slot = self.links.pop_back(&mut self.probationary);
        slot.or_else(|| self.links.pop_back(&mut self.protected))
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let (links, list) = self.segment(slot);
        links.unlink(list, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let (links, list) = self.segment(from);
        links.relocate(list, from, to);
        self.is_protected.set(to, self.is_protected[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.most_protected = percent_of(entries, self.percent);
        self.demote_surplus();
    }

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        let probationary = self.links.from_back(&self.probationary);
        probationary
            .chain(self.links.from_back(&self.protected))
            .for_each(visit);
    }

    fn len(&self) -> usize {
        self.probationary.len() + self.protected.len()
    }

    fn check_invariants(&self) {
        assert!(self.protected.len() <= self.most_protected);
        for (list, protected) in [(&self.probationary, false), (&self.protected, true)] {
            self.links.check(list);
            for slot in self.links.from_back(list) {
                assert_eq!(self.is_protected[slot], protected, "segment of {slot:?}");
            }
        }
    }
}
