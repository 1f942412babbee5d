//! Several buckets of one key.

use super::{BucketHash, Flip, GAMMA};
use purlin_core::hash::KeyHash;
use purlin_core::random::SplitMix64;

/// Writes distinct buckets of a key to `out`, best first, and answers how many: `out.len()`, or
/// `buckets` where that is less.
///
/// The first is [`flip`](crate::bucket::flip)'s. The list is a *ranking* of the buckets:
///
/// * A longer `out` begins like a shorter one.
/// * With one bucket more, the new one is put into the ranking of all buckets at a place that is
///   uniformly random for the key; the others keep their order. So `k` buckets change with
///   probability `k / (buckets + 1)`, and then one of them leaves for the new one.
/// * Every ranking of the buckets is equally likely.
///
/// # How it works
///
/// Rank `r`, counted from 0, has a bucket hash of its own: with `n` buckets, `own(r, n)` is bucket
/// `hash_r(n - r) + r`, the last one at which the rank *fired* as buckets were added one by one. That
/// a rank fires at bucket `b`, which is when `b` is added to `b` others, has the probability
/// `1 / (b + 1 - r)`. At every bucket the lowest rank that fires takes it, and the entry it had and
/// those after it move down a rank. Ranks 0 to `r - 1` do not fire at `b` with the probability
/// `b/(b+1) * (b-1)/b * ... = (b + 1 - r)/(b + 1)`, so each rank takes `b` with the probability
/// `1/(b + 1)`: a uniform place.
///
/// There is no need to replay this. If rank `r` fired after all entries above it had come (`own`
/// exceeds them), `own` is its entry. Otherwise the newest of those above, `m`, pushed down the entry
/// that rank `r - 1` had with `m` buckets: the same question, one rank up and further back. That is at
/// most `r + 1` hashes, `k (k + 1) / 2` in all (and as many scans of `out`). As a set it is the choice of
/// `consistent-choose-k`, whose documentation proves the set's properties from the other end.
///
/// ```
/// use purlin_hashring::{KeyHash, bucket};
///
/// let (mut three, mut four) = ([0; 3], [0; 4]);
/// bucket::choose_k(KeyHash(77), 10, &mut three);
/// bucket::choose_k(KeyHash(77), 10, &mut four);
/// assert_eq!(three, four[..3]);
/// assert_eq!(bucket::choose_k(KeyHash(77), 2, &mut four), 2);
/// ```
#[inline]
pub fn choose_k(key: KeyHash, buckets: u32, out: &mut [u32]) -> usize {
    for count in 0..out.len() {
        match next_rank::<Flip>(key, buckets, &out[..count]) {
            Some(bucket) => out[count] = bucket,
            None => return count,
        }
    }
    out.len()
}

/// The bucket at the rank after `above`, which are the ranks before it, in order.
#[inline]
pub(crate) fn next_rank<H: BucketHash>(key: KeyHash, buckets: u32, above: &[u32]) -> Option<u32> {
    let mut rank = u32::try_from(above.len()).ok()?;
    let mut end = buckets;
    loop {
        let own = H::bucket(rank_key(key, rank), end.checked_sub(rank)?)? + rank;
        let newest = above.iter().copied().filter(|&bucket| bucket < end).max();
        match newest {
            // Rank 0 is above all, so this ends there even for a bucket hash that is not consistent.
            Some(newest) if newest >= own && rank > 0 => (end, rank) = (newest, rank - 1),
            _ => return Some(own),
        }
    }
}

/// The key of a rank's own hash.
#[inline(always)]
fn rank_key(key: KeyHash, rank: u32) -> KeyHash {
    if rank == 0 {
        return key;
    }
    KeyHash(SplitMix64::mix(key.0 ^ u64::from(rank).wrapping_mul(GAMMA)))
}
