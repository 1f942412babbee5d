//! Finds the slot of a key by its hash, in one cache line mostly.
//!
//! Twelve slots with a byte of each one's hash share a bucket of 64 bytes. A slot that finds no room in
//! its home goes to the next bucket that has some, and every full bucket on the way counts it, so that a search
//! knows where to stop and there are no tombstones (as in Meta's F14 tables, 2019). A removal makes room,
//! and one of those that are away from home moves back into it: without that, more and more buckets of a full cache
//! would have overflowed, and searches in vain would grow ever longer. How far each slot is
//! from home is in the bucket, in two bits, so that nobody has to hash a key for it. Buckets
//! are two thirds full at most, at which one of ten has overflowed: 8 bytes a slot. (Five sixths full, three of ten
//! have: 6.4 bytes a slot, and an insertion into a full cache takes a tenth longer.)
//!
//! The number of buckets need not be a power of two: a table for a known number of slots has no slack.

use crate::policy::Slot;
use alloc::boxed::Box;

/// Slots of a bucket.
const WIDTH: usize = 12;
/// Slots of a bucket that are in use when the table is as full as it gets, on average.
const FULL: usize = 8;
/// One in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The upper bit of every byte.
const UPPER: u64 = 0x8080_8080_8080_8080;
/// The second word: four tags, then how many slots had to go on (255: that many or more, and nobody counts any
/// longer), then for each place how many buckets its slot is from home (3: that many or more).
const TAGS_OF_SECOND: u64 = 0xFFFF_FFFF;
const OVERFLOWED: u64 = 0xFF << 32;
const ONE_OVERFLOWED: u64 = 1 << 32;
const DISTANCES_AT: u32 = 40;
const FAR: u64 = 3;
/// The lower bit of the distance of each place.
const LOW_OF_PAIRS: u64 = 0x55_5555;
/// Slots that one removal brings nearer to their homes.
const MOST_MOVES: u32 = 8;

/// What a free place has for a slot: no slot, since a place may be looked at whose tag is another.
const NOBODY: u32 = u32::MAX;

/// Tags and their slots. A tag of zero is a free place.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket {
    tags: [u64; 2],
    slots: [u32; WIDTH],
}

impl Bucket {
    const EMPTY: Self = Self {
        tags: [0; 2],
        slots: [NOBODY; WIDTH],
    };

    /// The places with this tag: place `p` is bit `8 * (p % 8) + p / 8`. Both words in one number, so that no
    /// branch depends on which of them a tag is in. The lowest is right; of the others, some may have the next tag.
    #[inline]
    fn candidates(&self, tag: u64) -> u64 {
        let pattern = tag.wrapping_mul(ONES);
        let first = zero_bytes(self.tags[0] ^ pattern);
        let second = zero_bytes(self.tags[1] ^ pattern) & TAGS_OF_SECOND;
        first >> 7 | second >> 6
    }

    fn overflowed(&self) -> bool {
        self.tags[1] & OVERFLOWED != 0
    }

    fn overflow(&mut self) {
        if self.tags[1] & OVERFLOWED != OVERFLOWED {
            self.tags[1] += ONE_OVERFLOWED;
        }
    }

    fn one_overflowed_less(&mut self) {
        if self.tags[1] & OVERFLOWED != OVERFLOWED {
            self.tags[1] -= ONE_OVERFLOWED;
        }
    }

    fn distance(&self, place: usize) -> u64 {
        self.tags[1] >> (DISTANCES_AT as usize + 2 * place) & FAR
    }

    /// Puts a slot into a place that is free.
    fn put(&mut self, place: usize, tag: u64, slot: u32, distance: u64) {
        let (word, shift) = (place / 8, place % 8 * 8);
        self.tags[word] |= tag << shift;
        self.tags[1] |= distance << (DISTANCES_AT as usize + 2 * place);
        self.slots[place] = slot;
    }

    fn free_up(&mut self, place: usize) {
        let (word, shift) = (place / 8, place % 8 * 8);
        self.tags[word] &= !(0xFF << shift);
        self.tags[1] &= !(FAR << (DISTANCES_AT as usize + 2 * place));
        self.slots[place] = NOBODY;
    }

    /// Of those that are away from home the one that is farthest.
    fn stray(&self) -> Option<usize> {
        let distances = self.tags[1] >> DISTANCES_AT;
        let (low, high) = (distances & LOW_OF_PAIRS, distances >> 1 & LOW_OF_PAIRS);
        let sets = [low & high, high, low];
        let farthest = sets.into_iter().find(|set| *set != 0)?;
        Some(farthest.trailing_zeros() as usize / 2)
    }

    fn tag(&self, place: usize) -> u64 {
        self.tags[place / 8] >> (place % 8 * 8) & 0xFF
    }

    /// The place at which `is` holds, among those with this tag, and the slot there.
    #[inline]
    fn find(&self, tag: u64, is: impl Fn(Slot) -> bool) -> Option<(usize, Slot)> {
        let mut candidates = self.candidates(tag);
        while candidates != 0 {
            let bit = candidates.trailing_zeros() as usize;
            let place = bit / 8 + bit % 8 * 8;
            let slot = *self.slots.get(place)?; // as it always is
            if is(Slot(slot)) {
                return Some((place, Slot(slot)));
            }
            candidates &= candidates - 1;
        }
        None
    }

