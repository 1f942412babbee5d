//! What a detector says, and what it counts.

use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// What is to be done with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the detector takes it for carried out"]
pub enum Verdict {
    /// It is to get no requests: [`Cluster::eject`](crate::Cluster::eject).
    Eject {
        /// The endpoint.
        id: NodeId,
        /// Which rule found it.
        detector: Detector,
        /// The first sweep after this readmits it.
        until: Instant,
    },
    /// It is to get requests again: [`Cluster::readmit_at`](crate::Cluster::readmit_at).
    Readmit {
        /// The endpoint.
        id: NodeId,
    },
}

/// A rule that finds outliers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detector {
    /// Too many failures without a success between them.
    ConsecutiveFailures,
    /// A rate of success far below that of the others.
    SuccessRate,
    /// A part of failures that is too high, whatever the others'.
    FailurePercentage,
}

/// Numbers of an [`OutlierDetector`](super::OutlierDetector).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OutlierStats {
    /// Endpoints there were at the last sweep, and that were observed since.
    pub endpoints: usize,
    /// Endpoints that are out.
    pub ejected: usize,
    /// What [`Detector::ConsecutiveFailures`] did.
    pub consecutive_failures: Found,
    /// What [`Detector::SuccessRate`] did.
    pub success_rate: Found,
    /// What [`Detector::FailurePercentage`] did.
    pub failure_percentage: Found,
    /// Endpoints that were allowed back.
    pub readmitted: u64,
    /// The mean rate of success in the last sweep, from 0 to 1; `None` where too few endpoints had
    /// enough requests.
    pub mean_success_rate: Option<f64>,
    /// Below what rate an endpoint was an outlier in the last sweep. It may be negative.
    pub success_rate_threshold: Option<f64>,
}

/// What one [`Detector`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Outliers, ejected or not.
    pub detected: u64,
    /// Those that were ejected.
    pub ejected: u64,
    /// Those that were not because enough endpoints were out. The rest were not because the rule is
    /// not, or not always, enforced.
    pub at_limit: u64,
}
