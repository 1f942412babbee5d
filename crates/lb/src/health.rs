//! Which endpoints are fit for requests: by asking them, and by how requests fared.
//!
//! | | finds out by | drives | says |
//! |---|---|---|---|
//! | [`HealthChecker`] | probes that the caller sends | time and results | [`Health`](crate::Health) |
//! | [`OutlierDetector`] | what the [leases](crate::Lease) of a cluster counted | a sweep each interval | ejections |
//!
//! Neither holds a cluster, sends anything or reads a clock: they decide, and the caller carries it
//! out by [`Cluster::set_health_at`](crate::Cluster::set_health_at),
//! [`eject`](crate::Cluster::eject) and [`readmit_at`](crate::Cluster::readmit_at). Health and
//! ejection are bits of their own: a probe that passes does not bring back an ejected endpoint, and
//! the end of an ejection does not heal one that fails its probes.

mod checker;
mod outlier;

pub use checker::{HealthChecker, HealthConfig, HealthInput, HealthOutput, HealthStats, Outcome};
pub use outlier::{Detector, Found, OutlierConfig, OutlierDetector, OutlierStats, Verdict};
