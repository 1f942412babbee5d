//! One step: a range of a metric, and the change it asks for.

use super::{Breach, StepError};

/// A change of capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Adjustment {
    /// By so many instances (`ChangeInCapacity`).
    Change(i32),
    /// To so many instances (`ExactCapacity`).
    Exact(u32),
    /// By so many percent of the present capacity (`PercentChangeInCapacity`), rounded towards zero,
    /// but to 1 or -1 instead of to 0.
    Percent(i32),
}

impl Adjustment {
    /// The capacity after it. A change by percent is one of `min_magnitude` at least. O(1).
    ///
    /// ```
    /// use purlin_lb::autoscale::Adjustment;
    ///
    /// assert_eq!(Adjustment::Percent(10).apply(67, 0), 73); // 6.7: 6
    /// assert_eq!(Adjustment::Percent(-1).apply(58, 0), 57); // -0.58: -1
    /// assert_eq!(Adjustment::Percent(25).apply(4, 2), 6);   // 1, but 2 at least
    /// assert_eq!(Adjustment::Change(-9).apply(4, 0), 0);
    /// ```
    #[must_use]
    pub fn apply(self, current: u32, min_magnitude: u32) -> u32 {
        let change = match self {
            Self::Exact(capacity) => return capacity,
            Self::Change(instances) => i64::from(instances),
            Self::Percent(percent) => {
                let hundredths = i64::from(current) * i64::from(percent);
                let magnitude = (hundredths / 100).abs().max(1);
                hundredths.signum() * magnitude.max(i64::from(min_magnitude))
            }
        };
        let after = i64::from(current).saturating_add(change).max(0);
        u32::try_from(after).unwrap_or(u32::MAX)
    }
}

/// A range of a metric, relative to the threshold, and the change it asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Step {
    #[cfg_attr(feature = "serde", serde(default))]
    lower: Option<f64>,
    #[cfg_attr(feature = "serde", serde(default))]
    upper: Option<f64>,
    adjustment: Adjustment,
}

impl Step {
    /// Between these two. Which of the bounds are within it, [`Breach`] tells.
    #[must_use]
    pub const fn new(lower: f64, upper: f64, adjustment: Adjustment) -> Self {
        Self {
            lower: Some(lower),
            upper: Some(upper),
            adjustment,
        }
    }

    /// From this up.
    #[must_use]
    pub const fn above(lower: f64, adjustment: Adjustment) -> Self {
        Self {
            lower: Some(lower),
            upper: None,
            adjustment,
        }
    }

    /// From this down.
    #[must_use]
    pub const fn below(upper: f64, adjustment: Adjustment) -> Self {
        Self {
            lower: None,
            upper: Some(upper),
            adjustment,
        }
    }

    /// What it asks for.
    #[must_use]
    pub const fn adjustment(&self) -> Adjustment {
        self.adjustment
    }

    /// Whether a metric is within it, where the alarm of this threshold is on this side.
    #[must_use]
    pub fn contains(&self, metric: f64, threshold: f64, breach: Breach) -> bool {
        let (lower, upper) = (threshold + self.start(), threshold + self.end());
        match breach {
            Breach::Above => lower <= metric && metric < upper,
            Breach::Below => lower < metric && metric <= upper,
        }
    }

    pub(super) fn start(&self) -> f64 {
        self.lower.unwrap_or(f64::NEG_INFINITY)
    }

    pub(super) fn end(&self) -> f64 {
        self.upper.unwrap_or(f64::INFINITY)
    }

    pub(super) fn validate(&self) -> Result<(), StepError> {
        let bounds = [self.lower, self.upper];
        if bounds.iter().flatten().any(|bound| !bound.is_finite()) {
            return Err(StepError::Bound);
        }
        if bounds == [None, None] || self.start() >= self.end() {
            return Err(StepError::Range);
        }
        Ok(())
    }
}
