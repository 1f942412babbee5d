//! Keys by how lately they were asked for.

use purlin_core::random::Random;

use super::{Keys, WorkloadError, Zipf};

/// Asks for the key that is at some depth of the LRU stack: the one asked for so many other keys ago. Depths follow
/// [`Zipf`]'s law.
///
/// In the long run every key is asked for equally often, so that there is no popularity to learn, and recency is
/// all: among caches that do not know the future, LRU hits most often, and its hit ratio is known beforehand, the
/// chance of a depth below its capacity. Whoever gives recency up for frequency shows it here.
/// R. L. Mattson et al.: "Evaluation techniques for storage hierarchies", IBM Systems Journal 1970 (stack distances).
///
/// O(depth) a key, in one move of memory; 8 bytes an item.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, StackDistance};
/// use purlin_core::random::SplitMix64;
///
/// let mut keys = StackDistance::new(1_000, 1.0, SplitMix64::new(1))?.take_keys(10_000);
/// keys.dedup(); // the most frequent depth is that of the key itself
/// assert!(keys.len() < 9_000);
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StackDistance<R> {
    depths: Zipf<R>,
    /// The latest first.
    stack: Vec<u64>,
}

impl<R: Random> StackDistance<R> {
    /// Keys of `0..items`. In the beginning the lowest is the latest.
    ///
    /// # Errors
    ///
    /// As [`Zipf::new`].
    pub fn new(items: u64, exponent: f64, random: R) -> Result<Self, WorkloadError> {
        Ok(Self {
            depths: Zipf::new(items, exponent, random)?,
            stack: (0..items).collect(),
        })
    }
}

impl<R: Random> Keys for StackDistance<R> {
    fn next_key(&mut self) -> u64 {
        let depth = usize::try_from(self.depths.next_key()).unwrap_or(usize::MAX); // below the length
        self.stack[..=depth].rotate_right(1);
        self.stack[0]
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::assert_fits;

    /// The depths are found again by searching for the latest request of each key.
    #[test]
    fn depths_follow_the_law() {
        const ITEMS: u64 = 20;
        let random = Xoshiro256PlusPlus::from_seed(1);
        let keys = StackDistance::new(ITEMS, 0.8, random)
            .expect("in range")
            .take_keys(30_000);
        let depths: Vec<u64> = (1_000..keys.len())
            .map(|at| {
                let since = keys[..at].iter().rev().take_while(|key| **key != keys[at]);
                let mut between: Vec<u64> = since.copied().collect();
                between.sort_unstable();
                between.dedup();
                between.len() as u64
            })
            .collect();
        let weight = |depth: u64| (depth as f64 + 1.0).powf(-0.8);
        let sum: f64 = (0..ITEMS).map(weight).sum();
        assert_fits(&depths, |depth| weight(depth) / sum, ITEMS);
    }

    #[test]
    fn nothing_to_choose_from_is_refused() {
        assert!(StackDistance::new(0, 1.0, Xoshiro256PlusPlus::from_seed(1)).is_err());
    }
}
