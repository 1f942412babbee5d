use super::limit_algorithm::{Bounds, check_smoothing, nanos, whole};
use super::{LimitAlgorithm, Outcome, Sample};
use crate::ConfigError;
use core::time::Duration;
use purlin_core::time::Instant;

/// The most samples in a probe, in multiples of the limit.
const PROBE_ROUNDS: f64 = 4.0;

/// Finds the limit at which calls just begin to queue.
///
/// TCP Vegas (Brakmo and Peterson, 1995) as Netflix `VegasLimit` applies it to calls. Of `limit`
/// calls, `limit * (1 - no-load rtt / rtt)` are estimated to wait in the other side's queue. With
/// `step = max(1, floor(log10 limit))`, the limit grows by `beta * step` while at most `step`
/// queue, by `step` while fewer than `alpha * step` do, and shrinks by `step` when more than
/// `beta * step` do, or on a drop. It does not grow while less than half of it is in use. Constant
/// time and space.
///
/// # Once a round trip
///
/// As in TCP, and unlike Netflix's, calls that were admitted before the last move do not move the
/// limit again unless they were dropped: they say nothing about what that did. Moving with every
/// call, as many times a round trip as the limit is high, it would swing from one end to the other.
///
/// # The no-load rtt
///
/// It is the least rtt seen since it was last measured anew. That happens after every
/// `probe_multiplier * limit` samples, so that it follows a server that became slower for good: the
/// limit is halved for three rtts, so that queues can drain, and the least rtt meanwhile is taken.
/// Netflix takes whatever sample comes next, at the full limit; under steady load that is one which
/// has queued, and each measurement lets the limit drift further upwards (its issues 37 and 165).
/// Where you know what a call takes at rest, [`max_rtt_noload`](VegasBuilder::max_rtt_noload) is a
/// bound to this estimate.
///
/// Dropped calls lower the limit and teach nothing about rtts, since a refusal is quick; in Netflix
/// a quick drop becomes the no-load rtt.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::concurrency::{LimitAlgorithm, Outcome, Sample, Vegas};
///
/// let mut vegas = Vegas::builder().initial(10).build()?;
/// let mut now = Instant::ORIGIN;
/// let mut after = |millis| {
///     let (started, rtt) = (now, Duration::from_millis(millis));
///     now += rtt;
///     vegas.update(&Sample {
///         started,
///         rtt,
///         in_flight: 10,
///         outcome: Outcome::Success,
///     })
/// };
/// assert_eq!(after(10), 10); // the first sample is the no-load rtt
/// assert_eq!(after(10), 16); // nothing queues
/// assert_eq!(after(50), 15); // four fifths queue
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vegas {
    config: VegasBuilder,
    limit: f64,
    /// When the limit last moved.
    moved: Instant,
    rtt_noload: Option<Duration>,
    /// Successes since the no-load rtt was measured anew, or since the probe for it began.
    samples: u64,
    probe: Option<Probe>,
}

/// The no-load rtt is being measured anew, at half the limit.
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// Ends with the first call that is admitted then: those that queued before are through, and
    /// about a round of others.
    until: Instant,
    min_rtt: Duration,
}

impl Vegas {
    /// Starts from the defaults, which are Netflix's: initial 20, min 1, max 1000, alpha 3, beta 6,
    /// smoothing 1, probe multiplier 30.
    pub fn builder() -> VegasBuilder {
        VegasBuilder {
            bounds: Bounds {
                initial: 20,
                min: 1,
                max: 1000,
            },
            alpha: 3,
            beta: 6,
            smoothing: 1.0,
            probe_multiplier: 30,
            max_rtt_noload: Duration::MAX,
        }
    }

    /// What a call is believed to take when nothing queues, `None` before the first success.
    #[must_use]
    pub fn rtt_noload(&self) -> Option<Duration> {
        self.rtt_noload
    }

    /// Takes an rtt into account; whether it served to find the no-load rtt, in which case it
    /// cannot also be compared with it.
    fn measure(&mut self, sample: &Sample) -> bool {
        let rtt = sample.rtt.min(self.config.max_rtt_noload);
        self.samples += 1;
        let rounds = self.samples as f64 / self.limit;
        if let Some(probe) = &mut self.probe {
            probe.min_rtt = probe.min_rtt.min(rtt);
            // By count too, should the clock have stepped back.
            if sample.started >= probe.until || rounds >= PROBE_ROUNDS {
                self.rtt_noload = Some(probe.min_rtt);
                self.probe = None;
                self.samples = 0;
                self.moved = sample.started + sample.rtt;
            }
            return true;
        }
        if rounds >= f64::from(self.config.probe_multiplier) {
            self.probe = Some(Probe {
                until: sample.started + sample.rtt.saturating_mul(3),
                min_rtt: rtt,
            });
            self.samples = 0;
            return true;
        }
        let is_least = self.rtt_noload.is_none_or(|least| rtt < least);
        if is_least {
            self.rtt_noload = Some(rtt);
        }
        is_least
    }

