//! What goes into a checker, and what comes out of it.

use super::Outcome;
use crate::status::Health;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// What a [`HealthChecker`](super::HealthChecker) is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthInput {
    /// An endpoint is to be checked from now on.
    Add(NodeId),
    /// An endpoint is not to be checked any more.
    Remove(NodeId),
    /// A probe has ended.
    Probed {
        /// Of which endpoint.
        id: NodeId,
        /// The number of the probe.
        number: u64,
        /// How it ended.
        outcome: Outcome,
    },
}

/// What a [`HealthChecker`](super::HealthChecker) wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthOutput {
    /// A probe is to be sent.
    Probe {
        /// To which endpoint.
        id: NodeId,
        /// The number to answer it with.
        number: u64,
        /// When it will have failed unless it was answered: the caller may give it up then, and need
        /// not say so.
        deadline: Instant,
    },
    /// The health of an endpoint changed; of a new one, what it is to begin with.
    Changed {
        /// Of which endpoint.
        id: NodeId,
        /// Its health now.
        health: Health,
    },
}

/// Numbers of a [`HealthChecker`](super::HealthChecker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthStats {
    /// Endpoints that are healthy.
    pub healthy: usize,
    /// Endpoints that are degraded.
    pub degraded: usize,
    /// Endpoints that are unhealthy.
    pub unhealthy: usize,
    /// Endpoints that wait for their first result: what is said of their health is a guess.
    pub unknown: usize,
    /// Probes that were asked for.
    pub probes: u64,
    /// Probes that nobody answered in time.
    pub timeouts: u64,
    /// Results that came too late, or for no probe.
    pub ignored: u64,
}
