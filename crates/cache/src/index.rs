//! Finds the slot of a key by its hash, in one cache line mostly.
//!
//! Twelve slots with a byte of each one's hash share a bucket of 64 bytes. A slot that finds no room in
//! its home goes to the next bucket that has some, and every full bucket on the way counts it, so that a search
//! knows where to stop, and a removal leaves no trace (as in Meta's F14 tables, 2019). Buckets
//! are ten twelfths full at most, at which some 6 % of the slots are away from home: 6.4 bytes a slot.
//!
//! The number of buckets need not be a power of two: a table for a known number of slots has no slack.

use crate::policy::Slot;
use alloc::vec::Vec;

/// Slots of a bucket.
const WIDTH: usize = 12;
/// Slots of a bucket that are in use when the table is as full as it gets, on average.
const FULL: usize = 10;
/// One in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// All but the upper bit of every byte.
const LOWER: u64 = 0x7F7F_7F7F_7F7F_7F7F;
/// The bytes of the second word that are tags. The others count what has overflowed.
const TAGS_OF_SECOND: u64 = 0xFFFF_FFFF;
const ONE_OVERFLOWED: u64 = 1 << 32;

/// Eight tags, then four tags and a 32-bit count of the slots that had to go on. A tag of zero is a free place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    tags: [u64; 2],
    slots: [u32; WIDTH],
}

impl Bucket {
    /// The places whose tag is the one of the pattern: place `p` is bit `8 * (p % 8) + p / 8`. Both words
    /// in one number, so that no branch depends on which of them a tag is in.
    #[inline]
    fn candidates(&self, pattern: u64) -> u64 {
        let first = same(self.tags[0] ^ pattern);
        let second = same(self.tags[1] ^ pattern) & TAGS_OF_SECOND;
        first >> 7 | second >> 6
    }

    fn overflowed(&self) -> bool {
        self.tags[1] & !TAGS_OF_SECOND != 0
    }

    /// The place at which `is` holds, among those with the tag of the pattern.
    #[inline]
    fn find(&self, pattern: u64, mut is: impl FnMut(Slot) -> bool) -> Option<usize> {
        let mut candidates = self.candidates(pattern);
        while candidates != 0 {
            let bit = candidates.trailing_zeros() as usize;
            let place = bit / 8 + bit % 8 * 8;
            let slot = *self.slots.get(place)?; // as it always is
            if is(Slot(slot)) {
                return Some(place);
            }
            candidates &= candidates - 1;
        }
        None
    }

    fn set_tag(&mut self, place: usize, tag: u64) {
        let (word, shift) = (place / 8, place % 8 * 8);
        self.tags[word] = self.tags[word] & !(0xFF << shift) | tag << shift;
    }

    fn free(&self) -> Option<usize> {
        self.find(0, |_| true)
    }
}

/// Hashes to slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    buckets: Vec<Bucket>,
}

impl Index {
    pub(crate) const fn new() -> Self {
        Self {
            buckets: Vec::new(),
        }
    }

    /// How many slots there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.buckets.len() * FULL
    }

    /// Lays the table out anew for so many slots, and puts in the slots `0..` with the hashes given.
    pub(crate) fn rebuild(&mut self, capacity: usize, hashes: impl Iterator<Item = u64>) {
        let mut next = Self {
            buckets: alloc::vec![Bucket::default(); capacity.div_ceil(FULL)],
        };
        for (slot, hash) in (0..).zip(hashes) {
            next.insert(hash, Slot(slot));
        }
        *self = next;
    }

    /// The slot with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(Slot) -> bool) -> Option<Slot> {
        let pattern = tag(hash).wrapping_mul(ONES);
        let mut at = self.home(hash);
        for _ in 0..self.buckets.len() {
            let bucket = self.buckets.get(at)?;
            if let Some(place) = bucket.find(pattern, &mut is) {
                return Some(Slot(bucket.slots[place]));
            }
            if !bucket.overflowed() {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Puts a slot in. There must be room, and it must not be in already.
    pub(crate) fn insert(&mut self, hash: u64, slot: Slot) {
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.free() {
                bucket.set_tag(place, tag(hash));
                bucket.slots[place] = slot.0;
                return;
            }
            bucket.tags[1] += ONE_OVERFLOWED;
            at = self.after(at);
        }
    }

    /// Takes a slot out that is in.
    pub(crate) fn remove(&mut self, hash: u64, slot: Slot) {
        let (mut at, end, place) = self.locate(hash, slot);
        self.buckets[end].set_tag(place, 0);
        while at != end {
            self.buckets[at].tags[1] -= ONE_OVERFLOWED;
            at = self.after(at);
        }
    }

    /// What was slot `from` is now slot `to`.
    pub(crate) fn relocate(&mut self, hash: u64, from: Slot, to: Slot) {
        let (_, at, place) = self.locate(hash, from);
        self.buckets[at].slots[place] = to.0;
    }

    /// Home, bucket and place of a slot that is in.
    fn locate(&self, hash: u64, slot: Slot) -> (usize, usize, usize) {
        let pattern = tag(hash).wrapping_mul(ONES);
        let home = self.home(hash);
        let mut at = home;
        for _ in 0..self.buckets.len() {
            if let Some(place) = self.buckets[at].find(pattern, |other| other == slot) {
                return (home, at, place);
            }
            at = self.after(at);
        }
        unreachable!("the key of an entry has another hash than it had when it came in");
    }

    /// Bits 8 to 39 of the hash choose the bucket.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let spread = u64::from((hash >> 8) as u32) * self.buckets.len() as u64;
        (spread >> 32) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() {
            0
        } else {
            at + 1
        }
    }
}

/// The upper bit of each byte that is zero.
#[inline]
fn same(differ: u64) -> u64 {
    // No carry leaves a byte, so that none is taken for another (Hacker's Delight, 6-1).
    !((differ & LOWER) + LOWER | differ | LOWER)
}

/// The lowest byte of the hash, but not zero.
#[inline]
fn tag(hash: u64) -> u64 {
    (hash & 0xFF).max(1)
}

#[cfg(test)]
mod tests;
