//! Several buckets of one key.

use super::Flip;
use super::ranking;
use purlin_core::hash::KeyHash;

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
/// Every rank `r`, counted from 0, has a bucket hash of its own. With `n` buckets, `own(r, n)` is
/// bucket `hash_r(n - r) + r`: the last one at which the rank *fired* as buckets were added one by
/// one. A rank fires at bucket `b`, added to `b` others, with the probability `1 / (b + 1 - r)`.
///
/// The lowest rank that fires at a bucket takes it, and the entry it had and all after it move down
/// a rank. Ranks 0 to `r - 1` stay quiet at `b` with the probability `b/(b+1) * (b-1)/b * ... =
/// (b + 1 - r)/(b + 1)`, so each rank takes `b` with the probability `1/(b + 1)`: a uniform place.
/// As what happens at a bucket is independent of what happened before, all rankings are equally
/// likely.
///
/// There is no need to replay this from the first bucket. If rank `r` fired after all entries above
/// it had come, that is if `own(r, n)` exceeds them, it is the rank's entry. Otherwise the newest
/// of those above, `m`, pushed down what rank `r - 1` had with `m` buckets: the same question, one
/// rank up and further back. That asks for up to `k (k + 1) / 2` values of `own`; but between its
/// own firings a rank's value is one and the same, which leaves about `2 k` hashes, besides O(k^2)
/// comparisons (beyond 32 ranks O(k^2) hashes).
///
/// As a set, it is what the crate `consistent-choose-k` chooses by the maximum of `own(0, n)` to
/// `own(k - 1, n)`, from the newest to the oldest; its documentation has another proof.
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
    let mut count = 0;
    if !out.is_empty() {
        ranking::find::<Flip>(key, buckets, |bucket| {
            out[count] = bucket;
            count += 1;
            count == out.len()
        });
    }
    while count < out.len() {
        match ranking::after::<Flip>(key, buckets, &out[..count]) {
            Some(bucket) => out[count] = bucket,
            None => break,
        }
        count += 1;
    }
    count
}
