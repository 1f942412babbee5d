//! Bucket hashes: from a key and a number of buckets to one of the buckets, without any table.
//!
//! | function | what it gives | time |
//! |---|---|---|
//! | [`flip`] | a bucket; the one to take | O(1), 3 to 5 ns |
//! | [`jump`] | a bucket, as other systems' jump hash has it | O(log buckets), 20 to 70 ns |
//! | [`choose_k`] | several distinct buckets | O(k) hashes, O(k^2) comparisons; three in about 50 ns |
//!
//! All are *consistent*: with one bucket more, a key stays where it is or moves to the new bucket.
//! And all are uniform, so that this happens to one key in `buckets + 1`. What they cannot do is
//! lose any other bucket than the last: for that there is [`Memento`](crate::Memento).
//!
//! They need no allocator; the placements that rest on them do (feature `alloc`). Bucket hashes
//! know no weights.
//!
//! ```
//! use purlin_core::hash::{KeyHasher, Xxh3};
//! use purlin_hashring::bucket;
//!
//! let key = Xxh3::new().hash_bytes(b"user:42");
//! let shard = bucket::flip(key, 12).expect("there are buckets");
//! assert!(shard < 12);
//!
//! let mut three = [0; 3];
//! assert_eq!(bucket::choose_k(key, 12, &mut three), 3);
//! assert_eq!(three[0], shard);
//! ```

mod choose_k;
#[cfg(feature = "alloc")]
pub(crate) mod preference;
mod ranking;

pub use crate::algorithm::flip::{Flip, flip};
pub use crate::algorithm::jump::{Jump, jump};
pub use choose_k::choose_k;

use core::fmt;
use purlin_core::hash::KeyHash;

/// 2^64 divided by the golden ratio, odd: multiples of it differ in many bits.
pub(crate) const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bucket hash, as a type: what a [`Buckets`](crate::Buckets) places by.
///
/// # Implementing
///
/// * `None` for 0 buckets and only then; otherwise a number below `buckets`.
/// * Uniform over the keys, for every number of buckets.
/// * Consistent: `bucket(key, n + 1)` is `bucket(key, n)` or `n`.
/// * The same on every machine and in every version.
///
/// ```
/// use purlin_hashring::bucket::{self, BucketHash, Flip};
/// use purlin_hashring::KeyHash;
///
/// assert_eq!(Flip::bucket(KeyHash(7), 100), bucket::flip(KeyHash(7), 100));
/// assert_eq!(Flip::bucket(KeyHash(7), 0), None);
/// ```
pub trait BucketHash: Copy + fmt::Debug {
    /// The algorithm's name, as in the registry and in errors.
    const NAME: &'static str;

    /// The bucket of a key, one of `0..buckets`.
    fn bucket(key: KeyHash, buckets: u32) -> Option<u32>;
}

/// The 128-bit product of a word and a constant, its halves folded into one: every bit of the
/// result depends on all bits of the word. One multiplication, and enough for words that are mixed
/// already.
#[inline(always)]
pub(crate) const fn fold(word: u64, constant: u64) -> u64 {
    let product = word as u128 * constant as u128;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is what is wanted"
    )]
    let low = product as u64;
    low ^ (product >> 64) as u64
}

/// A number below `end`, in proportion to a word: uniform if the word is.
#[cfg(feature = "alloc")]
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "less than `end`")]
pub(crate) const fn reduce(word: u64, end: u32) -> u32 {
    ((word as u128 * end as u128) >> 64) as u32
}

/// Where a key goes, among `left` places, when its bucket is gone. Independent from bucket to
/// bucket.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(crate) const fn rehash(key: KeyHash, bucket: u32, left: u32) -> u32 {
    let bucket = (bucket as u64 + 1).wrapping_mul(GAMMA);
    reduce(fold(key.0 ^ bucket, 0xa076_1d64_78bd_642f), left)
}
