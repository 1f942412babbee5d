//! Load by priority: the levels of a cluster, each as far as its health goes.

use crate::error::ConfigError;
use alloc::vec::Vec;

/// The endpoints of one level of priority, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LevelCounts {
    /// All of them: those that would take requests if all were well.
    pub hosts: u64,
    /// Healthy ones.
    pub healthy: u64,
    /// Degraded ones, which are used when healthy ones are short.
    pub degraded: u64,
    /// Those among `hosts` of which nothing is known yet, so that they count neither way.
    pub excluded: u64,
}

/// What one level gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LevelLoad {
    /// The percentage of all requests for its healthy endpoints.
    pub healthy: u8,
    /// The percentage of all requests for its degraded endpoints.
    pub degraded: u8,
    /// Whether so few of its endpoints are available, and so few elsewhere, that its requests are for
    /// all of its endpoints, whatever their health.
    pub panic: bool,
}

/// When a level is full, and when it panics.
///
/// ```
/// use purlin_lb::group::PriorityRule;
///
/// let rule = PriorityRule::new().overprovisioning_factor(120)?.panic_threshold(30)?;
/// assert_ne!(rule, PriorityRule::default());
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PriorityRule {
    overprovisioning: u32,
    panic_threshold: u8,
}

impl PriorityRule {
    /// An overprovisioning factor of 140 % and a panic threshold of 50 %: Envoy's defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            overprovisioning: 140,
            panic_threshold: 50,
        }
    }

    /// How many percent of what is needed a level has when all of it is healthy. With 140, a level
    /// carries all of its requests for as long as 72 % of it are healthy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub const fn overprovisioning_factor(self, percent: u32) -> Result<Self, ConfigError> {
        if percent == 0 {
            return Err(ConfigError::Zero {
                field: "overprovisioning_factor",
            });
        }
        Ok(Self {
            overprovisioning: percent,
            ..self
        })
    }

    /// With fewer than so many percent of its endpoints available, a level panics, unless other levels
    /// can carry everything. 0 is never, unless nothing is available at any level.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub const fn panic_threshold(self, percent: u8) -> Result<Self, ConfigError> {
        if percent > 100 {
            return Err(ConfigError::OutOfRange {
                field: "panic_threshold",
                expected: "from 0 to 100",
            });
        }
        Ok(Self {
            panic_threshold: percent,
            ..self
        })
    }

    /// The percentage of all requests that so many of the endpoints of a level can carry.
    fn carries(self, available: u64, counts: LevelCounts) -> u8 {
        let hosts = counts.hosts.saturating_sub(counts.excluded);
        let health = u128::from(available) * u128::from(self.overprovisioning);
        let health = health.checked_div(hosts.into()).unwrap_or(0);
        u8::try_from(health).unwrap_or(100).min(100)
    }

    fn panics(self, counts: LevelCounts) -> bool {
        let hosts = counts.hosts.saturating_sub(counts.excluded);
        let available = u128::from(counts.healthy) + u128::from(counts.degraded);
        hosts == 0 && self.panic_threshold > 0
            || available * 100 < u128::from(self.panic_threshold) * u128::from(hosts)
    }
}

impl Default for PriorityRule {
    fn default() -> Self {
        Self::new()
    }
}

/// What each level gets, the first priority first.
///
/// A level can carry `min(100, factor * healthy / (hosts - excluded))` percent of all requests by its
/// healthy endpoints, and likewise by its degraded ones. Requests go to the healthy endpoints of the
/// first level as far as they carry, then to those of the second, and so on; what is left to the
/// degraded ones in the same order. When all together carry less than everything, the shares are
/// scaled up, and levels below the panic threshold panic. When all levels do, or nothing is
/// available, each level gets a share by its number of endpoints.
///
/// The shares add up to 100, or to 0 if there is no endpoint: what rounding leaves goes to the first
/// level that has any share. O(levels). Source: Envoy, `priority.rst`, `degraded.rst`,
/// `panic_threshold.rst` and `load_balancer_impl_base_test.cc`.
///
/// ```
/// use purlin_lb::group::{LevelCounts, PriorityRule, priority_load};
///
/// let half = LevelCounts { hosts: 10, healthy: 5, ..LevelCounts::default() };
/// let loads = priority_load(PriorityRule::new(), &[half, half]);
/// assert_eq!(loads[0].healthy, 70);
/// assert_eq!(loads[1].healthy, 30);
/// ```
#[must_use]
pub fn priority_load(rule: PriorityRule, levels: &[LevelCounts]) -> Vec<LevelLoad> {
    let mut loads: Vec<_> = levels
        .iter()
        .map(|counts| LevelLoad {
            healthy: rule.carries(counts.healthy, *counts),
            degraded: rule.carries(counts.degraded, *counts),
            panic: false,
        })
        .collect();
    let carried = |load: &LevelLoad| u64::from(load.healthy) + u64::from(load.degraded);
    let total = loads.iter().map(carried).sum::<u64>().min(100);
    if total < 100 {
        for (load, counts) in loads.iter_mut().zip(levels) {
            load.panic = total == 0 || rule.panics(*counts);
        }
        if loads.iter().all(|load| load.panic) {
            by_hosts(&mut loads, levels);
            return loads;
        }
    }
    let mut left = 100;
    take(&mut loads, |load| &mut load.healthy, total, &mut left);
    take(&mut loads, |load| &mut load.degraded, total, &mut left);
    let healthy = loads.iter().position(|load| load.healthy > 0);
    let degraded = loads.iter().position(|load| load.degraded > 0);
    if let Some(first) = healthy {
        loads[first].healthy += left;
    } else if let Some(first) = degraded {
        loads[first].degraded += left;
    }
    loads
}

/// Gives each what it carries, scaled so that `total` is everything, while there is something left.
fn take(loads: &mut [LevelLoad], part: fn(&mut LevelLoad) -> &mut u8, total: u64, left: &mut u8) {
    for share in loads.iter_mut().map(part) {
        let scaled = u64::from(*share) * 100 / total.max(1);
        *share = u8::try_from(scaled).unwrap_or(100).min(*left);
        *left -= *share;
    }
}

fn by_hosts(loads: &mut [LevelLoad], levels: &[LevelCounts]) {
    let total: u128 = levels.iter().map(|counts| u128::from(counts.hosts)).sum();
    let mut left = 100;
    for (load, counts) in loads.iter_mut().zip(levels) {
        let share = u128::from(counts.hosts) * 100;
        let share = share.checked_div(total).unwrap_or(0);
        load.healthy = u8::try_from(share).unwrap_or(100);
        load.degraded = 0;
        left -= load.healthy;
    }
    if let Some(first) = levels.iter().position(|counts| counts.hosts > 0) {
        loads[first].healthy += left;
    }
}
