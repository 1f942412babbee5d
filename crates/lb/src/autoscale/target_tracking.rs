//! Target tracking, as Kubernetes' horizontal pod autoscaler does it.

use super::usage::Usage;
use crate::error::ConfigError;

/// Keeps a metric at a target: so many instances that each carries that much.
///
/// `desired = ceil(instances * mean / target)`, and no change while the ratio `mean / target` is
/// within a tolerance of 1. Where not every instance could be measured the rest is guessed so that
/// the change becomes smaller, never larger, and never turns round:
///
/// * missing on the way down: taken to use the target, or [what is said](Self::missing_uses);
/// * missing on the way up, or not ready: taken to use nothing.
///
/// Source: Kubernetes, `replica_calculator.go`. It rounds means to whole units first; we do not.
///
/// ```
/// use purlin_lb::autoscale::{TargetTracking, Usage};
///
/// let half_busy = TargetTracking::new(0.5)?;
/// assert_eq!(half_busy.desired(4, &Usage::Mean(0.75)), Some(6));
/// assert_eq!(half_busy.desired(4, &Usage::Mean(0.54)), Some(4)); // within a tenth
///
/// let queue = TargetTracking::new(100.0)?; // messages an instance
/// assert_eq!(queue.desired(4, &Usage::Total(950.0)), Some(10));
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct TargetTracking {
    target: f64,
    tolerance: f64,
    missing_uses: f64,
}

impl TargetTracking {
    /// Keeps the metric at this, within a tenth.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a target that is not above zero and finite.
    pub fn new(target: f64) -> Result<Self, ConfigError> {
        if !(target.is_finite() && target > 0.0) {
            return Err(ConfigError::OutOfRange {
                field: "target",
                expected: "above zero and finite",
            });
        }
        Ok(Self {
            target,
            tolerance: 0.1,
            missing_uses: target,
        })
    }

    /// The same with another tolerance, a part of the target.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is outside of 0 to 1.
    pub fn tolerance(self, tolerance: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&tolerance) {
            return Ok(Self { tolerance, ..self });
        }
        Err(ConfigError::OutOfRange {
            field: "tolerance",
            expected: "from 0 to 1",
        })
    }

    /// The same, but an instance that reports nothing is taken to use this much on the way down:
    /// for a metric that is a part of something, all of it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for less than the target or for what is infinite.
    pub fn missing_uses(self, value: f64) -> Result<Self, ConfigError> {
        if value.is_finite() && value >= self.target {
            return Ok(Self {
                missing_uses: value,
                ..self
            });
        }
        Err(ConfigError::OutOfRange {
            field: "missing_uses",
            expected: "at least the target, and finite",
        })
    }

    /// How many instances this usage asks for, where there are `current`; `None` if it says nothing:
    /// nobody was measured, or there is no instance that a mean could be over. O(1).
    #[must_use]
    pub fn desired(&self, current: u32, usage: &Usage) -> Option<u32> {
        match *usage {
            // Nothing to be tolerant of where nothing runs.
            Usage::Total(total) if current == 0 => Some(ceil(total / self.target)),
            Usage::Total(total) => Some(self.proportional(current, current, total)),
            Usage::Mean(_) if current == 0 => None,
            Usage::Mean(mean) => {
                Some(self.proportional(current, current, mean * f64::from(current)))
            }
            Usage::Instances { measured: 0, .. } => None,
            Usage::Instances {
                total,
                measured,
                missing,
                not_ready,
            } => Some(self.dampened(current, total, measured, missing, not_ready)),
        }
    }

    /// For a total over so many instances.
    fn proportional(&self, current: u32, instances: u32, total: f64) -> u32 {
        if self.tolerates(self.ratio(total, instances)) {
            return current;
        }
        ceil(total / self.target)
    }

    fn dampened(
        &self,
        current: u32,
        total: f64,
        measured: u32,
        missing: u32,
        not_ready: u32,
    ) -> u32 {
        let ratio = self.ratio(total, measured);
        let (up, down) = (ratio > 1.0, ratio < 1.0);
        let idle = if up { not_ready } else { 0 };
        if missing == 0 && idle == 0 {
            return self.proportional(current, measured, total);
        }
        let guess = if down { self.missing_uses } else { 0.0 };
        let total = total + f64::from(missing) * guess;
        let all = measured.saturating_add(missing).saturating_add(idle);
        let dampened = self.ratio(total, all);
        let turns = !(up || down) || (down && dampened > 1.0) || (up && dampened < 1.0);
        if turns || self.tolerates(dampened) {
            return current;
        }
        let desired = ceil(total / self.target);
        // Counted over more, or fewer, than there are, the number itself may turn round.
        if (dampened < 1.0 && desired > current) || (dampened > 1.0 && desired < current) {
            return current;
        }
        desired
    }

    fn ratio(&self, total: f64, instances: u32) -> f64 {
        total / f64::from(instances) / self.target
    }

    fn tolerates(&self, ratio: f64) -> bool {
        (ratio - 1.0).abs() <= self.tolerance
    }
}

/// Rounded up, but not for what is above a whole number by less than arithmetic is exact to: 0.9
/// over 0.3 is 3.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 0; a cast saturates"
)]
fn ceil(instances: f64) -> u32 {
    (instances * (1.0 - 1e-12)).ceil() as u32
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    target: f64,
    tolerance: Option<f64>,
    missing_uses: Option<f64>,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for TargetTracking {
    type Error = ConfigError;

    fn try_from(raw: Unchecked) -> Result<Self, ConfigError> {
        let tracking = Self::new(raw.target)?;
        let tracking = match raw.tolerance {
            Some(tolerance) => tracking.tolerance(tolerance)?,
            None => tracking,
        };
        match raw.missing_uses {
            Some(value) => tracking.missing_uses(value),
            None => Ok(tracking),
        }
    }
}
