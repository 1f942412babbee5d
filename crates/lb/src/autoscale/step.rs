//! Step scaling, as Amazon EC2 Auto Scaling does it.

mod adjustment;

pub use adjustment::{Adjustment, Step};

use super::usage::Usage;

/// On which side of its threshold a metric raises the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Breach {
    /// At the threshold and above it. A step's lower bound is within it, its upper one is not.
    Above,
    /// At the threshold and below it. A step's upper bound is within it, its lower one is not.
    Below,
}

/// The further a metric is past a threshold, the larger the change.
///
/// Source: Amazon EC2 Auto Scaling, `StepAdjustment` and "Scaling adjustment types".
///
/// ```
/// use purlin_lb::autoscale::{Adjustment, Breach, Step, StepScaling, Usage};
///
/// let out = StepScaling::new(60.0, Breach::Above, [
///     Step::new(0.0, 10.0, Adjustment::Percent(10)), // from 60 to below 70
///     Step::above(10.0, Adjustment::Percent(30)),    // from 70
/// ])?;
/// assert_eq!(out.desired(10, &Usage::Mean(59.9)), None);
/// assert_eq!(out.desired(10, &Usage::Mean(60.0)), Some(11));
/// assert_eq!(out.desired(11, &Usage::Mean(70.0)), Some(14)); // 30 % of 11 is 3.3: 3
/// # Ok::<(), purlin_lb::autoscale::StepError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct StepScaling {
    threshold: f64,
    breach: Breach,
    min_magnitude: u32,
    /// By their bounds, ascending.
    steps: Vec<Step>,
}

/// Steps that do not make a policy.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A threshold that is no number.
    #[error("threshold must be finite")]
    Threshold,
    /// There is none.
    #[error("there must be at least one step")]
    Empty,
    /// A bound that is no number.
    #[error("the bounds of steps must be finite")]
    Bound,
    /// A step without bounds, or whose lower bound is not below its upper one.
    #[error("a step must have a lower or an upper bound, and the lower one below the upper one")]
    Range,
    /// Two steps overlap, those without a lower (or an upper) bound among them.
    #[error("two steps overlap above {at}")]
    Overlap {
        /// Where, relative to the threshold.
        at: f64,
    },
    /// Between two steps is a gap.
    #[error("there is a gap between two steps, above {at}")]
    Gap {
        /// Where, relative to the threshold.
        at: f64,
    },
    /// One has a negative lower bound and none is without one.
    #[error("the lowest step must have no lower bound, as it is below the threshold")]
    OpenBelow,
    /// One has a positive upper bound and none is without one.
    #[error("the highest step must have no upper bound, as it is above the threshold")]
    OpenAbove,
}

impl StepScaling {
    /// This alarm and these steps, in any order; their bounds are relative to the threshold.
    ///
    /// # Errors
    ///
    /// When they overlap, leave a gap, or end where the metric can still go.
    pub fn new(
        threshold: f64,
        breach: Breach,
        steps: impl IntoIterator<Item = Step>,
    ) -> Result<Self, StepError> {
        let mut steps: Vec<Step> = steps.into_iter().collect();
        if !threshold.is_finite() {
            return Err(StepError::Threshold);
        }
        validate(&mut steps)?;
        Ok(Self {
            threshold,
            breach,
            min_magnitude: 0,
            steps,
        })
    }

    /// The same, but a change by percent is one of so many instances at least.
    #[must_use]
    pub fn min_magnitude(self, instances: u32) -> Self {
        Self {
            min_magnitude: instances,
            ..self
        }
    }

    /// How many instances there should be instead of `current`; `None` while there is no alarm, or
    /// no step for it, or nobody was measured. O(steps).
    #[must_use]
    pub fn desired(&self, current: u32, usage: &Usage) -> Option<u32> {
        let metric = self.metric(current, usage)?;
        let alarm = match self.breach {
            Breach::Above => metric >= self.threshold,
            Breach::Below => metric <= self.threshold,
        };
        let within = |step: &&Step| step.contains(metric, self.threshold, self.breach);
        let step = self.steps.iter().find(within).filter(|_| alarm)?;
        Some(step.adjustment().apply(current, self.min_magnitude))
    }
}

impl StepScaling {
    /// What is compared with the threshold.
    #[expect(clippy::unused_self, reason = "reads as what it is of")]
    pub(super) fn metric(&self, current: u32, usage: &Usage) -> Option<f64> {
        match *usage {
            Usage::Total(total) => Some(total),
            Usage::Mean(_) | Usage::Instances { .. } => usage.mean(current),
        }
    }
}

/// Sorts them, and looks at neighbours.
#[expect(clippy::float_cmp, reason = "steps meet where their bounds are one")]
fn validate(steps: &mut [Step]) -> Result<(), StepError> {
    for step in &*steps {
        step.validate()?;
    }
    steps.sort_by(|a, b| a.start().total_cmp(&b.start()));
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Err(StepError::Empty);
    };
    for pair in steps.windows(2) {
        let (end, start) = (pair[0].end(), pair[1].start());
        if end > start {
            return Err(StepError::Overlap { at: start });
        }
        if end != start {
            return Err(StepError::Gap { at: end });
        }
    }
    if first.start() < 0.0 && first.start().is_finite() {
        return Err(StepError::OpenBelow);
    }
    if last.end() > 0.0 && last.end().is_finite() {
        return Err(StepError::OpenAbove);
    }
    Ok(())
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    threshold: f64,
    breach: Breach,
    #[serde(default)]
    min_magnitude: u32,
    steps: Vec<Step>,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for StepScaling {
    type Error = StepError;

    fn try_from(raw: Unchecked) -> Result<Self, StepError> {
        let policy = Self::new(raw.threshold, raw.breach, raw.steps)?;
        Ok(policy.min_magnitude(raw.min_magnitude))
    }
}
