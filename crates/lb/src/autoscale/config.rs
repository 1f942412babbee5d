//! What an autoscaler is made from.

use super::bounds::Bounds;
use super::schedule::Schedule;
use super::stabilisation::{Behaviour, CAPACITY};
use super::step::StepScaling;
use super::target_tracking::TargetTracking;
use super::usage::Usage;
use crate::error::ConfigError;
use core::time::Duration;

/// The rule of a metric.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Rule {
    /// Keep it at a target.
    Track(TargetTracking),
    /// Change by steps while it is past a threshold.
    Step(StepScaling),
}

impl Rule {
    /// How many instances it asks for; `None` if it has nothing to say. See
    /// [`TargetTracking::desired`] and [`StepScaling::desired`].
    #[must_use]
    pub fn desired(&self, current: u32, usage: &Usage) -> Option<u32> {
        match self {
            Self::Track(tracking) => tracking.desired(current, usage),
            Self::Step(steps) => steps.desired(current, usage),
        }
    }
}

/// A metric and its rule. One metric can have several.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Policy {
    /// The name of the metric.
    pub metric: String,
    /// What it asks for.
    pub rule: Rule,
}

impl Policy {
    /// Keeps this metric at a target.
    #[must_use]
    pub fn track(metric: impl Into<String>, rule: TargetTracking) -> Self {
        Self {
            metric: metric.into(),
            rule: Rule::Track(rule),
        }
    }

    /// Changes by steps while this metric is past a threshold.
    #[must_use]
    pub fn step(metric: impl Into<String>, rule: StepScaling) -> Self {
        Self {
            metric: metric.into(),
            rule: Rule::Step(rule),
        }
    }
}

/// The configuration of an [`Autoscaler`](super::Autoscaler).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct AutoscalerConfig {
    /// The least and the most, but for the schedule's times.
    pub bounds: Bounds,
    /// The rules; the one that asks for most decides.
    pub policies: Vec<Policy>,
    /// How often they are looked at: 15 s unless said otherwise, as in Kubernetes.
    #[cfg_attr(feature = "serde", serde(default = "sync_period"))]
    pub interval: Duration,
    /// For how long a reading is worth something: 60 s unless said otherwise. Then it is missing.
    #[cfg_attr(feature = "serde", serde(default = "minute"))]
    pub stale_after: Duration,
    /// For how long an instance that [started](super::Instance::started_at) is not ready: zero
    /// unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub warm_up: Duration,
    /// How fast.
    #[cfg_attr(feature = "serde", serde(default))]
    pub behaviour: Behaviour,
    /// What is known in advance.
    #[cfg_attr(feature = "serde", serde(default))]
    pub schedule: Schedule,
}

impl AutoscalerConfig {
    /// These bounds, no rules, and else the defaults.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            policies: Vec::new(),
            interval: sync_period(),
            stale_after: minute(),
            warm_up: Duration::ZERO,
            behaviour: Behaviour::default(),
            schedule: Schedule::default(),
        }
    }

    /// The same with one more rule.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        for (field, duration) in [
            ("interval", self.interval),
            ("stale_after", self.stale_after),
        ] {
            if duration.is_zero() {
                return Err(ConfigError::Zero { field });
            }
        }
        self.behaviour.validate()?;
        let rounds = self.behaviour.memory().as_nanos() / self.interval.as_nanos();
        if rounds >= CAPACITY as u128 {
            return Err(ConfigError::OutOfRange {
                field: "interval",
                expected: "more than a 4,096th of every window, cooldown and period",
            });
        }
        Ok(())
    }
}

const fn sync_period() -> Duration {
    Duration::from_secs(15)
}

const fn minute() -> Duration {
    Duration::from_secs(60)
}
