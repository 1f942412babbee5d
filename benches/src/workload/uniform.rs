//! Every key equally likely.

use purlin_core::random::{Random, RandomExt};

use super::{Keys, WorkloadError, require};

/// Independent keys, each of `0..items` equally likely: the worst case for a cache. O(1) a key.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, Uniform};
/// use purlin_core::random::SplitMix64;
///
/// let mut keys = Uniform::new(10, SplitMix64::new(1))?;
/// assert!(keys.take_keys(100).into_iter().all(|key| key < 10));
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Uniform<R> {
    items: u64,
    random: R,
}

impl<R: Random> Uniform<R> {
    /// Keys of `0..items`.
    ///
    /// # Errors
    ///
    /// When there are no items.
    pub fn new(items: u64, random: R) -> Result<Self, WorkloadError> {
        require(items > 0, "uniform", "items", "at least 1", items)?;
        Ok(Self { items, random })
    }
}

impl<R: Random> Keys for Uniform<R> {
    fn next_key(&mut self) -> u64 {
        self.random.below(self.items)
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::assert_fits;

    #[test]
    fn all_keys_are_equally_likely() {
        let mut keys = Uniform::new(97, Xoshiro256PlusPlus::from_seed(1)).expect("97 items");
        assert_fits(&keys.take_keys(97_000), |_| 1.0 / 97.0, 97);
    }

    #[test]
    fn nothing_to_choose_from_is_refused() {
        let error = Uniform::new(0, Xoshiro256PlusPlus::from_seed(1)).expect_err("no items");
        assert_eq!(
            error.to_string(),
            "uniform: items must be at least 1, not 0"
        );
    }
}
