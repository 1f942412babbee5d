//! Service times with a long tail.

use core::f64::consts::TAU;
use core::time::Duration;

use purlin_core::random::{Random, RandomExt};

use super::{ServiceTimes, WorkloadError, require, seconds};

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// Log-normal service times: the logarithm is normal with standard deviation `sigma`, so that most
/// requests take about the median and a few very much longer.
///
/// With median m: mean = m e^(sigma^2 / 2), 99th percentile = m e^(2.326 sigma). Sigma 0.5 gives
/// p99 = 3.2 medians, sigma 1 gives 10. Normals come from Box and Muller's transform ("A note on
/// the generation of random normal deviates", 1958). O(1) a time.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_benches::workload::{LogNormal, ServiceTimes};
/// use purlin_core::random::SplitMix64;
///
/// let (median, p99) = (Duration::from_millis(10), Duration::from_millis(100));
/// let mut service = LogNormal::from_median_p99(median, p99, SplitMix64::new(1))?;
/// let mut times: Vec<_> = (0..10_001).map(|_| service.next_service_time()).collect();
/// times.sort();
/// assert!((9..11).contains(&times[5_000].as_millis()));
/// assert!((85..115).contains(&times[9_900].as_millis()));
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogNormal<R> {
    median: f64,
    sigma: f64,
    random: R,
}

impl<R: Random> LogNormal<R> {
    /// Times with this median and this standard deviation of their logarithm; 0 makes them all
    /// equal.
    ///
    /// # Errors
    ///
    /// When `median` is 0, or `sigma` negative or not finite.
    pub fn new(median: Duration, sigma: f64, random: R) -> Result<Self, WorkloadError> {
        require(
            median > Duration::ZERO,
            "log-normal",
            "median",
            "longer than 0",
            0,
        )?;
        require(
            sigma.is_finite() && sigma >= 0.0,
            "log-normal",
            "sigma",
            "at least 0 and finite",
            sigma,
        )?;
        Ok(Self {
            median: median.as_secs_f64(),
            sigma,
            random,
        })
    }

    /// Times with this median and 99th percentile.
    ///
    /// # Errors
    ///
    /// When `median` is 0 or `p99` below it.
    pub fn from_median_p99(
        median: Duration,
        p99: Duration,
        random: R,
    ) -> Result<Self, WorkloadError> {
        require(
            p99 >= median,
            "log-normal",
            "p99",
            "at least the median",
            p99.as_secs_f64(),
        )?;
        require(
            median > Duration::ZERO,
            "log-normal",
            "median",
            "longer than 0",
            0,
        )?;
        Self::new(
            median,
            libm::log(p99.as_secs_f64() / median.as_secs_f64()) / Z_99,
            random,
        )
    }

    /// Times with this mean and 99th percentile. Two distributions have them where any has; the one
    /// with the smaller sigma is taken.
    ///
    /// # Errors
    ///
    /// When `mean` is 0, or `p99` is below it or over e^(2.326^2 / 2) = 14.96 times as long: no
    /// log-normal distribution has such a tail.
    pub fn from_mean_p99(mean: Duration, p99: Duration, random: R) -> Result<Self, WorkloadError> {
        require(
            mean > Duration::ZERO,
            "log-normal",
            "mean",
            "longer than 0",
            0,
        )?;
        let log_ratio = libm::log(p99.as_secs_f64() / mean.as_secs_f64());
        let possible = (0.0..=Z_99 * Z_99 / 2.0).contains(&log_ratio);
        require(
            possible,
            "log-normal",
            "p99",
            "from 1 to 14.96 means",
            p99.as_secs_f64(),
        )?;
        // ln(p99 / mean) = z sigma - sigma^2 / 2
        let sigma = Z_99 - (Z_99 * Z_99 - 2.0 * log_ratio).sqrt();
        let median = mean.as_secs_f64() * libm::exp(-sigma * sigma / 2.0);
        Ok(Self {
            median,
            sigma,
            random,
        })
    }

    /// The mean time.
    #[must_use]
    pub fn mean(&self) -> Duration {
        seconds(self.median * libm::exp(self.sigma * self.sigma / 2.0))
    }
}

impl<R: Random> ServiceTimes for LogNormal<R> {
    fn next_service_time(&mut self) -> Duration {
        // f64() is below 1, so that the logarithm is finite.
        let radius = (-2.0 * libm::log1p(-self.random.f64())).sqrt();
        let normal = radius * libm::cos(TAU * self.random.f64());
        seconds(self.median * libm::exp(self.sigma * normal))
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::{assert_close, moments};

    fn random() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::from_seed(13)
    }

    fn times(mut service: LogNormal<Xoshiro256PlusPlus>) -> Vec<f64> {
        let mut times: Vec<f64> = (0..200_000)
            .map(|_| service.next_service_time().as_secs_f64())
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        times
    }

    #[test]
    fn logarithms_are_normal() {
        let times =
            times(LogNormal::new(Duration::from_millis(20), 0.8, random()).expect("in range"));
        let logs: Vec<f64> = times.iter().map(|time| (time / 0.02).ln()).collect();
        let (mean, variance) = moments(&logs);
        assert!(mean.abs() < 0.01, "{mean}");
        assert_close("variance", variance, 0.64, 0.02);
        // Published quantiles of the standard normal distribution.
        for (quantile, z) in [
            (0.025, -1.959_964),
            (0.25, -0.674_490),
            (0.8413, 1.0),
            (0.975, 1.959_964),
            (0.999, 3.090_232),
        ] {
            let below = logs.partition_point(|log| *log < 0.8 * z) as f64 / logs.len() as f64;
            assert!(
                (below - quantile).abs() < 0.004,
                "{below} below the {quantile} quantile"
            );
        }
    }

    #[test]
    fn percentiles_and_means_come_out_as_asked() {
        let (median, mean, p99) = (
            Duration::from_millis(10),
            Duration::from_millis(20),
            Duration::from_millis(100),
        );
        let sorted = times(LogNormal::from_median_p99(median, p99, random()).expect("possible"));
        assert_close("median", sorted[100_000], 0.010, 0.02);
        assert_close("p99", sorted[198_000], 0.100, 0.03);
        let service = LogNormal::from_mean_p99(mean, p99, random()).expect("possible");
        assert_close("mean in theory", service.mean().as_secs_f64(), 0.020, 1e-6);
        let sorted = times(service);
        assert_close("mean", sorted.iter().sum::<f64>() / 200_000.0, 0.020, 0.01);
        assert_close("p99", sorted[198_000], 0.100, 0.03);
    }

    #[test]
    fn impossible_tails_are_refused() {
        let millis = Duration::from_millis;
        assert!(
            LogNormal::from_mean_p99(millis(10), millis(150), random()).is_err(),
            "15 means"
        );
        assert!(LogNormal::from_mean_p99(millis(10), millis(149), random()).is_ok());
        assert!(LogNormal::from_mean_p99(millis(10), millis(9), random()).is_err());
        assert!(LogNormal::from_median_p99(millis(10), millis(9), random()).is_err());
        assert!(LogNormal::from_median_p99(Duration::ZERO, millis(9), random()).is_err());
        assert!(LogNormal::new(millis(1), -1.0, random()).is_err());
    }

    #[test]
    fn a_huge_sigma_saturates() {
        let mut service = LogNormal::new(Duration::MAX, 1e300, random()).expect("in range");
        assert!((0..20).any(|_| service.next_service_time() == Duration::MAX));
    }
}
