use super::{Ended, Tally};
use crate::Instant;
use crate::sync::{AtomicU64, Ordering};
use core::time::Duration;

/// The calls of the last while: ten buckets, each one word `[lap 28 | calls 12 | failures 12 |
/// slow 12]`.
///
/// A bucket serves every tenth stretch of time. Its lap says which of them its counts are from, so
/// that nothing has to be swept: whoever records into a bucket of another lap begins it anew,
/// whoever reads passes it over. Laps count modulo 2^28; a window of a second that is idle for
/// exactly 8.5 years would see its old counts once more.
///
/// A full bucket halves its counts, which keeps its rates (to one in 2,048) and still outweighs any
/// minimum of calls.
#[derive(Debug)]
pub(super) struct TimeWindow {
    buckets: [AtomicU64; BUCKETS],
    /// Nanoseconds, above zero.
    bucket: u64,
}

const BUCKETS: usize = 10;
const COUNT_BITS: u32 = 12;
const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;
const LAP_MASK: u64 = (1 << 28) - 1;

/// Half of a full bucket is more.
pub(super) const MAX_MINIMUM_CALLS: u32 = 2_047;

#[derive(Clone, Copy)]
struct Bucket {
    lap: u64,
    calls: u64,
    failures: u64,
    slow: u64,
}

impl Bucket {
    const fn unpack(word: u64) -> Self {
        Self {
            lap: word >> (3 * COUNT_BITS),
            calls: (word >> (2 * COUNT_BITS)) & MAX_COUNT,
            failures: (word >> COUNT_BITS) & MAX_COUNT,
            slow: word & MAX_COUNT,
        }
    }

    const fn pack(self) -> u64 {
        self.lap << (3 * COUNT_BITS)
            | self.calls << (2 * COUNT_BITS)
            | self.failures << COUNT_BITS
            | self.slow
    }

    const fn empty(lap: u64) -> Self {
        Self {
            lap,
            calls: 0,
            failures: 0,
            slow: 0,
        }
    }

    fn and(self, ended: Ended) -> Self {
        // Rounded up: a failure that was seen is not forgotten before its time.
        let halved = if self.calls == MAX_COUNT {
            |count: u64| count.div_ceil(2)
        } else {
            |count| count
        };
        Self {
            lap: self.lap,
            calls: halved(self.calls) + 1,
            failures: halved(self.failures) + u64::from(ended.failed),
            slow: halved(self.slow) + u64::from(ended.slow),
        }
    }
}

impl TimeWindow {
    /// `length` above zero.
    pub(super) fn new(length: Duration) -> Self {
        let length = Instant::ORIGIN.saturating_add(length).as_nanos();
        Self {
            buckets: core::array::from_fn(|_| AtomicU64::new(0)),
            bucket: length.div_ceil(BUCKETS as u64),
        }
    }

    #[inline]
    pub(super) fn record(&self, now: Instant, ended: Ended) {
        let (bucket, lap) = self.place(now.as_nanos() / self.bucket);
        // ORDERING: SeqCst here and in `tally`: of two failures that complete a threshold at once,
        // in two buckets, each writes its own and then reads the other's; at least one must see
        // both.
        let mut seen = bucket.load(Ordering::SeqCst);
        loop {
            let mut counts = Bucket::unpack(seen);
            // Of a lap before; or after, when the clock stepped back: what it says now counts.
            if counts.lap != lap {
                counts = Bucket::empty(lap);
            }
            let next = counts.and(ended).pack();
            match bucket.compare_exchange_weak(seen, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now_there) => seen = now_there,
            }
        }
    }

    /// The bucket and the lap of a stretch of time, numbered from the clock's origin.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below the number of buckets"
    )]
    fn place(&self, stretch: u64) -> (&AtomicU64, u64) {
        let buckets = BUCKETS as u64;
        let lap = (stretch / buckets) & LAP_MASK;
        (&self.buckets[(stretch % buckets) as usize], lap)
    }

    pub(super) fn tally(&self, now: Instant) -> Tally {
        let latest = now.as_nanos() / self.bucket;
        let earliest = latest.saturating_sub(BUCKETS as u64 - 1);
        let mut tally = Tally::default();
        for stretch in earliest..=latest {
            let (bucket, lap) = self.place(stretch);
            let counts = Bucket::unpack(bucket.load(Ordering::SeqCst));
            if counts.lap == lap {
                tally.calls += small(counts.calls);
                tally.failures += small(counts.failures);
                tally.slow += small(counts.slow);
            }
        }
        tally
    }

    pub(super) fn clear(&self) {
        for bucket in &self.buckets {
            bucket.store(0, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "of 12 bits")]
const fn small(count: u64) -> u32 {
    count as u32
}
