//! Independent arrivals.

use core::time::Duration;

use purlin_core::random::Random;

use super::exponential::exponential;
use super::{Gaps, WorkloadError, require, seconds};

/// A Poisson process: what many independent clients send together. Gaps are exponential with mean 1
/// / rate. O(1) a gap.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_benches::workload::{Gaps, Poisson};
/// use purlin_core::random::SplitMix64;
///
/// let mut arrivals = Poisson::new(1_000.0, SplitMix64::new(1))?;
/// let total: Duration = (0..10_000).map(|_| arrivals.next_gap()).sum();
/// assert!((9..11).contains(&total.as_secs()));
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Poisson<R> {
    mean_gap: f64,
    random: R,
}

impl<R: Random> Poisson<R> {
    /// Arrivals at `rate` a second on average.
    ///
    /// # Errors
    ///
    /// When `rate` is not positive and finite.
    pub fn new(rate: f64, random: R) -> Result<Self, WorkloadError> {
        require(
            rate.is_finite() && rate > 0.0,
            "poisson",
            "rate",
            "positive and finite",
            rate,
        )?;
        Ok(Self {
            mean_gap: 1.0 / rate,
            random,
        })
    }
}

impl<R: Random> Gaps for Poisson<R> {
    fn next_gap(&mut self) -> Duration {
        seconds(exponential(self.mean_gap, &mut self.random))
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::{assert_close, moments};

    #[test]
    fn gaps_are_exponential() {
        let mut arrivals = Poisson::new(50.0, Xoshiro256PlusPlus::from_seed(3)).expect("in range");
        let gaps: Vec<f64> = (0..200_000)
            .map(|_| arrivals.next_gap().as_secs_f64())
            .collect();
        let (mean, variance) = moments(&gaps);
        assert_close("mean", mean, 0.02, 0.01);
        assert_close("variance", variance, 0.02 * 0.02, 0.03);
        for quantile in [0.1_f64, 0.5, 0.9, 0.99] {
            let theory = -(1.0 - quantile).ln() * 0.02;
            let below = gaps.iter().filter(|gap| **gap < theory).count() as f64 / gaps.len() as f64;
            assert!(
                (below - quantile).abs() < 0.005,
                "{below} below the {quantile} quantile"
            );
        }
    }

    #[test]
    fn a_rate_out_of_range_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                Poisson::new(rate, Xoshiro256PlusPlus::from_seed(1)).is_err(),
                "{rate}"
            );
        }
    }

    #[test]
    fn a_rate_near_zero_gives_the_longest_gap_not_a_panic() {
        let mut arrivals =
            Poisson::new(f64::MIN_POSITIVE, Xoshiro256PlusPlus::from_seed(1)).expect("positive");
        assert_eq!(arrivals.next_gap(), Duration::MAX);
    }
}
