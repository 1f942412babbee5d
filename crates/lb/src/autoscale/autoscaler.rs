//! The machine.

use super::bounds::Bounds;
use super::config::{AutoscalerConfig, Rule};
use super::decision::{Decision, Reason};
use super::sample::Sample;
use super::stabilisation::History;
use super::usage::{BadValue, Reading, Usage};
use crate::error::ConfigError;
use alloc::sync::Arc;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::time::{Instant, UnixTime};

/// Decides how many instances there should be.
///
/// Each interval, and whenever the schedule changes the bounds:
///
/// 1. each rule is asked, and the one that wants most instances wins; where nothing is known of some
///    metric, the others may ask for more but not for less;
/// 2. [`Behaviour`](super::Behaviour) holds back what comes too soon or too fast;
/// 3. the bounds, by configuration or by schedule, hold in any case and at once.
///
/// A sample is taken to be of as many instances as there were to be when it came. Rounds before the
/// next one ask for the same again, not for more; a step is made once for each sample,
/// and on the way up from the instances that a [`Reading::Instances`] shows to be ready, so that
/// those that warm up count towards it.
///
/// The stabilisation windows begin with the first round that knows of a metric, as if what there is
/// then was asked for: one that has just started does not scale down on its first sample.
///
/// A [`Decision`] comes out of every such round, with a change or without; one that nobody took is
/// replaced by the next. What is decided is taken to be done until [`Input::Capacity`] says
/// otherwise. A clock that steps back stands still for it. Source: Kubernetes, `horizontal.go`.
///
/// ```
/// use purlin_core::machine::Machine;
/// use purlin_lb::Instant;
/// use purlin_lb::autoscale::{Autoscaler, AutoscalerConfig, Bounds, Input, Policy, Reading, TargetTracking};
///
/// let config = AutoscalerConfig::new(Bounds::new(2, 10)?)
///     .policy(Policy::track("cpu", TargetTracking::new(0.5)?));
/// let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN)?;
///
/// let sample = Input::Sample { metric: "cpu".into(), reading: Reading::Mean(0.85) };
/// autoscaler.handle(Instant::from_secs(14), sample)?;
/// let due = autoscaler.poll_timeout().expect("it looks at its metrics for ever");
/// autoscaler.handle_timeout(due);
///
/// let decision = autoscaler.poll_output().expect("one a round");
/// assert_eq!(decision.to_string(), "desired 7 (was 4): follows the metric cpu");
/// // orchestrator.scale_to(decision.desired);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Autoscaler {
    config: AutoscalerConfig,
    metrics: Vec<Metric>,
    capacity: u32,
    history: History,
    /// Whether the last round knew what is asked for.
    informed: bool,
    /// Civil time, and when it was that.
    civil: Option<(Instant, UnixTime)>,
    latest: Instant,
    next_round: Instant,
    decision: Option<Decision>,
}

/// What is known of a metric.
#[derive(Clone, Debug)]
struct Metric {
    name: Arc<str>,
    sample: Option<Sample>,
}

/// What an [`Autoscaler`] is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// A metric was measured.
    Sample {
        /// Its name, as in the configuration.
        metric: String,
        /// What was measured.
        reading: Reading,
    },
    /// There are to be so many instances: somebody else changed it, or a decision was not carried
    /// out.
    Capacity(u32),
    /// The civil time is this. Until it is known the schedule rests; tell it again when it was set,
    /// or as often as you like.
    CivilTime(UnixTime),
}

/// Why an input was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// No rule is about this metric.
    #[error("no rule is about the metric {metric}")]
    UnknownMetric {
        /// Its name.
        metric: String,
    },
    /// A value is none.
    #[error(transparent)]
    BadValue(#[from] BadValue),
}

impl Autoscaler {
    /// An autoscaler where there are `capacity` instances now.
    ///
    /// # Errors
    ///
    /// When a duration that must not be is zero, or windows are too long for the interval.
    pub fn new(config: AutoscalerConfig, capacity: u32, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut metrics: Vec<Metric> = Vec::new();
        for policy in &config.policies {
            if metrics.iter().all(|metric| *metric.name != *policy.metric) {
                metrics.push(Metric {
                    name: policy.metric.as_str().into(),
                    sample: None,
                });
            }
        }
        Ok(Self {
            metrics,
            capacity,
            history: History::new(),
            informed: false,
            civil: None,
            latest: now,
            next_round: now.saturating_add(config.interval),
            decision: None,
            config,
        })
    }

    /// How many instances there are to be.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The bounds now, and whether they are the schedule's.
    fn bounds(&self) -> (Bounds, bool) {
        let usual = self.config.bounds;
        let bounds = match self.civil_time() {
            Some(time) => self.config.schedule.bounds_at(time, usual),
            None => usual,
        };
        (bounds, bounds != usual)
    }

    fn civil_time(&self) -> Option<UnixTime> {
        let (at, time) = self.civil?;
        Some(time + (self.latest - at))
    }

