use super::guarded::Guarded;
use crate::primitives::RwLock;
use crate::shard::Shard;
use crate::stats::Stats;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

/// Entries that a shard should hold at least: policies need some to tell the good from the bad, and
/// shares of the keys are uneven where they are small.
const LEAST_ENTRIES: u64 = 512;
/// Shards that serve any number of threads well.
const USUAL_SHARDS: u64 = 64;
/// Entries beyond which a shard's arrays take long to grow.
const MANY_ENTRIES: u64 = 1 << 16;
const MOST_SHARDS: u64 = 1024;

/// What a key's hash chooses among: the engines, each behind its lock and on its own cache lines.
#[derive(Debug)]
pub(super) struct Shards<K, V, P> {
    all: Box<[Padded<K, V, P>]>,
    /// The upper bits of a hash choose; so many are left of the choice.
    shift: u32,
    weighted: bool,
}

// Not of a size that is a power of two: the lines that all lookups need would have the same few places in the cache.
#[derive(Debug)]
#[repr(C, align(128))]
struct Padded<K, V, P> {
    lock: RwLock<Guarded<K, V, P>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<K, V, P> Shards<K, V, P> {
    pub(super) fn new(
        capacity: u64,
        wanted: Option<usize>,
        weighted: bool,
        make: impl Fn(usize) -> Shard<K, V, P>,
    ) -> Self {
        let count = count(capacity, wanted);
        let expected = expected(capacity, count, weighted);
        Self {
            all: (0..count)
                .map(|_| Padded {
                    lock: RwLock::new(Guarded::new(make(expected))),
                    hits: AtomicU64::new(0),
                    misses: AtomicU64::new(0),
                })
                .collect(),
            shift: 63 - count.trailing_zeros(),
            weighted,
        }
    }

    /// Entries that a shard is laid out for in a cache of this capacity.
    pub(super) fn expected(&self, capacity: u64) -> usize {
        expected(capacity, self.all.len(), self.weighted)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// The part of each shard, if there is so much for all.
    pub(super) fn share(&self, capacity: u64) -> u64 {
        capacity >> self.all.len().trailing_zeros()
    }

    /// Which shard a key with this hash is in.
    #[inline]
    pub(super) fn home(&self, hash: u64) -> usize {
        // Shifted by one less than wanted and once more: a shift by 64 would be one by none.
        (hash >> self.shift >> 1) as usize
    }

    #[inline]
    pub(super) fn lock(&self, at: usize) -> &RwLock<Guarded<K, V, P>> {
        &self.all[at].lock
    }

    pub(super) fn count_lookup(&self, hash: u64, hit: bool) {
        let shard = &self.all[self.home(hash)];
        let counter = if hit { &shard.hits } else { &shard.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Hits and misses of all shards.
    pub(super) fn lookups(&self) -> Stats {
        let mut stats = Stats::default();
        for shard in &self.all {
            stats.hits += shard.hits.load(Ordering::Relaxed);
            stats.misses += shard.misses.load(Ordering::Relaxed);
        }
        stats
    }
}

/// A power of two.
fn count(capacity: u64, wanted: Option<usize>) -> usize {
    let wanted = wanted.map_or_else(
        || {
            (capacity / LEAST_ENTRIES)
                .min(USUAL_SHARDS)
                .max(capacity / MANY_ENTRIES)
        },
        |wanted| wanted as u64,
    );
    let count = wanted.clamp(1, MOST_SHARDS);
    // Down to a power of two, or a shard would be smaller than it should be.
    1 << (63 - count.leading_zeros())
}

/// The share of a shard, and room for the chance that more keys fall to it (four standard deviations). How many entries
/// with weights there will be, nobody knows.
fn expected(capacity: u64, count: usize, weighted: bool) -> usize {
    let share = usize::try_from(capacity / count as u64).unwrap_or(usize::MAX / 2);
    if weighted {
        share.min(64)
    } else if count == 1 {
        share
    } else {
        share + share.isqrt() * 4
    }
}