    fn free(&self) -> Option<usize> {
        self.find(0, |_| true).map(|(place, _)| place)
    }
}

/// Hashes to slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    buckets: Box<[Bucket]>,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many slots there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.buckets.len() * FULL
    }

    /// Lays the table out anew for so many slots, and puts in the slots `0..` with the hashes given.
    pub(crate) fn rebuild(&mut self, capacity: usize, hashes: impl Iterator<Item = u64>) {
        let mut next = Self {
            buckets: alloc::vec![Bucket::EMPTY; capacity.div_ceil(FULL)].into_boxed_slice(),
        };
        for (slot, hash) in (0..).zip(hashes) {
            next.insert(hash, Slot(slot));
        }
        *self = next;
    }

    /// The slot with this hash for which `is` holds. It may be asked about a slot with another hash, or that is in no use
    /// (`u32::MAX`).
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(Slot) -> bool + Copy) -> Option<Slot> {
        let home = self.home(hash);
        let bucket = self.buckets.get(home)?;
        if let Some((_, slot)) = bucket.find(tag(hash), is) {
            return Some(slot);
        }
        if bucket.overflowed() {
            self.find_beyond(hash, home, is)
        } else {
            None
        }
    }

    // Takes a closure of two words by value, in registers.
    #[inline(never)]
    fn find_beyond(
        &self,
        hash: u64,
        home: usize,
        is: impl Fn(Slot) -> bool + Copy,
    ) -> Option<Slot> {
        let mut at = self.after(home);
        while at != home {
            let bucket = &self.buckets[at];
            if let Some((_, slot)) = bucket.find(tag(hash), is) {
                return Some(slot);
            }
            if !bucket.overflowed() {
                break;
            }
            at = self.after(at);
        }
        None
    }

    /// Puts a slot in. There must be room, and it must not be in already.
    pub(crate) fn insert(&mut self, hash: u64, slot: Slot) {
        let mut at = self.home(hash);
        let mut distance = 0;
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.free() {
                bucket.put(place, tag(hash), slot.0, FAR.min(distance));
                return;
            }
            bucket.overflow();
            at = self.after(at);
            distance += 1;
        }
    }

    /// Takes a slot out that is in. `rehash` is asked for the hash of another, now and then.
    pub(crate) fn remove(&mut self, hash: u64, slot: Slot, rehash: impl Fn(Slot) -> u64) {
        let (mut at, end, place) = self.locate(hash, slot);
        self.buckets[end].free_up(place);
        while at != end {
            self.buckets[at].one_overflowed_less();
            at = self.after(at);
        }
        self.bring_back(end, rehash);
    }

    /// A bucket has room: a slot that had to go on moves back into it, and leaves room where it was.
    fn bring_back(&mut self, mut roomy: usize, rehash: impl Fn(Slot) -> u64) {
        for _ in 0..MOST_MOVES {
            if !self.buckets[roomy].overflowed() {
                return;
            }
            let next = self.after(roomy);
            // Whoever is away from home in the next bucket has come by this one.
            let Some(place) = self.buckets[next].stray() else {
                return;
            };
            let from = &mut self.buckets[next];
            let (tag, slot, known) = (from.tag(place), from.slots[place], from.distance(place));
            from.free_up(place);
            let distance = if known < FAR {
                known
            } else {
                self.distance(rehash(Slot(slot)), next)
            };
            let bucket = &mut self.buckets[roomy];
            if let Some(place) = bucket.free() {
                bucket.put(place, tag, slot, FAR.min(distance - 1));
                bucket.one_overflowed_less();
            }
            roomy = next;
        }
    }

    /// How many buckets a slot with this hash has gone on if it is in this one.
    fn distance(&self, hash: u64, at: usize) -> u64 {
        let home = self.home(hash);
        let buckets = self.buckets.len();
        (if at < home {
            at + buckets - home
        } else {
            at - home
        }) as u64
    }

    /// What was slot `from` is now slot `to`.
    pub(crate) fn relocate(&mut self, hash: u64, from: Slot, to: Slot) {
        let (_, at, place) = self.locate(hash, from);
        self.buckets[at].slots[place] = to.0;
    }

    /// Home, bucket and place of a slot that is in.
    #[inline]
    fn locate(&self, hash: u64, slot: Slot) -> (usize, usize, usize) {
        let tag = tag(hash);
        let home = self.home(hash);
        let mut at = home;
        for _ in 0..self.buckets.len() {
            if let Some((place, _)) = self.buckets[at].find(tag, |other| other == slot) {
                return (home, at, place);
            }
            at = self.after(at);
        }
        unreachable!("the key of an entry has another hash than it had when it came in");
    }

    /// Bits 8 to 39 of the hash choose the bucket.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let spread = (hash >> 8 & 0xFFFF_FFFF) * self.buckets.len() as u64;
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

/// The upper bit of each byte that is zero, and perhaps of bytes above the lowest of them that are one: what finds
/// no other byte takes twice the steps (Hacker's Delight, 6-1), and who is found is looked at anyway.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & UPPER
}

/// The lowest byte of the hash, but not zero.
#[inline]
fn tag(hash: u64) -> u64 {
    (hash & 0xFF).max(1)
}

#[cfg(test)]
mod tests;
