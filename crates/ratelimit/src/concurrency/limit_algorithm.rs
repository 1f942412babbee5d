use crate::ConfigError;
#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::time::Duration;
use purlin_core::time::Instant;

/// The largest limit, 2^31 - 1.
pub const MAX_LIMIT: u32 = u32::MAX >> 1;

/// How a call ended, as far as a limit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It ran its course, and its rtt says something about the load. A failure that has nothing to
    /// do with load, such as "not found", belongs here too.
    Success,
    /// It ended by overload: a timeout, a refusal by the other side. Its rtt is not believed: a
    /// refusal is quick.
    Dropped,
}

/// One finished call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// When it was admitted.
    pub started: Instant,
    /// How long it took. Zero, as a coarse clock gives, is taken for a nanosecond where it divides.
    pub rtt: Duration,
    /// How many were in flight when it was admitted, itself included.
    pub in_flight: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// A rule that says how many calls may be in flight, from how the finished ones went.
///
/// A plain value: the same samples in the same order give the same limits. It can be boxed
/// (`Box<dyn LimitAlgorithm + Send>`) where it is chosen at run time.
///
/// # Implementing
///
/// Do bound the limit on both sides, at least 1 below and [`MAX_LIMIT`] above. Do take samples that
/// come out of order and clocks that step backwards. Do not grow while the limit is not used (fewer
/// than half of it in flight): what is not used has not been tested. Do not block, and do not
/// panic: `update` runs as a call finishes.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::concurrency::{LimitAlgorithm, Outcome, Sample};
///
/// /// Halves on a drop, else grows by one.
/// struct Timid(u32);
///
/// impl LimitAlgorithm for Timid {
///     fn update(&mut self, sample: &Sample) -> u32 {
///         self.0 = match sample.outcome {
///             Outcome::Dropped => (self.0 / 2).max(1),
///             Outcome::Success if sample.in_flight * 2 >= self.0 => (self.0 + 1).min(100),
///             Outcome::Success => self.0,
///         };
///         self.0
///     }
///     fn limit(&self) -> u32 {
///         self.0
///     }
/// }
///
/// let mut timid = Timid(10);
/// let dropped = Sample {
///     started: Instant::ORIGIN,
///     rtt: Duration::from_millis(20),
///     in_flight: 10,
///     outcome: Outcome::Dropped,
/// };
/// assert_eq!(timid.update(&dropped), 5);
/// ```
pub trait LimitAlgorithm {
    /// Learns from a finished call; the limit from now on.
    fn update(&mut self, sample: &Sample) -> u32;

    /// The limit at present.
    fn limit(&self) -> u32;

    /// Whether samples can change the limit. Where not, nobody takes any: no clock is read and no
    /// lock taken. The answer must not change.
    fn is_adaptive(&self) -> bool {
        true
    }
}

#[cfg(feature = "alloc")]
impl<A: LimitAlgorithm + ?Sized> LimitAlgorithm for Box<A> {
    fn update(&mut self, sample: &Sample) -> u32 {
        (**self).update(sample)
    }

    fn limit(&self) -> u32 {
        (**self).limit()
    }

    fn is_adaptive(&self) -> bool {
        (**self).is_adaptive()
    }
}

/// Where a limit starts and what it stays within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) initial: u32,
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Bounds {
    pub(super) fn check(self) -> Result<Self, ConfigError> {
        let too_small = |field, value: u32, min: u32| ConfigError::TooSmall {
            field,
            value: value.into(),
            min: min.into(),
        };
        let too_large = |field, value: u32, max: u32| ConfigError::TooLarge {
            field,
            value: value.into(),
            max: max.into(),
        };
        match self {
            Self { min: 0, .. } => Err(ConfigError::Zero { field: "min" }),
            Self { max, .. } if max > MAX_LIMIT => Err(too_large("max", max, MAX_LIMIT)),
            Self { min, max, .. } if max < min => Err(too_small("max", max, min)),
            Self { initial, min, .. } if initial < min => Err(too_small("initial", initial, min)),
            Self { initial, max, .. } if initial > max => Err(too_large("initial", initial, max)),
            bounds => Ok(bounds),
        }
    }

    /// A limit as the algorithms move it: not whole, within the bounds. A NaN becomes the minimum.
    pub(super) fn clamp(self, limit: f64) -> f64 {
        limit.max(self.min.into()).min(self.max.into())
    }
}

/// The whole part of a limit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are at least one and at most `MAX_LIMIT`; elsewhere the cast saturates"
)]
pub(super) fn whole(limit: f64) -> u32 {
    limit as u32
}

/// The share of its old value that a smoothed limit gives up for the new one.
pub(super) fn check_smoothing(smoothing: f64) -> Result<f64, ConfigError> {
    if smoothing > 0.0 && smoothing <= 1.0 {
        return Ok(smoothing);
    }
    Err(ConfigError::OutOfRange {
        field: "smoothing",
        expected: "above 0 and at most 1",
    })
}

/// Nanoseconds to calculate with, at least one, so that a quotient of two is finite.
pub(super) fn nanos(rtt: Duration) -> f64 {
    rtt.as_nanos().max(1) as f64
}
