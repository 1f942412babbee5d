use super::parts::counters::Counters;
use super::parts::ghost::Ghost;
use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot, percent_of};

/// The greatest count of uses: two bits.
const MOST: u8 = 3;
/// So many uses in the small queue lead to the main one.
const PROMOTED: u8 = 2;

/// S3-FIFO: a small FIFO in which most new entries stay only for a short time, and a main one for those that were used meanwhile.
///
/// New entries go to the small queue. At its end, those that were used twice or more move on to the main
/// queue, and the others leave and are remembered. A key that misses and is remembered goes to the main queue at once. There, an
/// entry at the end goes round once more for every use it had, three at most. Take it where many keys are used only once, as in web,
/// CDN and key-value caches: one-hit wonders leave soon; a hit writes one byte at most and hits do not exclude
/// each other. Do not take it for loops over more keys than there is room for, which leave the small queue before they
/// come again.
///
/// The small queue has 10 % of the entries ([`with_small`](Self::with_small)), and as many hashes are remembered as
/// the main queue has entries.
///
/// O(1) amortized for every operation: each step is paid for by a hit or an insertion. One eviction may look at
/// every entry. 18 bytes an entry, and a [`Ghost`] of 90 % as many hashes. Yang,
/// Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all you need for cache eviction", SOSP 2023, Algorithm 1.
///
/// ```
/// use purlin_cache::policy::{Policy, S3Fifo, Slot};
///
/// let mut policy = S3Fifo::new(10);
/// for slot in 0..10 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// policy.hit_shared(Slot(0), 0);
/// policy.hit_shared(Slot(0), 0);
/// for one_hit_wonder in 100..200 {
///     policy.miss(one_hit_wonder);
///     let slot = policy.evict().unwrap();
///     assert_ne!(slot, Slot(0)); // is in the main queue, which they do not reach
///     policy.insert(slot, one_hit_wonder);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct S3Fifo {
    links: Links,
    small: List,
    main: List,
    ghost: Ghost,
    uses: Counters,
    hashes: PerSlot<u64>,
    in_main: PerSlot<bool>,
    /// Whether the key that missed last is remembered.
    returning: bool,
    small_percent: u32,
    small_target: usize,
}

impl S3Fifo {
    /// A policy for so many entries, of which the small queue has 10 %. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_small(entries, 10)
    }

    /// The small queue has so many percent of the entries, rounded down, but at least one. (More than 100 counts as 100.)
    ///
    /// A greater one serves where keys come back soon, a smaller one where most never do.
    #[must_use]
    pub fn with_small(entries: usize, percent: u32) -> Self {
        let mut policy = Self {
            links: Links::new(),
            small: List::new(),
            main: List::new(),
            ghost: Ghost::new(0),
            uses: Counters::new(),
            hashes: PerSlot::new(),
            in_main: PerSlot::new(),
            returning: false,
            small_percent: percent.min(100),
            small_target: 0,
        };
        policy.set_capacity(entries);
        policy
    }

    fn queue(&mut self, slot: Slot) -> (&mut Links, &mut List) {
        let list = if self.in_main[slot] {
            &mut self.main
        } else {
            &mut self.small
        };
        (&mut self.links, list)
    }

    /// The small queue's oldest leaves, or moves on to the main queue.
    fn leave_small(&mut self) -> Option<Slot> {
        let slot = self.links.pop_back(&mut self.small)?;
        if self.uses.get(slot) < PROMOTED {
            self.ghost.insert(self.hashes[slot]);
            return Some(slot);
        }
        self.uses.set(slot, 0);
        self.in_main[slot] = true;
        self.links.push_front(&mut self.main, slot);
        None
    }

    /// The main queue's oldest leaves, or goes round once more.
    fn leave_main(&mut self) -> Option<Slot> {
        let slot = self.links.pop_back(&mut self.main)?;
        if !self.uses.lower(slot) {
            return Some(slot);
        }
        self.links.push_front(&mut self.main, slot);
        None
    }
}

impl Policy for S3Fifo {
    fn miss(&mut self, hash: u64) {
        self.returning = self.ghost.remove(hash).is_some();
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.hashes.set(slot, hash);
        self.uses.set(slot, 0);
        self.in_main.set(slot, self.returning);
        self.returning = false;
        let (links, list) = self.queue(slot);
        links.push_front(list, slot);
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.hit_shared(slot, hash);
    }

    fn hit_shared(&self, slot: Slot, _hash: u64) {
        self.uses.raise(slot, MOST);
    }

    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        while !self.is_empty() {
            let from_small = self.small.len() >= self.small_target || self.main.is_empty();
            let gone = if from_small && !self.small.is_empty() {
                self.leave_small()
            } else {
                self.leave_main()
            };
            if gone.is_some() {
                return gone;
            }
        }
        None
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let (links, list) = self.queue(slot);
        links.unlink(list, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let (links, list) = self.queue(from);
        links.relocate(list, from, to);
        self.hashes.set(to, self.hashes[from]);
        self.uses.set(to, self.uses.get(from));
        self.in_main.set(to, self.in_main[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.small_target = percent_of(entries, self.small_percent).max(1);
        self.ghost
            .set_limit(entries.saturating_sub(self.small_target));
    }

    /// A guess: the small queue, then the main one, both from their ends, used entries after unused ones. O(n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        for (list, spared) in [(&self.small, PROMOTED), (&self.main, 1)] {
            for used in [false, true] {
                let slots = self.links.from_back(list);
                slots
                    .filter(|slot| (self.uses.get(*slot) >= spared) == used)
                    .for_each(&mut *visit);
            }
        }
    }

    fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    fn check_invariants(&self) {
        self.ghost.check();
        for (list, in_main) in [(&self.small, false), (&self.main, true)] {
            self.links.check(list);
            for slot in self.links.from_back(list) {
                assert_eq!(self.in_main[slot], in_main, "queue of {slot:?}");
                assert!(self.uses.get(slot) <= MOST, "uses of {slot:?}");
            }
        }
    }
}
