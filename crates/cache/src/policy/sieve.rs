use super::parts::counters::Counters;
use super::parts::list::{Links, List};
use super::{Policy, Slot};
use core::iter;

/// SIEVE: FIFO with a hand that clears the marks of used entries where they stand, and evicts the
/// first unused one.
///
/// It differs from [`Clock`](super::Clock) in one thing: a spared entry keeps its place, and the hand
/// goes on toward newer ones. So new entries meet the hand soon after they came, and leave if nobody
/// used them: what is popular gathers at the old end, out of the hand's way. Take it where popularity
/// is skewed and steady, as in web and key-value caches; hits write one mark at most and do not
/// exclude each other. Do not take it where scans and loops over more keys than there is room for
/// occur, which it does not withstand, nor where recency counts, as in many block and database
/// traces: while the hand is among new entries, the old ones stay, used or not.
///
/// O(1) amortized for every operation: each step of the hand over an entry is paid for by a hit. One
/// eviction may take as many steps as there are entries. 9 bytes an entry. Zhang, Yang, Yue,
/// Vigfusson, Rashmi: "SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for web
/// caches", NSDI 2024.
///
/// ```
/// use purlin_cache::policy::{Policy, Sieve, Slot};
///
/// let mut policy = Sieve::new(3);
/// for slot in 0..3 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// policy.hit_shared(Slot(0), 0);
/// assert_eq!(policy.evict(), Some(Slot(1))); // the hand has passed 0, and stands before 2
/// policy.insert(Slot(1), 3);
/// assert_eq!(policy.evict(), Some(Slot(2)));
/// assert_eq!(policy.evict(), Some(Slot(1))); // the newest; 0, unused since, is behind the hand
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    links: Links,
    queue: List,
    visited: Counters,
    /// Where the search for a victim goes on; from the back if nowhere.
    hand: Option<Slot>,
}

impl Sieve {
    /// A policy for so many entries. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let _ = entries;
        Self::default()
    }

    fn take_out(&mut self, slot: Slot) {
        if self.hand == Some(slot) {
            self.hand = self.links.toward_front(slot);
        }
        self.links.unlink(&mut self.queue, slot);
    }
}

impl Policy for Sieve {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.visited.set(slot, 0);
        self.links.push_front(&mut self.queue, slot);
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.hit_shared(slot, hash);
    }

    fn hit_shared(&self, slot: Slot, _hash: u64) {
        self.visited.raise(slot, 1);
    }

    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        let mut slot = self.hand.or_else(|| self.queue.back())?;
        while self.visited.lower(slot) {
            let next = self.links.toward_front(slot);
            slot = next.or_else(|| self.queue.back())?;
        }
        self.hand = Some(slot);
        self.take_out(slot);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        self.take_out(slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.links.relocate(&mut self.queue, from, to);
        self.visited.set(to, self.visited.get(from));
        if self.hand == Some(from) {
            self.hand = Some(to);
        }
    }

    fn set_capacity(&mut self, _entries: usize) {}

    /// In the order in which they will leave if none is used again. O(n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        let hand = self.hand.or_else(|| self.queue.back());
        let before = || iter::successors(hand, |slot| self.links.toward_front(*slot));
        let behind = || {
            let from_back = self.links.from_back(&self.queue);
            from_back.take_while(|slot| Some(*slot) != hand)
        };
        for visited in [0, 1] {
            let round = before().chain(behind());
            round
                .filter(|slot| self.visited.get(*slot) == visited)
                .for_each(&mut *visit);
        }
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn check_invariants(&self) {
        self.links.check(&self.queue);
        if let Some(hand) = self.hand {
            let mut slots = self.links.from_back(&self.queue);
            assert!(slots.any(|slot| slot == hand), "the hand is at {hand:?}");
        }
    }
}
