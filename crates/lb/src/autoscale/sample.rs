//! A measurement, and what it was measured over.

use super::config::Rule;
use super::step::StepScaling;
use super::usage::Usage;
use core::time::Duration;
use purlin_core::time::Instant;

/// What a metric said, and when there were to be how many instances.
///
/// A round may come before the next sample. What a rule asks for then is computed over the instances
/// that were measured, not over those that this very sample led to: the answer stays the same,
/// however often it is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) usage: Usage,
    /// How many instances there were to be when it came.
    pub(super) capacity: u32,
}

impl Sample {
    pub(super) fn is_fresh(&self, now: Instant, stale_after: Duration) -> bool {
        now - self.at < stale_after
    }

    /// How many instances the rule asks for, where there are to be `current` by now.
    pub(super) fn desired(&self, rule: &Rule, current: u32) -> Option<u32> {
        match rule {
            Rule::Track(tracking) => tracking.desired(current, &self.load(current)?),
            Rule::Step(steps) => self.step(steps, current),
        }
    }

    /// What is to be carried in all; a mean says that only with the instances it is over.
    fn load(&self, current: u32) -> Option<Usage> {
        match self.usage {
            Usage::Mean(_) if self.capacity == 0 || current == 0 => None,
            Usage::Mean(mean) => Some(Usage::Total(mean * f64::from(self.capacity))),
            usage => Some(usage),
        }
    }

    /// The step from what there was, but never back behind what is decided already. On the way up
    /// it is one from the instances that are ready: those that warm up are its first part.
    fn step(&self, steps: &StepScaling, current: u32) -> Option<u32> {
        let desired = steps.desired(self.capacity, &self.usage)?;
        if desired < self.capacity {
            return Some(desired.min(current));
        }
        let ready = self.usage.ready(self.capacity);
        Some(steps.desired(ready, &self.usage)?.max(current))
    }
}
