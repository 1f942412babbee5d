use super::Random;
use super::split_mix::{GAMMA, SplitMix64};
use core::sync::atomic::{AtomicU64, Ordering};

/// A generator that many threads draw from through a shared reference.
///
/// One atomic addition steps a [`SplitMix64`] counter, so no word of the period is given out twice
/// and no thread waits for another. With one thread it gives exactly the stream of [`SplitMix64`]
/// with the same seed; with several, which thread gets which word of that stream is up to their
/// timing. Under heavy contention the counter's cache line is the limit: give each thread a
/// generator of its own where that matters.
///
/// ```
/// use purlin_core::random::{RandomExt, SharedRandom};
///
/// let random = SharedRandom::new(3);
/// let first = (&random).below(10); // `&SharedRandom` is a `Random`
/// assert!(first < 10);
/// ```
#[derive(Debug)]
pub struct SharedRandom(AtomicU64);

impl SharedRandom {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next word of the stream. Lock-free; any number of threads may call it at once.
    #[inline]
    pub fn next_u64(&self) -> u64 {
        // ORDERING: the words are independent of all other memory; only the addition's atomicity
        // matters.
        let counter = self.0.fetch_add(GAMMA, Ordering::Relaxed);
        SplitMix64::mix(counter.wrapping_add(GAMMA))
    }
}

impl Random for SharedRandom {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        Self::next_u64(self)
    }
}

impl Random for &SharedRandom {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        SharedRandom::next_u64(self)
    }
}
