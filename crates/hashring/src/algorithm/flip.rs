//! FlipHash: a bucket in constant time, without a state.

use crate::bucket::{BucketHash, GAMMA, fold};
use core::hint::select_unpredictable;
use purlin_core::hash::KeyHash;

/// The bucket of a key by FlipHash, one of `0..buckets`; `None` if there are none.
///
/// Masson and Lee, "FlipHash: A Constant-Time Consistent Range-Hashing Algorithm", 2024
/// (arXiv:2402.17549). In constant time, without a state and without floating point.
///
/// # How it works
///
/// Buckets are grouped in levels: level `l` holds `2^l .. 2^(l+1)`. If `buckets` is a power of two,
/// that many low bits of the key are taken: the highest one that is set names the level, and a word
/// of the key's own for that level says which bucket of it. One more bit, for twice the buckets,
/// either sends the key to the new level or changes nothing.
///
/// Any other number of buckets lies inside a level, and the key has a sequence of candidates there,
/// uniform over all buckets of that level and below, the first of which is what the next power of two
/// gives. The first candidate that is a bucket decides: if it is of this level, it is the bucket, and
/// otherwise what the power of two below gives is. One bucket more changes that only where a candidate
/// is the new bucket.
///
/// At least half of all numbers are buckets, so two candidates do on average. Up to four are looked at
/// before the first branch, because a branch that goes either way for half of the keys costs more than
/// the words. 68 candidates are tried, then the power of two below decides: the bias this leaves is
/// less than 2^-68, and it does not touch consistency.
///
/// The paper's text fixes no hash function, so this agrees with no other implementation. Its answers
/// do not change between versions of this crate.
///
/// ```
/// use purlin_hashring::{KeyHash, bucket};
///
/// let key = KeyHash(0x9fb2_1c65_1e98_df25);
/// let before = bucket::flip(key, 10).expect("there are buckets");
/// let after = bucket::flip(key, 11).expect("there are buckets");
/// assert!(after == before || after == 10);
/// assert_eq!(bucket::flip(key, 0), None);
/// ```
#[must_use]
#[inline]
pub fn flip(key: KeyHash, buckets: u32) -> Option<u32> {
    let level = (buckets.checked_sub(1)? | 1).ilog2();
    let (key, end) = (key.0, u64::from(buckets));
    let half = 1_u64 << level;
    let (below, all) = (half - 1, half * 2 - 1);

    let inner = of_power_of_two(key, key & below);
    let (first, second) = (word(key, level, 0), word(key, level, 1));
    let candidates = [
        (key & half) | (first & below),
        (first >> 32) & all,
        second & all,
        (second >> 32) & all,
    ];
    // From the last to the first, so that the first that is a bucket wins.
    let [first, second, third, fourth] = candidates;
    let mut chosen = select_unpredictable(third < end, third, fourth);
    chosen = select_unpredictable(second < end, second, chosen);
    chosen = select_unpredictable(first < end, first, chosen);
    if chosen >= end {
        chosen = further(key, level, end);
    }
    let bucket = select_unpredictable(chosen < half, inner, chosen);
    #[expect(clippy::cast_possible_truncation, reason = "less than `buckets`")]
    let bucket = bucket as u32;
    Some(bucket)
}

/// The bucket among 2^n, `place` being the key's n lowest bits.
#[inline(always)]
const fn of_power_of_two(key: u64, place: u64) -> u64 {
    let level = (place | 1).ilog2();
    let half = 1 << level;
    (place & half) | (word(key, level, 0) & (half - 1))
}

/// The fifth and later candidates, for one key in sixteen at most. 0, which is of no level above,
/// when none of 64 is a bucket.
#[cold]
#[inline(never)]
fn further(key: u64, level: u32, end: u64) -> u64 {
    let all = (2 << level) - 1;
    (2..34)
        .flat_map(|draw| {
            let word = word(key, level, draw);
            [word & all, (word >> 32) & all]
        })
        .find(|&candidate| candidate < end)
        .unwrap_or(0)
}

/// Random words of a key: independent from level to level and from draw to draw. Candidates are taken
/// from both halves.
#[inline(always)]
const fn word(key: u64, level: u32, draw: u64) -> u64 {
    let number = 1 + level as u64 + 32 * draw;
    fold(key ^ number.wrapping_mul(GAMMA), 0xd6e8_feb8_6659_fd93)
}

/// [`flip`] as a type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flip;

impl BucketHash for Flip {
    const NAME: &'static str = "flip";

    #[inline]
    fn bucket(key: KeyHash, buckets: u32) -> Option<u32> {
        flip(key, buckets)
    }
}
