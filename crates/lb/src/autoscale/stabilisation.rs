//! How fast capacity may follow what metrics ask for: windows, rates and cooldowns, as the
//! `behavior` of Kubernetes' horizontal pod autoscaler has them.

use super::Reason;
use crate::error::ConfigError;
use alloc::collections::VecDeque;
use core::time::Duration;
use purlin_core::time::Instant;

/// So much change in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RateLimit {
    /// So many instances in any such time.
    Instances(u32, Duration),
    /// So many percent of what there was at its begin.
    Percent(u32, Duration),
}

/// Which of several limits holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Select {
    /// The one that allows the larger change.
    #[default]
    Max,
    /// The one that allows the smaller change.
    Min,
    /// No change in this direction at all.
    Disabled,
}

/// The rules of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ScalingRules {
    /// Of what was asked for in this time, the least change counts: the lowest number on the way up,
    /// the highest on the way down. Zero for none.
    pub window: Duration,
    /// After a change, none in this direction for so long. On the way down a change up counts too.
    pub cooldown: Duration,
    /// How fast; without any, at once.
    pub limits: Vec<RateLimit>,
    /// Which of them holds.
    pub select: Select,
}

/// The rules of both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Behaviour {
    /// On the way up.
    pub up: ScalingRules,
    /// On the way down.
    pub down: ScalingRules,
}

/// That of Kubernetes: up at once, by 4 instances or to twice as many a quarter of a minute; down
/// when nothing above was asked for in 5 minutes.
impl Default for Behaviour {
    fn default() -> Self {
        let quarter = Duration::from_secs(15);
        Self {
            up: ScalingRules {
                limits: vec![
                    RateLimit::Instances(4, quarter),
                    RateLimit::Percent(100, quarter),
                ],
                ..ScalingRules::default()
            },
            down: ScalingRules {
                window: Duration::from_secs(300),
                limits: vec![RateLimit::Percent(100, quarter)],
                ..ScalingRules::default()
            },
        }
    }
}

impl Behaviour {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        for rules in [&self.up, &self.down] {
            for limit in &rules.limits {
                let (RateLimit::Instances(_, period) | RateLimit::Percent(_, period)) = limit;
                if period.is_zero() {
                    return Err(ConfigError::Zero { field: "period" });
                }
            }
        }
        Ok(())
    }

    /// How long ago still matters.
    pub(super) fn memory(&self) -> Duration {
        let rules = [&self.up, &self.down];
        let of = |limit: &RateLimit| {
            let (RateLimit::Instances(_, period) | RateLimit::Percent(_, period)) = limit;
            *period
        };
        let limits = rules.iter().flat_map(|r| r.limits.iter().map(of));
        let others = rules.iter().flat_map(|r| [r.window, r.cooldown]);
        limits.chain(others).max().unwrap_or_default()
    }
}

/// What was asked for and what was done, as far back as the rules look. At most 4,096
/// of each.
#[derive(Clone, Debug, Default)]
pub struct History {
    asked: VecDeque<(Instant, u32)>,
    /// Changes: from and to.
    done: VecDeque<(Instant, u32, u32)>,
    /// When it began to know anything, and what there was then. It counts as asked for, but does not
    /// hold where there is no window.
    begun: Option<(Instant, u32)>,
}

/// Of more, the oldest are forgotten.
pub(super) const CAPACITY: usize = 4_096;

impl History {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on something is asked for, where there are so many. If nothing that was asked for is
    /// remembered, as after a start, what there is counts as asked for now: nobody knows what was
    /// asked for before, so the windows begin here.
    pub fn begin(&mut self, now: Instant, rules: &Behaviour, current: u32) {
        self.forget(now, rules);
        if self.asked.is_empty() {
            self.begun = Some((now, current));
        }
    }

    fn forget(&mut self, now: Instant, rules: &Behaviour) {
        let memory = rules.memory();
        let old = |at: Instant| now.saturating_duration_since(at) >= memory;
        self.asked.retain(|(at, _)| !old(*at));
        self.done.retain(|(at, ..)| !old(*at));
        self.begun = self.begun.filter(|(at, _)| !old(*at));
    }

    /// Capacity changed.
    pub fn changed(&mut self, now: Instant, from: u32, to: u32) {
        if from != to {
            push(&mut self.done, (now, from, to));
        }
    }

