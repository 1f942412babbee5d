//! What a policy remembers of entries that have left: their hashes, in the order in which they left.

use super::list::{Links, List};
use crate::policy::Slot;
use alloc::vec;
use alloc::vec::Vec;

const NONE: u32 = u32::MAX;

/// Hashes of departed keys, the oldest of which is forgotten when there are too many.
///
/// A policy asks it about every key that misses: one that left lately and is wanted again was worth
/// more than its place. It is exact: nothing is forgotten early, and only a key that has the whole
/// hash of another is mistaken for it.
///
/// Each hash has a *place*, a small number like that of an entry, by which arrays beside it, or a
/// list that is [threaded](Links) through entries and memories alike, can refer to it. All operations are O(1)
/// amortized; 24 to 28 bytes a hash that is remembered, at the most there ever were.
///
/// ```
/// use purlin_cache::policy::parts::ghost::Ghost;
///
/// let mut ghost = Ghost::new(2);
/// ghost.insert(10);
/// ghost.insert(20);
/// ghost.insert(30); // the first is forgotten
/// assert!(!ghost.contains(10));
/// assert!(ghost.remove(20).is_some());
/// assert_eq!(ghost.len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ghost {
    limit: usize,
    order: List,
    free: List,
    links: Links,
    hashes: Vec<u64>,
    // A hash table with chains: the first place of every bucket, and the next one of every place. Unlike open
    // addressing it needs no tombstones, so that steady coming and going neither slows nor allocates.
    buckets: Vec<u32>,
    chain: Vec<u32>,
}

impl Ghost {
    /// A memory of so many hashes (fewer than 2^31). Nothing is allocated yet.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let mut ghost = Self::default();
        ghost.set_limit(limit);
        ghost
    }

    /// How many hashes are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether the next one makes it forget another.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// How many may be remembered from now on. The oldest that are too many are forgotten.
    pub fn set_limit(&mut self, limit: usize) {
        // Two numbers for each place fit a u32: LIRS tells places and slots apart by the lowest bit.
        self.limit = limit.min(i32::MAX.unsigned_abs() as usize);
        while self.len() > self.limit {
            self.pop_oldest();
        }
    }

    /// Remembers a hash as the newest, also when it was there before. Its place, or `None` when the limit is 0.
    pub fn insert(&mut self, hash: u64) -> Option<Slot> {
        if let Some(place) = self.place(hash) {
            self.links.move_to_front(&mut self.order, place);
            return Some(place);
        }
        if self.is_full() {
            self.pop_oldest()?;
        }
        let place = self.links.pop_back(&mut self.free).unwrap_or_else(|| {
            let place = self.chain.len();
            self.chain.push(NONE);
            self.hashes.push(hash);
            // The limit sees to it that there are not as many.
            Slot(u32::try_from(place).unwrap_or(NONE))
        });
        self.hashes[place.index()] = hash;
        self.links.push_front(&mut self.order, place);
        if self.len() > self.buckets.len() {
            self.rehash(2 * self.buckets.len());
        } else {
            self.link(place);
        }
        Some(place)
    }

    /// Whether a hash is remembered.
    #[must_use]
    pub fn contains(&self, hash: u64) -> bool {
        self.place(hash).is_some()
    }

    /// Forgets a hash. The place it had, if it was there.
    pub fn remove(&mut self, hash: u64) -> Option<Slot> {
        let place = self.place(hash)?;
        self.forget(place);
        Some(place)
    }

    /// Forgets the hash that was inserted first. The place it had, if there was any.
    pub fn pop_oldest(&mut self) -> Option<Slot> {
        let place = self.order.back()?;
        self.forget(place);
        Some(place)
    }

    /// Forgets the hash of a place.
    ///
    /// # Panics
    ///
    /// If there is none, or it corrupts the order (never undefined behaviour).
    pub fn forget(&mut self, place: Slot) {
        let next = self.chain[place.index()];
        let bucket = self.bucket(self.hashes[place.index()]);
        let (mut before, mut at) = (NONE, self.buckets[bucket]);
        while at != place.0 {
            (before, at) = (at, self.chain[at as usize]);
        }
        match before {
            NONE => self.buckets[bucket] = next,
            _ => self.chain[before as usize] = next,
        }
        self.links.unlink(&mut self.order, place);
        self.links.push_back(&mut self.free, place);
    }

    /// Checks that order, places and table fit each other. O(n); for tests.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn check(&self) {
        assert!(
            self.len() <= self.limit,
            "more is remembered than the limit"
        );
        self.links.check(&self.order);
        self.links.check(&self.free);
        assert_eq!(
            self.len() + self.free.len(),
            self.hashes.len(),
            "a place is neither taken nor free"
        );
        for place in self.links.from_back(&self.order) {
            let found = self.place(self.hashes[place.index()]);
            assert_eq!(found, Some(place), "a hash is not found at its place");
        }
    }

    fn place(&self, hash: u64) -> Option<Slot> {
        if self.is_empty() {
            return None;
        }
        let mut at = self.buckets[self.bucket(hash)];
        while at != NONE && self.hashes[at as usize] != hash {
            at = self.chain[at as usize];
        }
        (at != NONE).then_some(Slot(at))
    }

    /// The high bits of a product: the keys of one shard have some bits of their hash in common.
    fn bucket(&self, hash: u64) -> usize {
        let product = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        product as usize & (self.buckets.len() - 1)
    }

    fn link(&mut self, place: Slot) {
        let bucket = self.bucket(self.hashes[place.index()]);
        self.chain[place.index()] = self.buckets[bucket];
        self.buckets[bucket] = place.0;
    }

    fn rehash(&mut self, buckets: usize) {
        self.buckets = vec![NONE; buckets.max(8)];
        let mut next = self.order.back();
        while let Some(place) = next {
            self.link(place);
            next = self.links.toward_front(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ghost;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    proptest! {
        /// Against a queue that is searched: few hashes, so that they come back.
        #[test]
        fn remembers_what_a_queue_does(
            limit in 0usize..20,
            steps in prop::collection::vec((0u8..6, 0u64..40), 0..400),
        ) {
            let (mut ghost, mut queue, mut limit) = (Ghost::new(limit), VecDeque::new(), limit);
            for (what, hash) in steps {
                match what {
                    0..=2 => {
                        let place = ghost.insert(hash);
                        prop_assert_eq!(place.is_some(), limit > 0);
                        queue.retain(|it| *it != hash);
                        queue.push_back(hash);
                    }
                    3 => {
                        let before = queue.len();
                        queue.retain(|it| *it != hash);
                        prop_assert_eq!(ghost.remove(hash).is_some(), queue.len() < before);
                    }
                    4 => prop_assert_eq!(ghost.pop_oldest().is_some(), queue.pop_front().is_some()),
                    _ => {
                        limit = (hash % 20) as usize;
                        ghost.set_limit(limit);
                    }
                }
                while queue.len() > limit {
                    queue.pop_front();
                }
                ghost.check();
                prop_assert_eq!(ghost.len(), queue.len());
                for hash in 0..40 {
                    prop_assert_eq!(ghost.contains(hash), queue.contains(&hash));
                }
            }
        }
    }

    #[test]
    fn its_places_are_used_again() {
        let mut ghost = Ghost::new(100);
        for hash in 0..100_000_u64 {
            let place = ghost.insert(hash.rotate_left(50)).unwrap();
            assert!(place.index() < 100);
        }
        ghost.check();
    }
}
