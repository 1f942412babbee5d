//! One endpoint that is checked.

use super::{HealthConfig, HealthOutput};
use crate::status::Health;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The endpoint is well.
    Success,
    /// The endpoint answers, and says that others would be better: a success, and
    /// [`Health::Degraded`] instead of [`Health::Healthy`].
    Degraded,
    /// No answer, or a wrong one: so many in a row as the threshold says make it unhealthy.
    Failure,
    /// The endpoint itself says that it takes no requests, as gRPC's `NOT_SERVING`: unhealthy at
    /// once, whatever the threshold.
    NotServing,
}

impl Outcome {
    const fn health(self) -> Health {
        match self {
            Self::Success => Health::Healthy,
            Self::Degraded => Health::Degraded,
            Self::Failure | Self::NotServing => Health::Unhealthy,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) health: Health,
    /// Whether there was a result at all.
    pub(super) decided: bool,
    /// Results in a row that speak against the present health.
    run: u32,
    /// The number of the probe that is out.
    pub(super) probe: Option<u64>,
    /// Until when, or when the next one is due.
    pub(super) due: Option<Instant>,
    /// Whether that probe was not fetched yet.
    pub(super) asks: bool,
    /// The health that was fetched last.
    told: Option<Health>,
    /// Its place among those with something to say, if it has.
    pub(super) turn: Option<u64>,
}

impl Target {
    pub(super) const fn new(health: Health) -> Self {
        Self {
            health,
            decided: false,
            run: 0,
            probe: None,
            due: None,
            asks: false,
            told: None,
            turn: None,
        }
    }

    /// Takes a result into account. Answers whether it went from taking requests to not doing so, or
    /// back.
    pub(super) fn judge(&mut self, outcome: Outcome, config: &HealthConfig) -> bool {
        let said = outcome.health();
        let first = !core::mem::replace(&mut self.decided, true);
        if (said == Health::Unhealthy) == (self.health == Health::Unhealthy) {
            self.run = 0;
            self.health = said;
            return false;
        }
        self.run = self.run.saturating_add(1);
        let enough = self.run >= config.threshold_to(said);
        if !(first || enough || outcome == Outcome::NotServing) {
            return false;
        }
        self.run = 0;
        self.health = said;
        true
    }

    /// Takes note of the health that the endpoint has. Answers whether that is not what was said of
    /// it: then it is to be said again.
    pub(super) fn remind(&mut self, has: Health) -> bool {
        let differs = self.told.is_some_and(|told| told != has);
        if differs {
            self.told = None;
        }
        differs
    }

    pub(super) fn next_output(&mut self, id: NodeId) -> Option<HealthOutput> {
        let health = self.health;
        if self.told != Some(health) {
            self.told = Some(health);
            return Some(HealthOutput::Changed { id, health });
        }
        if !core::mem::take(&mut self.asks) {
            return None;
        }
        Some(HealthOutput::Probe {
            id,
            // None, if it timed out before anybody fetched it.
            number: self.probe?,
            // None is beyond the end of time.
            deadline: self.due.unwrap_or(Instant::from_nanos(u64::MAX)),
        })
    }
}