    /// When the schedule changes the bounds next.
    fn next_change(&self) -> Option<Instant> {
        let time = self.civil_time()?;
        let change = self.config.schedule.next_change(time)?;
        // One that lies past the end of time never comes; nor must it be due for ever.
        (change > time).then(|| self.latest + (change - time))
    }

    /// What the metrics ask for. An error is why nothing can be asked for.
    fn recommend(&self) -> Result<(u32, Reason), Reason> {
        let mut most: Option<(u32, &Arc<str>)> = None;
        let mut missing: Option<&Arc<str>> = None;
        let mut known = false;
        for policy in &self.config.policies {
            let metric = self.metrics.iter().find(|m| *m.name == *policy.metric);
            let Some(metric) = metric else { continue };
            let fresh = metric.fresh(self.latest, self.config.stale_after);
            let desired = fresh.and_then(|sample| sample.desired(&policy.rule, self.capacity));
            // A rule of steps is silent while there is no alarm: that is knowledge too.
            let silent = match &policy.rule {
                Rule::Step(steps) => fresh
                    .and_then(|s| steps.metric(self.capacity, &s.usage))
                    .is_some(),
                Rule::Track(_) => false,
            };
            known |= desired.is_some() || silent;
            match desired {
                Some(desired) if most.is_none_or(|(most, _)| desired > most) => {
                    most = Some((desired, &metric.name));
                }
                None if !silent => missing = missing.or(Some(&metric.name)),
                _ => {}
            }
        }
        if !known {
            return Err(Reason::NoMetrics);
        }
        match (most, missing) {
            (Some((desired, _)), Some(missing)) if desired < self.capacity => {
                Err(Reason::MissingMetric(Arc::clone(missing)))
            }
            (Some((desired, name)), _) if desired != self.capacity => {
                Ok((desired, Reason::Metric(Arc::clone(name))))
            }
            _ => Ok((self.capacity, Reason::OnTarget)),
        }
    }

    fn round(&mut self) {
        let (now, current) = (self.latest, self.capacity);
        let answer = self.recommend();
        let informed = answer.is_ok();
        if informed && !self.informed {
            self.history.begin(now, &self.config.behaviour, current);
        }
        self.informed = informed;
        let (recommended, mut desired, mut reason) = match answer {
            Err(reason) => (current, current, reason),
            Ok((asked, reason)) => {
                let rules = &self.config.behaviour;
                let (desired, held) = self.history.stabilise(now, rules, current, asked);
                (asked, desired, held.unwrap_or(reason))
            }
        };
        let (bounds, scheduled) = self.bounds();
        if bounds.clamp(desired) != desired {
            reason = match (desired < bounds.min(), scheduled) {
                (true, false) => Reason::Minimum,
                (true, true) => Reason::ScheduledMinimum,
                (false, false) => Reason::Maximum,
                (false, true) => Reason::ScheduledMaximum,
            };
            desired = bounds.clamp(desired);
        }
        self.set_capacity(desired);
        self.decision = Some(Decision {
            desired,
            current,
            recommended,
            reason,
        });
    }

    fn set_capacity(&mut self, capacity: u32) {
        self.history.changed(self.latest, self.capacity, capacity);
        self.capacity = capacity;
    }
}

impl Metric {
    fn fresh(&self, now: Instant, stale_after: Duration) -> Option<Sample> {
        self.sample
            .filter(|sample| sample.is_fresh(now, stale_after))
    }
}

impl Machine for Autoscaler {
    type Input = Input;
    type Output = Decision;
    type Error = InputError;

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), InputError> {
        let now = now.max(self.latest);
        let due = self.poll_timeout().filter(|due| *due <= now);
        match input {
            Input::Sample { metric, reading } => {
                let Some(known) = self.metrics.iter_mut().find(|m| *m.name == *metric) else {
                    return Err(InputError::UnknownMetric { metric });
                };
                let usage = Usage::of(&reading, now, self.config.warm_up)?;
                known.sample = Some(Sample {
                    at: now,
                    usage,
                    capacity: self.capacity,
                });
                self.latest = now;
            }
            Input::Capacity(capacity) => {
                self.latest = now;
                self.set_capacity(capacity);
            }
            Input::CivilTime(time) => {
                self.latest = now;
                self.civil = Some((now, time));
                // The bounds may be others from now on. Where they hold as it is, nothing is due: a
                // time told often must not fill the history with rounds.
                if self.bounds().0.clamp(self.capacity) != self.capacity {
                    self.next_round = self.next_round.min(now);
                }
            }
        }
        // A change of the schedule that has passed by now is not forgotten.
        self.next_round = due.map_or(self.next_round, |due| due.min(self.next_round));
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due = self.poll_timeout();
        self.latest = now.max(self.latest);
        if due.is_some_and(|due| due <= now) {
            self.next_round = self.latest.saturating_add(self.config.interval);
            self.round();
        }
    }

    fn poll_output(&mut self) -> Option<Decision> {
        self.decision.take()
    }

    /// Never `None` before the end of time.
    fn poll_timeout(&self) -> Option<Instant> {
        let next = self
            .next_change()
            .map_or(self.next_round, |change| change.min(self.next_round));
        (next > self.latest || next < Instant::MAX).then_some(next)
    }
}
