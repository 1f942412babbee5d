//! The answer: how many, and why.

use alloc::sync::Arc;
use core::fmt;

/// How many instances there should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// How many there should be.
    pub desired: u32,
    /// How many there were to be before.
    pub current: u32,
    /// How many metrics ask for, before windows, rates and bounds.
    pub recommended: u32,
    /// What made it this number and no other.
    pub reason: Reason,
}

impl Decision {
    /// Whether anything is to be done.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        self.desired != self.current
    }
}

/// What a [`Decision`] was due to, in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is what this metric asks for.
    Metric(Arc<str>),
    /// No metric asks for a change.
    OnTarget,
    /// Nothing is known of any metric.
    NoMetrics,
    /// Those that are known ask for less, but of this one nothing is known.
    MissingMetric(Arc<str>),
    /// Less change was asked for within the stabilisation window.
    Stabilised,
    /// The last change was not long ago.
    Cooldown,
    /// As far as the limits of the rate allow.
    RateLimited,
    /// It is the least that there may be.
    Minimum,
    /// It is the most that there may be.
    Maximum,
    /// It is the least that there may be by the schedule, at this time.
    ScheduledMinimum,
    /// It is the most that there may be by the schedule, at this time.
    ScheduledMaximum,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Metric(name) => return write!(f, "follows the metric {name}"),
            Self::MissingMetric(name) => {
                return write!(f, "stays, as nothing is known of the metric {name}");
            }
            Self::OnTarget => "metrics are on target",
            Self::NoMetrics => "stays, as nothing is known of any metric",
            Self::Stabilised => "held by the stabilisation window",
            Self::Cooldown => "held by the cooldown",
            Self::RateLimited => "as far as the rate limit allows",
            Self::Minimum => "the minimum",
            Self::Maximum => "the maximum",
            Self::ScheduledMinimum => "the scheduled minimum",
            Self::ScheduledMaximum => "the scheduled maximum",
        };
        f.write_str(text)
    }
}

/// `desired 7 (was 4): follows the metric cpu`
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            desired,
            current,
            reason,
            ..
        } = self;
        write!(f, "desired {desired} (was {current}): {reason}")
    }
}
