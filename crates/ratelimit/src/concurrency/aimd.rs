use super::limit_algorithm::{Bounds, whole};
use super::{LimitAlgorithm, Outcome, Sample};
use crate::ConfigError;
use core::time::Duration;
use purlin_core::time::Instant;

/// Additive increase, multiplicative decrease: one more after a success, a tenth less after a drop.
///
/// The rule of TCP congestion avoidance (Chiu and Jain, "Analysis of the Increase and Decrease
/// Algorithms for Congestion Avoidance", 1989), with the details of Netflix `AIMDLimit`: a call
/// slower than the timeout counts as a drop, and the limit grows only when at least half of it was
/// in use. Constant time and space.
///
/// One overload drops many calls at once. As in TCP, and unlike Netflix's, those that were admitted
/// before the last decrease do not decrease the limit again.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::concurrency::{Aimd, LimitAlgorithm, Outcome, Sample};
///
/// let mut aimd = Aimd::builder().initial(20).backoff(0.5).build()?;
/// let mut sample = Sample {
///     started: Instant::ORIGIN,
///     rtt: Duration::from_millis(5),
///     in_flight: 20,
///     outcome: Outcome::Success,
/// };
/// assert_eq!(aimd.update(&sample), 21);
/// sample.outcome = Outcome::Dropped;
/// assert_eq!(aimd.update(&sample), 10);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Aimd {
    config: AimdBuilder,
    limit: u32,
    /// When the limit was last decreased.
    decreased: Instant,
}

impl Aimd {
    /// Starts from the defaults, which are Netflix's apart from the minimum: initial 20, min 1,
    /// max 200, backoff 0.9, timeout 5 s.
    pub fn builder() -> AimdBuilder {
        AimdBuilder {
            bounds: Bounds {
                initial: 20,
                min: 1,
                max: 200,
            },
            backoff: 0.9,
            timeout: Duration::from_secs(5),
        }
    }
}

impl LimitAlgorithm for Aimd {
    fn update(&mut self, sample: &Sample) -> u32 {
        let Bounds { min, max, .. } = self.config.bounds;
        let limit = self.limit;
        let dropped = sample.outcome == Outcome::Dropped || sample.rtt > self.config.timeout;
        let ended = sample.started + sample.rtt;
        // One that ended before is from a clock that stepped back.
        let is_stale = sample.started < self.decreased && self.decreased <= ended;
        let moved = if dropped && is_stale {
            limit
        } else if dropped {
            self.decreased = ended;
            whole(f64::from(limit) * self.config.backoff)
        } else if sample.in_flight >= limit.div_ceil(2) {
            limit + 1
        } else {
            limit
        };
        self.limit = moved.clamp(min, max);
        self.limit
    }

    fn limit(&self) -> u32 {
        self.limit
    }
}

/// Configures [`Aimd`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AimdBuilder {
    bounds: Bounds,
    backoff: f64,
    timeout: Duration,
}

impl AimdBuilder {
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

    /// What a drop multiplies the limit by, rounded down: from 0.5 to below 1.
    pub fn backoff(mut self, ratio: f64) -> Self {
        self.backoff = ratio;
        self
    }

    /// An rtt above this is a drop.
    pub fn timeout(mut self, rtt: Duration) -> Self {
        self.timeout = rtt;
        self
    }

    /// The algorithm.
    ///
    /// # Errors
    ///
    /// When `min` or the timeout is zero, not `min <= initial <= max`, `max` is above
    /// [`MAX_LIMIT`](super::MAX_LIMIT), or the backoff is not in its range.
    pub fn build(self) -> Result<Aimd, ConfigError> {
        let Bounds { initial, .. } = self.bounds.check()?;
        if !(0.5..1.0).contains(&self.backoff) {
            return Err(ConfigError::OutOfRange {
                field: "backoff",
                expected: "at least 0.5 and below 1",
            });
        }
        if self.timeout.is_zero() {
            return Err(ConfigError::Zero { field: "timeout" });
        }
        Ok(Aimd {
            config: self,
            limit: initial,
            decreased: Instant::ORIGIN,
        })
    }
}
