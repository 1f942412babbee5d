use super::Random;

/// The increment: 2^64 divided by the golden ratio, made odd.
pub(super) const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64: a counter through a mixing function.
///
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, in Vigna's
/// form with the constants of Stafford's variant 13. The period is 2^64 and each word appears
/// exactly once in it, so it is the usual way to spread a 64-bit seed over a larger state; long
/// simulations are better served by [`Xoshiro256PlusPlus`](super::Xoshiro256PlusPlus).
///
/// ```
/// use purlin_core::random::{Random, SplitMix64};
///
/// let mut seeds = SplitMix64::new(42);
/// assert_ne!(seeds.next_u64(), seeds.next_u64());
/// assert_eq!(SplitMix64::new(42).next_u64(), SplitMix64::new(42).next_u64());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of this seed. Every seed is as good as any other.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The mixing function alone: a fixed bijection of 64-bit words in which every input bit
    /// affects every output bit.
    ///
    /// Use it to derive independent seeds from structured numbers: `mix(seed ^ node)`.
    #[must_use]
    #[inline]
    pub const fn mix(word: u64) -> u64 {
        let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

impl Random for SplitMix64 {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        Self::mix(self.0)
    }
}
