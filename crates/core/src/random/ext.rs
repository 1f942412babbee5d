use super::Random;

/// What one does with random words. Every [`Random`] has it.
pub trait RandomExt: Random {
    /// A uniform integer in `0..bound`; 0 when `bound` is 0.
    ///
    /// Exactly uniform: Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019.
    /// One multiplication as a rule; a division only with probability `bound / 2^64`.
    ///
    /// ```
    /// use purlin_core::random::{RandomExt, SplitMix64};
    ///
    /// let mut random = SplitMix64::new(0);
    /// assert!((0..1_000).all(|_| random.below(3) < 3));
    /// ```
    #[inline]
    fn below(&mut self, bound: u64) -> u64 {
        let (mut high, mut low) = widening_mul(self.next_u64(), bound);
        if low < bound {
            // Only now is the division for the exact threshold, 2^64 mod bound, worth its price.
            let threshold = bound.wrapping_neg() % bound;
            while low < threshold {
                (high, low) = widening_mul(self.next_u64(), bound);
            }
        }
        high
    }

    /// A uniform number in `[0, 1)`: one of the 2^53 multiples of 2^-53.
    ///
    /// ```
    /// use purlin_core::random::{RandomExt, SplitMix64};
    ///
    /// let mut random = SplitMix64::new(0);
    /// let mean = (0..10_000).map(|_| random.f64()).sum::<f64>() / 10_000.0;
    /// assert!((0.48..0.52).contains(&mean));
    /// ```
    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits fit the mantissa exactly"
    )]
    fn f64(&mut self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * UNIT
    }

    /// Puts the items into a uniformly random order (Fisher and Yates, in Durstenfeld's form).
    /// O(n).
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, index_below(self, last + 1));
        }
    }

    /// Fills `out` with distinct indices from `0..population`, every ordered choice equally likely,
    /// and answers how many it wrote: `out.len()`, or `population` where that is smaller.
    ///
    /// No allocation. For k indices of n: Floyd's algorithm (Bentley and Floyd, CACM 1987), O(k^2)
    /// time, where k^2 <= n; above that selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm
    /// S), O(n).
    ///
    /// ```
    /// use purlin_core::random::{RandomExt, SplitMix64};
    ///
    /// let mut two = [0; 2];
    /// assert_eq!(SplitMix64::new(1).sample(10, &mut two), 2);
    /// assert_ne!(two[0], two[1]);
    /// assert_eq!(SplitMix64::new(1).sample(1, &mut two), 1);
    /// ```
    fn sample(&mut self, population: usize, out: &mut [usize]) -> usize {
        let count = out.len().min(population);
        let out = &mut out[..count];
        if count.saturating_mul(count) <= population {
            for taken in 0..count {
                let last = population - count + taken;
                let candidate = index_below(self, last + 1);
                let repeated = out[..taken].contains(&candidate);
                out[taken] = if repeated { last } else { candidate };
            }
        } else {
            let mut taken = 0;
            for index in 0..population {
                if index_below(self, population - index) < count - taken {
                    out[taken] = index;
                    taken += 1;
                }
            }
        }
        self.shuffle(out);
        count
    }
}

impl<R: Random + ?Sized> RandomExt for R {}

/// The high and the low word of a product.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "splitting a product in two halves is the point"
)]
fn widening_mul(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the result is below a usize"
)]
fn index_below<R: RandomExt + ?Sized>(random: &mut R, bound: usize) -> usize {
    random.below(bound as u64) as usize
}
