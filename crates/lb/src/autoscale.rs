//! How many instances there should be.
//!
//! [`Autoscaler`] is a [`Machine`](purlin_core::machine::Machine): it is told what metrics say and
//! how many instances there are, and answers with [`Decision`]s; whoever drives it starts and stops
//! instances. Its parts are plain values and can be used alone:
//!
//! | what | is |
//! |---|---|
//! | [`TargetTracking`] | so many that each carries its target, as Kubernetes' autoscaler computes it |
//! | [`StepScaling`] | larger changes for larger breaches of a threshold, as Amazon's steps |
//! | [`Schedule`] | other bounds at known times, warmed up in advance |
//! | [`Behaviour`], [`History`] | stabilisation windows, rates, cooldowns |
//!
//! Of several metrics the one that asks for most decides.

mod autoscaler;
mod bounds;
mod config;
mod decision;
mod sample;
mod schedule;
mod stabilisation;
mod step;
mod target_tracking;
mod usage;

pub use autoscaler::{Autoscaler, Input, InputError};
pub use bounds::Bounds;
pub use config::{AutoscalerConfig, Policy, Rule};
pub use decision::{Decision, Reason};
pub use schedule::{Period, Schedule};
pub use stabilisation::{Behaviour, History, RateLimit, ScalingRules, Select};
pub use step::{Adjustment, Breach, Step, StepError, StepScaling};
pub use target_tracking::TargetTracking;
pub use usage::{BadValue, Instance, Reading, Usage};

#[doc(inline)]
pub use purlin_core::time::UnixTime;
