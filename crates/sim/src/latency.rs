use core::time::Duration;
use purlin_core::random::{Random, RandomExt};

/// A distribution of durations: of a link's latency, a disk's write, a client's pause.
///
/// Sampling uses a software implementation of the logarithm and exponential, so that a seed gives
/// the same nanoseconds on every platform.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::random::SplitMix64;
/// use purlin_sim::Latency;
///
/// let lan = Latency::LogNormal { median: Duration::from_micros(200), p99: Duration::from_millis(2) };
/// let mut samples: Vec<_> = {
///     let mut random = SplitMix64::new(1);
///     (0..1_001).map(|_| lan.sample(&mut random)).collect()
/// };
/// samples.sort();
/// assert!(samples[500] > Duration::from_micros(170) && samples[500] < Duration::from_micros(230));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Anything from `min` to `max`, both included, equally likely.
    Uniform {
        /// The shortest.
        min: Duration,
        /// The longest; where it is below `min`, `min` is always drawn.
        max: Duration,
    },
    /// `min` and an exponentially distributed rest: memoryless, as Poisson arrivals are.
    Exponential {
        /// The shortest.
        min: Duration,
        /// The mean of what comes on top.
        mean: Duration,
    },
    /// Log-normal, the usual shape of service and network times: most are near the median, few are
    /// very long.
    LogNormal {
        /// Half of the samples are below.
        median: Duration,
        /// One in a hundred is above.
        p99: Duration,
    },
}

impl Latency {
    /// No time at all.
    pub const ZERO: Self = Self::Constant(Duration::ZERO);

    /// Draws a duration. A constant draws nothing from `random`.
    pub fn sample(&self, random: &mut impl Random) -> Duration {
        match *self {
            Self::Constant(duration) => duration,
            Self::Uniform { min, max } => {
                let span = nanos(max.saturating_sub(min)).saturating_add(1);
                min.saturating_add(Duration::from_nanos(random.below(span)))
            }
            Self::Exponential { min, mean } => {
                // 1 - f64() is in (0, 1], so the logarithm is finite.
                let rest = -libm::log(1.0 - random.f64()) * mean.as_secs_f64();
                min.saturating_add(seconds(rest))
            }
            Self::LogNormal { median, p99 } => {
                /// The standard normal distribution's 99th percentile.
                const Z99: f64 = 2.326_347_874_040_841;
                let median = median.as_secs_f64().max(1e-9);
                let sigma = libm::log(p99.as_secs_f64().max(median) / median) / Z99;
                seconds(median * libm::exp(sigma * standard_normal(random)))
            }
        }
    }
}

/// A standard normal variate, by Box and Muller's transform.
fn standard_normal(random: &mut impl Random) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - random.f64()));
    radius * libm::cos(core::f64::consts::TAU * random.f64())
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Latency;
    use core::time::Duration;
    use purlin_core::random::SplitMix64;

    fn sorted(latency: Latency) -> Vec<f64> {
        let mut random = SplitMix64::new(9);
        let mut samples: Vec<f64> = (0..100_000)
            .map(|_| latency.sample(&mut random).as_secs_f64())
            .collect();
        samples.sort_by(f64::total_cmp);
        samples
    }

    /// Each distribution has the quantiles its theory says, within 3 %.
    #[test]
    fn distributions_have_their_quantiles() {
        let ms = Duration::from_millis;
        let close = |actual: f64, expected: f64| (actual / expected - 1.0).abs() < 0.03;

        let uniform = sorted(Latency::Uniform {
            min: ms(10),
            max: ms(20),
        });
        assert!(
            close(uniform[0], 0.010)
                && close(uniform[50_000], 0.015)
                && close(uniform[99_999], 0.020)
        );

        let exponential = sorted(Latency::Exponential {
            min: ms(5),
            mean: ms(10),
        });
        assert!(close(exponential[50_000], 0.005 + 0.010 * 2_f64.ln()));
        assert!(close(exponential.iter().sum::<f64>() / 100_000.0, 0.015));

        let log_normal = sorted(Latency::LogNormal {
            median: ms(1),
            p99: ms(10),
        });
        assert!(close(log_normal[50_000], 0.001) && (0.009..0.011).contains(&log_normal[99_000]));
    }

    #[test]
    fn odd_parameters_are_harmless() {
        let mut random = SplitMix64::new(1);
        let inverted = Latency::Uniform {
            min: Duration::from_secs(2),
            max: Duration::from_secs(1),
        };
        assert_eq!(inverted.sample(&mut random), Duration::from_secs(2));
        let flat = Latency::LogNormal {
            median: Duration::from_secs(2),
            p99: Duration::ZERO,
        };
        assert!((flat.sample(&mut random).as_secs_f64() - 2.0).abs() < 1e-6);
        let endless = Latency::Exponential {
            min: Duration::MAX,
            mean: Duration::MAX,
        };
        assert_eq!(endless.sample(&mut random), Duration::MAX);
    }
}
