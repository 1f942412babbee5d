//! Where policies take their randomness from.

use crate::sync::{AtomicU64, Ordering};
use core::hash::{BuildHasher as _, Hasher as _};
use purlin_core::random::SplitMix64;
use std::hash::RandomState;

/// A seed that differs from process to process, for those who do not give one: if all clients of a
/// service began alike, they would go on alike.
pub(crate) fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A counter on cache lines of its own: what is read beside it does not wait for those who count.
///
/// A clone goes on from where this one is.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn new(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    /// Answers the count and adds `by`, around the end.
    #[inline]
    pub(crate) fn next(&self, by: u64) -> u64 {
        // ORDERING: a number, on the strength of which no other memory is read.
        self.0.fetch_add(by, Ordering::Relaxed)
    }

    /// Goes on to `count`, unless it is there or beyond. Answers whether it was not: of those that
    /// would go to the same count, one is told so.
    pub(crate) fn reach(&self, count: u64) -> bool {
        // ORDERING: as above.
        self.0.fetch_max(count, Ordering::Relaxed) < count
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Counter {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

/// The odd constant nearest to 2^64 divided by the golden ratio: the step of SplitMix64, and of
/// sequences that fill an interval evenly.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Random words, as many threads at once draw them: SplitMix64 over a [`Counter`].
#[derive(Clone, Debug)]
pub(crate) struct Draws(Counter);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Counter::new(seed))
    }

    #[inline]
    pub(crate) fn next(&self) -> u64 {
        SplitMix64::mix(self.0.next(GOLDEN).wrapping_add(GOLDEN))
    }
}

/// A word taken for a fraction of 2^64, of `len`: from 0 to `len - 1`, each as likely but for
/// `len / 2^64`.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "below len, which is a usize"
)]
pub(crate) fn scaled(word: u64, len: usize) -> usize {
    ((u128::from(word) * len as u128) >> 64) as usize
}
