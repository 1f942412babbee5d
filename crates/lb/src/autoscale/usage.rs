//! What instances reported of one metric.

use core::time::Duration;
use purlin_core::time::Instant;

/// One instance and what it reported of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instance {
    value: Option<f64>,
    started: Option<Instant>,
    ready: bool,
}

impl Instance {
    /// One that reported this.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self {
            value: Some(value),
            started: None,
            ready: true,
        }
    }

    /// One that should have reported something and did not.
    #[must_use]
    pub const fn missing() -> Self {
        Self {
            value: None,
            started: None,
            ready: true,
        }
    }

    /// The same, not ready: it serves nothing yet and what it reports is not load.
    #[must_use]
    pub const fn not_ready(self) -> Self {
        Self {
            ready: false,
            ..self
        }
    }

    /// The same, started then: until it has [warmed up](super::AutoscalerConfig::warm_up) it counts
    /// as one that is not ready.
    #[must_use]
    pub const fn started_at(self, started: Instant) -> Self {
        Self {
            started: Some(started),
            ..self
        }
    }

    fn is_ready(&self, now: Instant, warm_up: Duration) -> bool {
        let warm = |started: Instant| now.saturating_duration_since(started) >= warm_up;
        self.ready && self.started.is_none_or(warm)
    }
}

/// A measurement of one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// By instance: the only form that knows of instances that are missing or not ready.
    Instances(Vec<Instance>),
    /// The mean over all instances.
    Mean(f64),
    /// Of the whole service, a queue's length, say. A target is then what one instance is to carry.
    Total(f64),
}

/// The sums over a [`Reading`] that policies look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Usage {
    /// Of instances that each count for themselves.
    Instances {
        /// The sum over those that are measured.
        total: f64,
        /// How many are ready and reported a value.
        measured: u32,
        /// How many are ready and reported none.
        missing: u32,
        /// How many are not ready, or still warming up.
        not_ready: u32,
    },
    /// The mean over all instances.
    Mean(f64),
    /// Of the whole service.
    Total(f64),
}

/// A measurement that is no number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a metric must be finite and at least 0, not {value}")]
pub struct BadValue {
    /// What it is.
    pub value: f64,
}

impl Usage {
    /// The sums over what was read now, where an instance takes `warm_up` to be ready. O(instances).
    ///
    /// # Errors
    ///
    /// When a value, or the sum of all, is negative, infinite or not a number.
    pub fn of(reading: &Reading, now: Instant, warm_up: Duration) -> Result<Self, BadValue> {
        let instances = match reading {
            Reading::Mean(mean) => return checked(*mean).map(Self::Mean),
            Reading::Total(total) => return checked(*total).map(Self::Total),
            Reading::Instances(instances) => instances,
        };
        let (mut sum, mut measured, mut missing, mut not_ready) = (0.0, 0_u32, 0_u32, 0_u32);
        for instance in instances {
            let value = instance.value.map(checked).transpose()?;
            match value {
                _ if !instance.is_ready(now, warm_up) => not_ready = not_ready.saturating_add(1),
                None => missing = missing.saturating_add(1),
                Some(value) => {
                    sum += value;
                    measured = measured.saturating_add(1);
                }
            }
        }
        Ok(Self::Instances {
            total: checked(sum)?,
            measured,
            missing,
            not_ready,
        })
    }

    /// The mean over those that are measured, `None` where that is nobody, or for a total over no
    /// instances.
    #[must_use]
    pub fn mean(&self, current: u32) -> Option<f64> {
        match *self {
            Self::Mean(mean) => Some(mean),
            Self::Instances {
                total, measured, ..
            } => (measured > 0).then(|| total / f64::from(measured)),
            Self::Total(total) => (current > 0).then(|| total / f64::from(current)),
        }
    }
}

impl Usage {
    /// How many of so many instances are ready, as far as it tells.
    pub(super) fn ready(&self, current: u32) -> u32 {
        match *self {
            Self::Instances {
                measured, missing, ..
            } => measured.saturating_add(missing).min(current),
            Self::Mean(_) | Self::Total(_) => current,
        }
    }
}

fn checked(value: f64) -> Result<f64, BadValue> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(BadValue { value })
}
