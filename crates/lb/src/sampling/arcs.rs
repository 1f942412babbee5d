//! A circle cut into arcs as long as the weights: whose arc a point lies on.

use super::draws::scaled;
use super::proportion::Whole;
use crate::pool::Pool;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// For each position of a pool an arc of the circle of all words, as long as its weight asks, one
/// after the other.
///
/// An [alias table](super::alias) answers a random word faster, but cuts each share into pieces. An
/// evenly spread sequence of points stays as close to its expectation in one arc as it can, and is
/// off by more the more pieces there are.
///
/// The method of guide tables (Chen and Asau, 1974; Devroye, "Non-uniform random variate
/// generation", 1986, III.2.4): the circle is cut into as many equal parts as there are positions
/// as well, and each part knows the first arc that reaches into it. From there on it is less than
/// one step on average to the arc in question. 12 bytes an endpoint; none where all weights are
/// equal. A clone shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arcs {
    len: usize,
    /// None where all weights are equal.
    guide: Arc<[u32]>,
    /// The last word of each arc; the last of all is `u64::MAX`.
    lasts: Arc<[u64]>,
}

impl Arcs {
    /// By the weights of a pool, whether its endpoints are open or not. O(endpoints).
    pub(crate) fn of(pool: Pool<'_>) -> Self {
        let weights = (0..pool.len()).map(|position| pool.weight(position).get());
        Self::new(&weights.collect::<Vec<_>>())
    }

    /// The position on whose arc the word lies; 0 if there are none. O(1) on average over all words;
    /// a word on the part of the circle that many short arcs crowd takes longer.
    #[inline]
    pub(crate) fn at(&self, word: u64) -> usize {
        let part = scaled(word, self.len);
        let Some(first) = self.guide.get(part) else {
            return part;
        };
        let mut position = *first as usize;
        while self.lasts[position] < word {
            position += 1;
        }
        position
    }

    fn new(weights: &[u32]) -> Self {
        let len = weights.len();
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let (guide, lasts) = match Whole::new(total) {
            Some(total_of) if !equal => filled(weights, total, total_of),
            _ => (Vec::new(), Vec::new()),
        };
        Self {
            len,
            guide: guide.into(),
            lasts: lasts.into(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "positions have 32 bits")]
fn filled(weights: &[u32], total: u64, total_of: Whole) -> (Vec<u32>, Vec<u64>) {
    let mut guide = Vec::with_capacity(weights.len());
    let mut lasts = Vec::with_capacity(weights.len());
    let mut sum = 0;
    for (position, weight) in weights.iter().enumerate() {
        sum += u64::from(*weight);
        let last = match sum {
            // Of weight 0 and the first: a single word, for there is none before.
            0 => 0,
            _ if sum == total => u64::MAX,
            _ => total_of.fraction(sum).saturating_sub(1),
        };
        lasts.push(last);
        if *weight > 0 {
            // All parts that begin on this arc or before.
            guide.resize(scaled(last, weights.len()) + 1, position as u32);
        }
    }
    (guide, lasts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_tables_for_equal_weights() {
        for weights in [&[][..], &[7], &[3, 3, 3], &[0, 0], &[u32::MAX; 5]] {
            let arcs = Arcs::new(weights);
            assert!(
                arcs.guide.is_empty() && arcs.lasts.is_empty(),
                "{weights:?}"
            );
            assert_eq!(arcs.at(0), 0);
            assert_eq!(arcs.at(u64::MAX), weights.len().saturating_sub(1));
        }
    }

    #[test]
    fn nobody_of_weight_0_has_an_arc() {
        let arcs = Arcs::new(&[0, 1, 0, 3, 0]);
        let words = [0, u64::MAX / 4 - 9, u64::MAX / 4 + 9, u64::MAX];
        assert_eq!(words.map(|word| arcs.at(word)), [1, 1, 3, 3]);
    }

    proptest! {
        /// By adding up weights until the word, taken for a part of their sum, is passed.
        #[test]
        fn a_word_lies_where_the_sum_of_weights_passes_it(
            weights in proptest::collection::vec(prop_oneof![
                0_u32..4, 0_u32..1_000, Just(u32::MAX), any::<u32>(),
            ], 1..80),
            words in proptest::collection::vec(any::<u64>(), 1..50),
        ) {
            let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            let arcs = Arcs::new(&weights);
            for word in words.into_iter().filter(|_| total > 0) {
                let reached = u128::from(word) * u128::from(total);
                let mut sum = 0;
                let position = weights.iter().position(|weight| {
                    sum += u128::from(*weight);
                    sum << 64 > reached
                });
                // An end may be off by 2^-62 of the circle.
                let close = (sum << 64) - reached < u128::from(total) << 3;
                prop_assert!(Some(arcs.at(word)) == position || close);
            }
        }
    }
}
