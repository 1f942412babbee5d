//! FlipHash: a bucket in constant time, without a state.

use crate::bucket::{BucketHash, GAMMA, fold};
use core::hint::select_unpredictable;
use purlin_core::hash::KeyHash;
use purlin_core::random::SplitMix64;

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
/// uniform over all buckets of that level and below, the first of which is what the next power of
/// two gives. The first candidate that is a bucket decides: if it is of this level, it is the
/// bucket, and otherwise what the power of two below gives is. One bucket more changes that only
/// where a candidate is the new bucket.
///
/// At least half of the candidates are buckets, so two do on average, or fewer. Up to four are
/// looked at before the first branch, because a branch that goes either way for half of the keys
/// costs more than the words. 68 candidates are tried, then the power of two below decides: the
/// bias this leaves is less than 2^-68, and it does not touch consistency.
///
/// The paper's text fixes no hash function, so this agrees with no other implementation. Its
/// answers do not change between versions of this crate.
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
    if buckets < 2 {
        return (buckets == 1).then_some(0);
    }
    // Of the highest level: all its bits and those below, and without the highest.
    let last = (buckets - 1) | 1;
    let all = u32::MAX >> last.leading_zeros();
    let below = all >> 1;

    let (first, second) = halves(word(key, last));
    let (third, fourth) = halves(word(KeyHash(key.0 ^ GAMMA), last));
    let first = (low(key) & all) ^ (first & below);
    let [second, third, fourth] = [second & all, third & all, fourth & all];
    // From the last to the first, so that the first that is a bucket wins.
    let mut chosen = select_unpredictable(third < buckets, third, fourth);
    chosen = select_unpredictable(second < buckets, second, chosen);
    chosen = select_unpredictable(first < buckets, first, chosen);
    if chosen >= buckets {
        chosen = further(key, last, buckets);
    }

    let place = low(key) & below;
    let inner = place ^ (halves(word(key, place | 1)).0 & ((1 << (place | 1).ilog2()) - 1));
    Some(select_unpredictable(chosen <= below, inner, chosen))
}

/// The fifth and later candidates, for one key in sixteen at most. 0, which is of no level above,
/// when none of 64 is a bucket.
#[cold]
#[inline(never)]
fn further(key: KeyHash, last: u32, buckets: u32) -> u32 {
    let all = u32::MAX >> last.leading_zeros();
    (2..34_u64)
        .flat_map(|draw| {
            let key = KeyHash(key.0 ^ GAMMA.wrapping_mul(draw));
            let (low, high) = halves(word(key, last));
            [low & all, high & all]
        })
        .find(|&candidate| candidate < buckets)
        .unwrap_or(0)
}

/// A random word of a key for the level of a place: independent from level to level, as each has a
/// multiplier of its own, and for other keys.
#[inline(always)]
fn word(key: KeyHash, place: u32) -> u64 {
    fold(key.0, MULTIPLIERS[place.ilog2() as usize])
}

/// Random odd numbers.
static MULTIPLIERS: [u64; 32] = {
    let mut numbers = [0; 32];
    let mut level = 0;
    while level < numbers.len() {
        numbers[level] = SplitMix64::mix(GAMMA.wrapping_mul(level as u64 + 1)) | 1;
        level += 1;
    }
    numbers
};

#[inline(always)]
const fn low(key: KeyHash) -> u32 {
    halves(key.0).0
}

/// The low and the high 32 bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "halves are what is wanted")]
const fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
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