    /// What may be done of what is asked for now, and what holds back the rest. O(length).
    pub fn stabilise(
        &mut self,
        now: Instant,
        rules: &Behaviour,
        current: u32,
        asked: u32,
    ) -> (u32, Option<Reason>) {
        self.forget(now, rules);
        push(&mut self.asked, (now, asked));

        let steady = self.over_windows(now, rules, current);
        let mut reason = (steady != asked).then_some(Reason::Stabilised);
        let mut desired = steady;
        if desired != current && self.is_cooling(now, rules, desired > current) {
            (desired, reason) = (current, Some(Reason::Cooldown));
        }
        let limited = match desired {
            more if more > current => more.min(self.most(now, &rules.up, current)),
            less if less < current => less.max(self.least(now, &rules.down, current)),
            same => same,
        };
        if limited != desired {
            (desired, reason) = (limited, Some(Reason::RateLimited));
        }
        (desired, reason)
    }

    /// The least change that was asked for over the window of its direction.
    fn over_windows(&self, now: Instant, rules: &Behaviour, current: u32) -> u32 {
        let over = |window: Duration| {
            let within = move |(at, _): &&(Instant, u32)| {
                *at >= now || now.saturating_duration_since(*at) < window
            };
            let begun = self
                .begun
                .filter(|(at, _)| now.saturating_duration_since(*at) < window);
            let asked = self.asked.iter().filter(within).map(|(_, asked)| *asked);
            asked.chain(begun.map(|(_, capacity)| capacity))
        };
        let up = over(rules.up.window).min().unwrap_or(current);
        let down = over(rules.down.window).max().unwrap_or(current);
        current.max(up).min(down)
    }

    fn is_cooling(&self, now: Instant, rules: &Behaviour, up: bool) -> bool {
        let cooldown = if up {
            rules.up.cooldown
        } else {
            rules.down.cooldown
        };
        self.done.iter().any(|(at, from, to)| {
            (!up || to > from) && now.saturating_duration_since(*at) < cooldown
        })
    }

    /// What there was when this period began.
    fn at_start(&self, now: Instant, period: Duration, current: u32) -> f64 {
        let within = |at: Instant| now.saturating_duration_since(at) < period;
        let done = self.done.iter().filter(|(at, ..)| within(*at));
        let added = done.map(|(_, from, to)| f64::from(*to) - f64::from(*from));
        (f64::from(current) - added.sum::<f64>()).max(0.0)
    }

    fn most(&self, now: Instant, rules: &ScalingRules, current: u32) -> u32 {
        let limit = |limit: &RateLimit| match *limit {
            RateLimit::Instances(count, period) => {
                self.at_start(now, period, current) + f64::from(count)
            }
            RateLimit::Percent(percent, period) => {
                let start = self.at_start(now, period, current);
                (start * (100.0 + f64::from(percent)) / 100.0).ceil()
            }
        };
        let limits = rules.limits.iter().map(limit);
        let most = match rules.select {
            Select::Disabled => Some(0.0),
            Select::Max => limits.reduce(f64::max),
            Select::Min => limits.reduce(f64::min),
        };
        most.map_or(u32::MAX, whole).max(current)
    }

    fn least(&self, now: Instant, rules: &ScalingRules, current: u32) -> u32 {
        let limit = |limit: &RateLimit| match *limit {
            RateLimit::Instances(count, period) => {
                self.at_start(now, period, current) - f64::from(count)
            }
            RateLimit::Percent(percent, period) => {
                let start = self.at_start(now, period, current);
                (start * (100.0 - f64::from(percent)) / 100.0).floor()
            }
        };
        let limits = rules.limits.iter().map(limit);
        let least = match rules.select {
            Select::Disabled => Some(f64::INFINITY),
            Select::Max => limits.reduce(f64::min),
            Select::Min => limits.reduce(f64::max),
        };
        least.map_or(0, whole).min(current)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole already, and a cast saturates"
)]
fn whole(instances: f64) -> u32 {
    instances as u32
}

fn push<E>(queue: &mut VecDeque<E>, entry: E) {
    if queue.len() == CAPACITY {
        queue.pop_front();
    }
    queue.push_back(entry);
}
