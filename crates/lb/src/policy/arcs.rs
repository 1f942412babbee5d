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
pub(super) struct Arcs {
    len: usize,
    /// None where all weights are equal.
    guide: Arc<[u32]>,
    /// The last word of each arc; the last of all is `u64::MAX`.
    lasts: Arc<[u64]>,
}

impl Arcs {
    /// By the weights of a pool, whether its endpoints are open or not. O(endpoints).
    pub(super) fn of(pool: Pool<'_>) -> Self {
        let weights = (0..pool.len()).map(|position| pool.weight(position).get());
        Self::new(&weights.collect::<Vec<_>>())
    }

    /// The position on whose arc the word lies; 0 if there are none. O(1) on average over all words;
    /// a word on the part of the circle that many short arcs crowd takes longer.
    #[inline]
    pub(super) fn at(&self, word: u64) -> usize {
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
