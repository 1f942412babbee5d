use super::limit_algorithm::{Bounds, check_smoothing, nanos, whole};
use super::{LimitAlgorithm, Outcome, Sample};
use crate::ConfigError;
use core::time::Duration;

/// The first samples of the long average are averaged plainly.
const WARMUP: u32 = 10;

/// No sample takes away more than half, lest one outlier sheds most of the load.
const LEAST_GRADIENT: f64 = 0.5;

/// Compares each rtt with a long running average of them, and shrinks as it exceeds that.
///
/// Netflix `Gradient2Limit`: `gradient = tolerance * long rtt / rtt`, between 0.5 and 1; the new
/// limit is `limit * gradient + queue_size`, smoothed. The room for a queue makes it grow while
/// nothing is wrong; it does not move while less than half of it is in use. It needs no least rtt,
/// so calls of very different lengths do not mislead it, but a load that rises slowly can become
/// its normal state: bound it by `max`. It moves with every call, so under many calls a round trip
/// wrap it in `Windowed` (with `alloc`). Constant time and space.
///
/// The long average is exponential over `long_window` samples. While it is more than twice an rtt,
/// each such sample lowers it by a twentieth, so that it soon forgets an overload that is over.
///
/// A dropped call counts as the steepest gradient and teaches nothing about rtts, since a refusal
/// is quick. (Netflix takes no notice of drops here.)
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::concurrency::{Gradient2, LimitAlgorithm, Outcome, Sample};
///
/// let mut gradient = Gradient2::builder().initial(100).smoothing(1.0).build()?;
/// let mut after = |millis| {
///     gradient.update(&Sample {
///         started: Instant::ORIGIN,
///         rtt: Duration::from_millis(millis),
///         in_flight: 100,
///         outcome: Outcome::Success,
///     })
/// };
/// assert_eq!(after(10), 104); // as ever: room for a queue of four
/// assert!(after(60) < 104); // far above the average
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gradient2 {
    config: Gradient2Builder,
    limit: f64,
    /// In nanoseconds, with the number of samples up to the end of the warm-up.
    long_rtt: f64,
    warmed: u32,
}

impl Gradient2 {
    /// Starts from the defaults, which are Netflix's apart from the minimum: initial 20, min 1,
    /// max 200, smoothing 0.2, queue size 4, tolerance 1.5, long window 600.
    pub fn builder() -> Gradient2Builder {
        Gradient2Builder {
            bounds: Bounds {
                initial: 20,
                min: 1,
                max: 200,
            },
            smoothing: 0.2,
            queue_size: 4,
            tolerance: 1.5,
            long_window: 600,
        }
    }

    /// The long average of rtts, to the nanosecond; zero before the first.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and saturates at 584 years"
    )]
    pub fn long_rtt(&self) -> Duration {
        Duration::from_nanos(self.long_rtt as u64)
    }

    /// The long average with this rtt in it.
    fn average(&mut self, rtt: f64) -> f64 {
        let weight = if self.warmed < WARMUP {
            self.warmed += 1;
            1.0 / f64::from(self.warmed)
        } else {
            2.0 / (f64::from(self.config.long_window) + 1.0)
        };
        let average = self.long_rtt + (rtt - self.long_rtt) * weight;
        let is_stale = average > 2.0 * rtt;
        self.long_rtt = if is_stale { average * 0.95 } else { average };
        average
    }
}

impl LimitAlgorithm for Gradient2 {
    fn update(&mut self, sample: &Sample) -> u32 {
        let gradient = match sample.outcome {
            Outcome::Dropped => LEAST_GRADIENT,
            Outcome::Success => {
                let rtt = nanos(sample.rtt);
                let long_rtt = self.average(rtt);
                if f64::from(sample.in_flight) * 2.0 < self.limit {
                    return self.limit();
                }
                (self.config.tolerance * long_rtt / rtt).clamp(LEAST_GRADIENT, 1.0)
            }
        };
        let queue = match sample.outcome {
            Outcome::Dropped => 0.0,
            Outcome::Success => f64::from(self.config.queue_size),
        };
        let moved = self.limit * gradient + queue;
        let smoothed = self.limit + (moved - self.limit) * self.config.smoothing;
        self.limit = self.config.bounds.clamp(smoothed);
        self.limit()
    }

    fn limit(&self) -> u32 {
        whole(self.limit)
    }
}

/// Configures [`Gradient2`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Gradient2Builder {
    bounds: Bounds,
    smoothing: f64,
    queue_size: u32,
    tolerance: f64,
    long_window: u32,
}

impl Gradient2Builder {
    /// The limit to begin with.
    pub fn initial(mut self, limit: u32) -> Self {
        self.bounds.initial = limit;
        self
    }

    /// The least limit.
    pub fn min(mut self, limit: u32) -> Self {
        self.bounds.min = limit;
        self
    }

    /// The greatest limit.
    pub fn max(mut self, limit: u32) -> Self {
        self.bounds.max = limit;
        self
    }

    /// The part of the way towards the new limit that is gone at once: above 0, at most 1.
    pub fn smoothing(mut self, part: f64) -> Self {
        self.smoothing = part;
        self
    }

    /// How many calls may queue at the other side; by so much the limit grows when all is well.
    pub fn queue_size(mut self, calls: u32) -> Self {
        self.queue_size = calls;
        self
    }

    /// How many times the long average an rtt may be before the limit shrinks: at least 1.
    pub fn tolerance(mut self, factor: f64) -> Self {
        self.tolerance = factor;
        self
    }

    /// Over how many samples the long average runs.
    pub fn long_window(mut self, samples: u32) -> Self {
        self.long_window = samples;
        self
    }

    /// The algorithm.
    ///
    /// # Errors
    ///
    /// When `min` or the long window is zero, not `min <= initial <= max`, `max` is above
    /// [`MAX_LIMIT`](super::MAX_LIMIT), or the smoothing or the tolerance is not in its range.
    pub fn build(self) -> Result<Gradient2, ConfigError> {
        let Bounds { initial, .. } = self.bounds.check()?;
        check_smoothing(self.smoothing)?;
        if !(1.0..f64::INFINITY).contains(&self.tolerance) {
            return Err(ConfigError::OutOfRange {
                field: "tolerance",
                expected: "finite and at least 1",
            });
        }
        if self.long_window == 0 {
            return Err(ConfigError::Zero {
                field: "long_window",
            });
        }
        Ok(Gradient2 {
            config: self,
            limit: initial.into(),
            long_rtt: 0.0,
            warmed: 0,
        })
    }
}
