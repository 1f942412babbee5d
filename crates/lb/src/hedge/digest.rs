//! A digest of latencies of constant size.

use core::time::Duration;
use purlin_core::time::Instant;

/// Parts of each power of two: what is read is one part in so many too long at most.
const PARTS: u64 = 1 << PART_BITS;
const PART_BITS: u32 = 4;
/// Up to 2^64 nanoseconds.
const BUCKETS: usize = (64 - PART_BITS as usize + 1) << PART_BITS;

/// Counts of latencies in buckets that grow with them, of this window and of the one before.
///
/// Source: the buckets are those of HdrHistogram with four bits of precision.
#[derive(Debug)]
pub(super) struct Digest {
    window: Duration,
    begun: Option<Instant>,
    counts: [Box<[u32]>; 2],
    totals: [u64; 2],
}

impl Digest {
    pub(super) fn new(window: Duration) -> Self {
        let empty = || vec![0; BUCKETS].into_boxed_slice();
        Self {
            window,
            begun: None,
            counts: [empty(), empty()],
            totals: [0; 2],
        }
    }

    /// Counts one, and answers how many it knows. O(1), but for once a window.
    pub(super) fn record(&mut self, now: Instant, latency: Duration) -> u64 {
        let begun = *self.begun.get_or_insert(now);
        let age = now.saturating_duration_since(begun);
        if age >= self.window {
            self.counts.swap(0, 1);
            self.totals.swap(0, 1);
            self.clear(0);
            if age >= self.window.saturating_mul(2) {
                self.clear(1);
            }
            self.begun = Some(now);
        }
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let count = &mut self.counts[0][bucket(nanos)];
        *count = count.saturating_add(1);
        self.totals[0] += 1;
        self.totals[0] + self.totals[1]
    }

    /// The latency in nanoseconds that this part of them is at or below. O(buckets).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a count, rounded up"
    )]
    pub(super) fn quantile(&self, part: f64) -> u64 {
        let rank = (part * (self.totals[0] + self.totals[1]) as f64).ceil() as u64;
        let [new, old] = &self.counts;
        let mut below = 0;
        for (index, (new, old)) in new.iter().zip(old).enumerate() {
            below += u64::from(*new) + u64::from(*old);
            if below >= rank.max(1) {
                return longest(index);
            }
        }
        u64::MAX
    }

    fn clear(&mut self, generation: usize) {
        self.counts[generation].fill(0);
        self.totals[generation] = 0;
    }
}

/// Below 16 each number has its own; from there on each power of two has 16.
#[expect(
    clippy::cast_possible_truncation,
    reason = "below the number of buckets, which is less than 1,000"
)]
fn bucket(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let shift = u64::from(nanos.ilog2() - PART_BITS);
    (shift * PARTS + (nanos >> shift)) as usize
}

/// The longest that falls into a bucket.
fn longest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let (shift, part) = (bucket / PARTS - 1, bucket % PARTS + PARTS);
    // The last one ends where 64 bits do.
    let end = u128::from(part + 1) << shift;
    u64::try_from(end - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_bucket_holds_what_is_up_to_its_longest_and_little_less(nanos: u64, shift in 0..64_u32) {
            let nanos = nanos >> shift;
            let (bucket, longest) = (bucket(nanos), longest(bucket(nanos)));
            proptest::prop_assert!(bucket < BUCKETS);
            proptest::prop_assert!(nanos <= longest && longest - nanos <= nanos / PARTS);
            proptest::prop_assert_eq!(super::bucket(longest), bucket);
        }
    }

    #[test]
    fn windows_are_forgotten() {
        let mut digest = Digest::new(Duration::from_secs(1));
        let slow = Duration::from_millis(80);
        let fast = Duration::from_millis(1);
        assert_eq!(digest.record(Instant::from_secs(5), slow), 1);
        assert_eq!(digest.record(Instant::from_secs(6), fast), 2);
        assert!(digest.quantile(0.9) >= 80_000_000);
        assert_eq!(digest.record(Instant::from_secs(7), fast), 2);
        assert!(digest.quantile(0.9) < 2_000_000);
        assert_eq!(digest.record(Instant::from_secs(70), fast), 1);
        // A clock that steps back forgets nothing.
        assert_eq!(digest.record(Instant::ORIGIN, slow), 2);
    }
}
