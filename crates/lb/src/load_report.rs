//! Weights from what endpoints say of their load.

use crate::error::ConfigError;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::node::Weight;
use purlin_core::time::Instant;

/// What an endpoint says of its load, in an answer or beside it.
///
/// Source: gRPC proposal A58, "client-side weighted round robin", which reads it from ORCA reports.
///
/// ```
/// use purlin_lb::LoadReport;
///
/// // 100 requests a second take a fifth of it: it could do 500.
/// let report = LoadReport { qps: 100.0, eps: 0.0, utilization: 0.2 };
/// assert_eq!(report.capacity(1.0), Some(500.0));
/// // With a tenth of them failing it is worth less.
/// let failing = LoadReport { eps: 10.0, ..report };
/// assert!(failing.capacity(1.0) < Some(334.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LoadReport {
    /// Requests a second.
    pub qps: f64,
    /// How many of them fail.
    pub eps: f64,
    /// The part of the endpoint that is in use: 1 if all is, and more if it is overloaded. The
    /// application's own measure if it has one, or that of the processor.
    pub utilization: f64,
}

impl LoadReport {
    /// The requests a second the endpoint could do:
    /// `qps / (utilization + eps / qps * error_penalty)`.
    ///
    /// `None` if the report does not say: without requests or utilization, or with numbers that are
    /// negative, infinite or none.
    #[must_use]
    pub fn capacity(&self, error_penalty: f64) -> Option<f64> {
        let Self {
            qps,
            eps,
            utilization,
        } = *self;
        let says = qps > 0.0 && utilization > 0.0 && eps >= 0.0 && error_penalty >= 0.0;
        let capacity = qps / (eps / qps).mul_add(error_penalty, utilization);
        (says && capacity.is_finite() && capacity > 0.0).then_some(capacity)
    }
}

/// From when on reports are believed, and for how long.
///
/// Source: gRPC proposal A58 and its defaults: ten seconds, three minutes, a penalty of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportRules {
    blackout: Duration,
    expiration: Duration,
    error_penalty: f64,
}

impl ReportRules {
    /// The same with another time for which an endpoint must have reported before it is believed: it
    /// is still warming up, or others send it more than its share.
    #[must_use]
    pub const fn blackout(self, blackout: Duration) -> Self {
        Self { blackout, ..self }
    }

    /// The same with another time after which a report is forgotten.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub const fn expiration(self, expiration: Duration) -> Result<Self, ConfigError> {
        if expiration.is_zero() {
            return Err(ConfigError::Zero {
                field: "expiration",
            });
        }
        Ok(Self { expiration, ..self })
    }

    /// The same with another penalty on errors: the utilization that an endpoint is taken to have on
    /// top if all of its requests fail.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is negative or infinite.
    pub fn error_penalty(self, error_penalty: f64) -> Result<Self, ConfigError> {
        if error_penalty.is_finite() && error_penalty >= 0.0 {
            return Ok(Self {
                error_penalty,
                ..self
            });
        }
        Err(ConfigError::OutOfRange {
            field: "error_penalty",
            expected: "zero or above, and finite",
        })
    }
}

impl Default for ReportRules {
    fn default() -> Self {
        Self {
            blackout: Duration::from_secs(10),
            expiration: Duration::from_secs(180),
            error_penalty: 1.0,
        }
    }
}

/// What an endpoint can do, by its reports so far.
///
/// Keep one for each endpoint, and every second or so set [weights](capacity_weights) by them.
///
/// ```
/// use purlin_lb::policy::LeastRequest;
/// use purlin_lb::{Cluster, Identity, Instant, LoadReport, ReportRules, ReportedCapacity, Upstream};
/// use purlin_lb::{UpdateError, capacity_weights};
///
/// let nodes = ["a", "b"];
/// let cluster = Cluster::new(LeastRequest::new(), nodes.map(Upstream::new))?;
/// let (rules, mut capacities) = (ReportRules::default(), [ReportedCapacity::default(); 2]);
/// for now in (0..=10).map(Instant::from_secs) {
///     for (reported, utilization) in capacities.iter_mut().zip([0.2, 0.8]) {
///         let report = LoadReport { qps: 100.0, eps: 0.0, utilization };
///         reported.report_at(now, &report, &rules);
///     }
/// }
/// let now = Instant::from_secs(10);
/// let weights = capacity_weights(&capacities.map(|reported| reported.get_at(now, &rules)));
/// cluster.update_at(now, |batch| {
///     let mut each = nodes.iter().zip(weights);
///     each.try_for_each(|(node, weight)| batch.set_weight(node.id(), weight))
/// })?;
/// let weight = |node: &str| cluster.endpoint(node.id()).map(|found| found.weight().get());
/// assert_eq!([weight("a"), weight("b")], [Some(65_535), Some(16_384)]);
/// # Ok::<(), UpdateError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReportedCapacity {
    last: Option<(f64, Instant)>,
    /// Since when reports have come without a pause longer than they last.
    since: Instant,
}

impl ReportedCapacity {
    /// Takes note of a report. One that [says nothing](LoadReport::capacity) is none.
    pub fn report_at(&mut self, now: Instant, report: &LoadReport, rules: &ReportRules) {
        if let Some(capacity) = report.capacity(rules.error_penalty) {
            if self.live(now, rules).is_none() {
                self.since = now;
            }
            self.last = Some((capacity, now));
        }
    }

    /// The capacity by the last report; `None` while it is not believed, or no more.
    #[must_use]
    pub fn get_at(&self, now: Instant, rules: &ReportRules) -> Option<f64> {
        let reporting = now.saturating_duration_since(self.since);
        self.live(now, rules)
            .filter(|_| reporting >= rules.blackout)
    }

    fn live(&self, now: Instant, rules: &ReportRules) -> Option<f64> {
        let (capacity, at) = self.last?;
        (now.saturating_duration_since(at) < rules.expiration).then_some(capacity)
    }
}

/// Weights in proportion to capacities, of which the greatest is 65,535. An endpoint whose capacity
/// is not known gets the mean of those that are; if fewer than two are, all weigh the same.
///
/// None is 0, which would drain it: not an endpoint that can do nothing, either.
///
/// ```
/// use purlin_lb::{Weight, capacity_weights};
///
/// let weights = capacity_weights(&[Some(500.0), None, Some(100.0)]);
/// assert_eq!(weights, [65_535, 39_321, 13_107].map(Weight::new));
/// assert_eq!(capacity_weights(&[Some(500.0), None]), [Weight::ONE; 2]);
/// ```
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a weight of 16 bits can be"
)]
pub fn capacity_weights(capacities: &[Option<f64>]) -> Vec<Weight> {
    let is_known = |capacity: &f64| capacity.is_finite() && *capacity > 0.0;
    let known = || capacities.iter().flatten().copied().filter(is_known);
    let (count, greatest) = (known().count(), known().fold(0.0, f64::max));
    if count < 2 {
        return vec![Weight::ONE; capacities.len()];
    }
    // By parts of the greatest, so that no sum overflows.
    let parts: f64 = known().map(|capacity| capacity / greatest).sum();
    let mean = parts / count as f64;
    let weight = |capacity: &Option<f64>| {
        let part = capacity
            .filter(is_known)
            .map_or(mean, |known| known / greatest);
        Weight::new((part * 65_535.0).round().clamp(1.0, 65_535.0) as u32)
    };
    capacities.iter().map(weight).collect()
}
