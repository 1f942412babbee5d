//! How often keys were used lately, in a fixed space, roughly: a count-min sketch with aging.

use alloc::vec;
use alloc::vec::Vec;

/// Every counter of a word but its highest bit.
const HALF: u64 = 0x7777_7777_7777_7777;
const LOWEST_BITS: u64 = 0x1111_1111_1111_1111;

/// After so many increments for each entry, all counters are halved.
const SAMPLES: usize = 10;

/// The 128 counters, of four bits each, among which all those of a key are: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block([u64; 8]);

/// Estimates how often a hash was counted, up to 15 times.
///
/// A hash has four counters, each in another quarter of one block, and its estimate is the least of them: too great if
/// all four are shared with others, and never too small, apart from aging. When there were ten increments for each
/// entry of the cache, all counters are halved, so that what was popular once is forgotten.
///
/// O(1), with one cache line touched, but for aging: O(size) once in ten increments an entry. 8 to 16 bytes an entry.
/// Cormode, Muthukrishnan: "An improved data stream summary: the count-min sketch and its applications" (2005); aging after Einziger, Friedman, Manes: "TinyLFU: a highly efficient cache
/// admission policy" (2017); blocks and sizes as in Caffeine.
///
/// ```
/// use purlin_cache::policy::parts::sketch::Sketch;
///
/// let mut sketch = Sketch::new(100);
/// for _ in 0..5 {
///     sketch.increment(7);
/// }
/// assert_eq!(sketch.estimate(7), 5);
/// assert_eq!(sketch.estimate(8), 0);
/// sketch.age();
/// assert_eq!(sketch.estimate(7), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Sketch {
    /// A power of two.
    blocks: Vec<Block>,
    entries: usize,
    increments: usize,
}

impl Sketch {
    /// A sketch for a cache of so many entries. Allocates.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let mut sketch = Self {
            blocks: vec![Block([0; 8])],
            entries: 0,
            increments: 0,
        };
        sketch.set_entries(entries);
        sketch
    }

    /// For how many entries it is.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Serves a cache of so many entries from now on. It grows when they are more, and all estimates stay;
    /// when they are fewer it ages sooner, and keeps its size.
    pub fn set_entries(&mut self, entries: usize) {
        self.entries = entries;
        while self.blocks.len() < entries / 8 {
            // A hash goes to the block with its lowest bits: with one bit more, to the same one or to its copy.
            self.blocks.extend_from_within(..);
        }
    }

    /// Counts a use.
    pub fn increment(&mut self, hash: u64) {
        let (block, counters) = self.place(hash);
        let block = &mut self.blocks[block].0;
        let mut counted = false;
        for (word, shift) in counters {
            if block[word] >> shift & 15 < 15 {
                block[word] += 1 << shift;
                counted = true;
            }
        }
        self.increments += usize::from(counted);
        // A small cache would forget too soon what it has seen.
        if self.increments >= SAMPLES * self.entries.max(8) {
            self.age();
        }
    }

    /// How often a hash was counted, at the most: 0 to 15.
    #[must_use]
    pub fn estimate(&self, hash: u64) -> u8 {
        let (block, counters) = self.place(hash);
        let block = &self.blocks[block].0;
        counters
            .map(|(word, shift)| (block[word] >> shift & 15) as u8)
            .fold(15, u8::min)
    }

    /// Halves all counters, rounding down. [`increment`](Self::increment) does it by itself.
    pub fn age(&mut self) {
        let mut odd = 0;
        for word in self.blocks.iter_mut().flat_map(|block| &mut block.0) {
            odd += (*word & LOWEST_BITS).count_ones() as usize;
            *word = *word >> 1 & HALF;
        }
        // An increment is four counters; what rounding took does not count.
        self.increments = self.increments.saturating_sub(odd / 4) / 2;
    }

    /// The block of a hash, and in it the word and the shift of each of its counters.
    fn place(&self, hash: u64) -> (usize, impl Iterator<Item = (usize, u32)> + use<>) {
        // Some bits of the hash may be the same for all keys of this cache: those that chose the shard.
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = mixed ^ mixed >> 29;
        let block = (mixed >> 32) as usize & (self.blocks.len() - 1);
        let counters = (0..4).map(move |row| {
            let bits = mixed >> (8 * row) & 31;
            (2 * row + (bits & 1) as usize, (bits >> 1) as u32 * 4)
        });
        (block, counters)
    }
}

#[cfg(test)]
mod tests {
    use super::Sketch;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use purlin_core::random::SplitMix64;
    use std::collections::HashMap;

    proptest! {
        /// A table of exact counts, halved when the sketch should be: estimates are never below it.
        #[test]
        fn never_estimates_too_little(
            entries in 0_usize..40,
            hashes in prop::collection::vec(0..60_u64, 0..2_000),
            raw: bool,
        ) {
            let mut sketch = Sketch::new(entries);
            let mut table: HashMap<u64, u8> = HashMap::new();
            for hash in hashes {
                let hash = if raw { hash } else { SplitMix64::mix(hash) };
                let before = sketch.increments;
                sketch.increment(hash);
                let count = table.entry(hash).or_default();
                *count = (*count + 1).min(15);
                if sketch.increments < before {
                    table.values_mut().for_each(|count| *count /= 2);
                }
                for (hash, count) in &table {
                    prop_assert!((*count..=15).contains(&sketch.estimate(*hash)));
                }
            }
        }

        #[test]
        fn growing_changes_no_estimate(
            hashes in prop::collection::vec(any::<u64>(), 0..200),
            entries in 0_usize..10_000,
        ) {
            let mut sketch = Sketch::new(100);
            for hash in &hashes {
                sketch.increment(*hash);
            }
            let before: Vec<u8> = hashes.iter().map(|hash| sketch.estimate(*hash)).collect();
            sketch.set_entries(entries);
            let after: Vec<u8> = hashes.iter().map(|hash| sketch.estimate(*hash)).collect();
            prop_assert_eq!(before, after);
        }
    }

    /// Each of as many keys as there are entries is counted twice. A key has four counters of 16 an entry, so
    /// another key takes one of them with probability 1 - e^(-1/4), and all four with 0.24 %.
    #[test]
    fn few_estimates_are_too_great() {
        for raw in [false, true] {
            let mut sketch = Sketch::new(8_192);
            let hashes = (0..8_192_u64).map(|key| if raw { key } else { SplitMix64::mix(key) });
            for hash in hashes.clone().chain(hashes.clone()) {
                sketch.increment(hash);
            }
            let wrong = hashes.filter(|hash| sketch.estimate(*hash) != 2).count();
            // Keys of one block meet more often than those of a sketch without blocks.
            assert!(wrong < 8_192 / 50, "{wrong} of 8192");
        }
    }

    #[test]
    fn it_ages_after_ten_increments_an_entry() {
        let mut sketch = Sketch::new(100);
        for hash in 0..999_u64 {
            sketch.increment(SplitMix64::mix(hash % 100));
        }
        assert_eq!(sketch.estimate(SplitMix64::mix(7)), 10);
        sketch.increment(SplitMix64::mix(99));
        assert_eq!(sketch.estimate(SplitMix64::mix(7)), 5);
    }
}