    /// Whether the limit moved while the call was in flight. A call that ended before is from a
    /// clock that stepped back.
    fn is_stale(&self, sample: &Sample) -> bool {
        sample.started < self.moved && self.moved <= sample.started + sample.rtt
    }

    /// How much the limit should move, given a success.
    fn step(&self, sample: &Sample) -> f64 {
        let Some(rtt_noload) = self.rtt_noload else {
            return 0.0;
        };
        if f64::from(sample.in_flight) * 2.0 < self.limit {
            return 0.0;
        }
        let step = log10_root(self.limit);
        let (alpha, beta) = (
            f64::from(self.config.alpha) * step,
            f64::from(self.config.beta) * step,
        );
        // Netflix rounds it up and compares whole numbers: below alpha is at most alpha - 1.
        let queued = self.limit * (1.0 - nanos(rtt_noload) / nanos(sample.rtt));
        if queued <= step {
            beta
        } else if queued <= alpha - 1.0 {
            step
        } else if queued > beta {
            -step
        } else {
            0.0
        }
    }
}

impl LimitAlgorithm for Vegas {
    fn update(&mut self, sample: &Sample) -> u32 {
        let step = match sample.outcome {
            Outcome::Dropped => -log10_root(self.limit),
            Outcome::Success if self.measure(sample) || self.is_stale(sample) => 0.0,
            Outcome::Success => self.step(sample),
        };
        if step != 0.0 {
            let moved = self.config.bounds.clamp(self.limit + step);
            self.limit += (moved - self.limit) * self.config.smoothing;
            self.moved = sample.started + sample.rtt;
        }
        self.limit()
    }

    fn limit(&self) -> u32 {
        match self.probe {
            Some(_) => whole(self.limit / 2.0).max(self.config.bounds.min),
            None => whole(self.limit),
        }
    }
}

/// The logarithm to base 10, rounded down, at least one.
fn log10_root(limit: f64) -> f64 {
    f64::from(whole(limit).max(10).ilog10())
}

/// Configures [`Vegas`].
#[derive(Clone, Debug)]
#[must_use]
pub struct VegasBuilder {
    bounds: Bounds,
    alpha: u32,
    beta: u32,
    smoothing: f64,
    probe_multiplier: u32,
    max_rtt_noload: Duration,
}

impl VegasBuilder {
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

    /// The queue below which the limit grows, in multiples of `log10(limit)`.
    pub fn alpha(mut self, multiple: u32) -> Self {
        self.alpha = multiple;
        self
    }

    /// The queue above which the limit shrinks, in multiples of `log10(limit)`; at least `alpha`.
    pub fn beta(mut self, multiple: u32) -> Self {
        self.beta = multiple;
        self
    }

    /// The part of the way towards the new limit that is gone at once: above 0, at most 1.
    pub fn smoothing(mut self, part: f64) -> Self {
        self.smoothing = part;
        self
    }

    /// The no-load rtt is measured anew every `multiplier * limit` samples.
    pub fn probe_multiplier(mut self, multiplier: u32) -> Self {
        self.probe_multiplier = multiplier;
        self
    }

    /// The no-load rtt is never believed to be longer than this. No bound by default.
    pub fn max_rtt_noload(mut self, rtt: Duration) -> Self {
        self.max_rtt_noload = rtt;
        self
    }

    /// The algorithm.
    ///
    /// # Errors
    ///
    /// When `min`, `alpha`, the probe multiplier or the greatest no-load rtt is zero, not
    /// `min <= initial <= max`, `max` is above [`MAX_LIMIT`](super::MAX_LIMIT), `beta` is below
    /// `alpha`, or the smoothing is not in its range.
    pub fn build(self) -> Result<Vegas, ConfigError> {
        let Bounds { initial, .. } = self.bounds.check()?;
        check_smoothing(self.smoothing)?;
        if self.beta < self.alpha {
            return Err(ConfigError::TooSmall {
                field: "beta",
                value: self.beta.into(),
                min: self.alpha.into(),
            });
        }
        for (field, is_zero) in [
            ("alpha", self.alpha == 0),
            ("probe_multiplier", self.probe_multiplier == 0),
            ("max_rtt_noload", self.max_rtt_noload.is_zero()),
        ] {
            if is_zero {
                return Err(ConfigError::Zero { field });
            }
        }
        Ok(Vegas {
            config: self,
            limit: initial.into(),
            moved: Instant::ORIGIN,
            rtt_noload: None,
            samples: 0,
            probe: None,
        })
    }
}
