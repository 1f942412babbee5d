use super::parts::ghost::Ghost;
use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot, percent_of};

/// 2Q, in its full version: who comes back after having left is hot.
///
/// New entries go through a FIFO, A1in, where hits do not count: uses in quick succession are one
/// use. What leaves it is remembered by hash in A1out. A key that misses and is remembered there goes
/// to Am, the LRU of hot entries. Take it for databases and file systems, whose uses come in bursts
/// and whose scans must not reach what is hot, at constant cost. Do not take it for loops over much
/// more keys than there is room for, where a key is forgotten before it comes back, or where what is
/// hot changes quickly: each hot key must miss twice. A hit in Am changes the order, so hits exclude
/// each other.
///
/// A1in may hold 25 % of the entries and A1out as many hashes as half of them (Kin and Kout: the
/// authors' advice; [`with_queues`](Self::with_queues)). While A1in holds no more than its share,
/// Am's oldest leaves, unremembered.
///
/// O(1) for every operation ([`set_capacity`](Policy::set_capacity) amortized); 17 bytes an entry,
/// and a place in a [`Ghost`] for half as many hashes. Johnson, Shasha: "2Q: A low overhead high
/// performance buffer management replacement algorithm", VLDB 1994.
///
/// ```
/// use purlin_cache::policy::{Policy, Slot, TwoQ};
///
/// let mut policy = TwoQ::new(4);
/// for key in 0..4 {
///     policy.miss(key);
///     policy.insert(Slot(key as u32), key);
/// }
/// policy.miss(4);
/// assert_eq!(policy.evict(), Some(Slot(0)));
/// policy.insert(Slot(0), 4);
///
/// policy.miss(0); // a key that left a moment ago
/// assert_eq!(policy.evict(), Some(Slot(1)));
/// policy.insert(Slot(1), 0);
/// for scanned in 100..200 {
///     policy.miss(scanned);
///     let slot = policy.evict().unwrap();
///     assert_ne!(slot, Slot(1)); // is hot now
///     policy.insert(slot, scanned);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TwoQ {
    links: Links,
    a1_in: List,
    am: List,
    a1_out: Ghost,
    /// The hash of each entry, to be remembered when it leaves.
    hashes: PerSlot<u64>,
    is_hot: PerSlot<bool>,
    /// The hash that missed last, if it was remembered.
    returning: Option<u64>,
    kin: usize,
    kin_percent: u32,
    kout_percent: u32,
}

impl TwoQ {
    /// A policy for so many entries with Kin = 25 % and Kout = 50 %. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_queues(entries, 25, 50)
    }

    /// A1in holds up to `kin` percent of the entries (more than 100 counts as 100) and A1out as many
    /// hashes as `kout` percent of them, both rounded down.
    ///
    /// A greater `kin` serves bursts, a greater `kout` finds keys that come back after longer.
    /// Without A1out (0 %) no entry becomes hot: that is FIFO.
    #[must_use]
    pub fn with_queues(entries: usize, kin: u32, kout: u32) -> Self {
        let kin_percent = kin.min(100);
        Self {
            links: Links::new(),
            a1_in: List::new(),
            am: List::new(),
            a1_out: Ghost::new(percent_of(entries, kout)),
            hashes: PerSlot::new(),
            is_hot: PerSlot::new(),
            returning: None,
            kin: percent_of(entries, kin_percent),
            kin_percent,
            kout_percent: kout,
        }
    }

    fn queue(&mut self, slot: Slot) -> (&mut Links, &mut List) {
        let list = if self.is_hot[slot] {
            &mut self.am
        } else {
            &mut self.a1_in
        };
        (&mut self.links, list)
    }
}

impl Policy for TwoQ {
    fn miss(&mut self, hash: u64) {
        self.returning = self.a1_out.remove(hash).map(|_| hash);
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        let hot = self.returning.take() == Some(hash);
        self.is_hot.set(slot, hot);
        self.hashes.set(slot, hash);
        let (links, queue) = self.queue(slot);
        links.push_front(queue, slot);
    }

    fn hit(&mut self, slot: Slot, _hash: u64) {
        if self.is_hot[slot] {
            self.links.move_to_front(&mut self.am, slot);
        }
    }

    fn evict(&mut self) -> Option<Slot> {
        if self.a1_in.len() <= self.kin
            && let Some(slot) = self.links.pop_back(&mut self.am)
        {
            return Some(slot);
        }
        let slot = self.links.pop_back(&mut self.a1_in)?;
        self.a1_out.insert(self.hashes[slot]);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let (links, queue) = self.queue(slot);
        links.unlink(queue, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let (links, queue) = self.queue(from);
        links.relocate(queue, from, to);
        self.is_hot.set(to, self.is_hot[from]);
        self.hashes.set(to, self.hashes[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.kin = percent_of(entries, self.kin_percent);
        self.a1_out
            .set_limit(percent_of(entries, self.kout_percent));
    }

    /// In the order in which they will leave if nothing misses in between.
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        let mut a1_in = self.links.from_back(&self.a1_in);
        let surplus = self.a1_in.len().saturating_sub(self.kin);
        a1_in.by_ref().take(surplus).for_each(&mut *visit);
        self.links.from_back(&self.am).for_each(&mut *visit);
        a1_in.for_each(visit);
    }

    fn len(&self) -> usize {
        self.a1_in.len() + self.am.len()
    }

    fn check_invariants(&self) {
        self.a1_out.check();
        for (list, hot) in [(&self.a1_in, false), (&self.am, true)] {
            self.links.check(list);
            for slot in self.links.from_back(list) {
                assert_eq!(self.is_hot[slot], hot, "queue of {slot:?}");
            }
        }
    }
}
