//! Active health checks: when to probe whom, and what the results mean.

mod config;
mod signal;
mod target;

pub use config::HealthConfig;
pub use signal::{HealthInput, HealthOutput, HealthStats};
pub use target::Outcome;

use crate::cluster::Snapshot;
use crate::error::UpdateError;
use crate::sampling::entropy;
use crate::state::State;
use crate::status::Health;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::Instant;
use target::Target;

/// As many as a cluster can have.
const MAX: usize = u32::MAX as usize;

/// Decides when which endpoint is probed, and from the results how healthy it is.
///
/// A [`Machine`]: it asks for probes by [`HealthOutput::Probe`], the caller sends them as it likes
/// (HTTP, gRPC, a TCP connection) and tells what came of them by [`HealthInput::Probed`]. At most one
/// probe of an endpoint is out at a time. Probes have numbers, none of which comes twice: a result
/// that comes at its probe's deadline or later, [`handle_timeout`](Machine::handle_timeout) called or not, or after its endpoint was removed, even if it was added
/// again since, is ignored.
///
/// * The first result decides at once. After that it takes
///   [`healthy_threshold`](HealthConfig::healthy_threshold) or
///   [`unhealthy_threshold`](HealthConfig::unhealthy_threshold) results in a row, or one
///   [`Outcome::NotServing`].
/// * The time to the next probe runs from the result, as Envoy's does, so that a slow endpoint is not
///   asked more often than it answers; and is jittered, so that probes that began together drift
///   apart.
/// * The first probes are spread over [`first_within`](HealthConfig::first_within).
///
/// Which endpoints are checked is said by [`follow`](Self::follow), with a snapshot of a cluster
/// whenever it may have changed, or one by one with [`HealthInput::Add`] and
/// [`HealthInput::Remove`].
///
/// Any call takes O(log endpoints) for each endpoint it is about; memory is some 150 bytes an
/// endpoint. Outputs that are not fetched do not pile up: there is at most a probe and a change for
/// an endpoint, the latest. Time that goes backwards stands still until it has caught up.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::machine::Machine;
/// use purlin_lb::health::{HealthChecker, HealthConfig, HealthInput, HealthOutput, Outcome};
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Identity, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::new(), ["a", "b"].map(Upstream::new))?;
/// let mut checker = HealthChecker::new(HealthConfig::new());
/// let mut now = Instant::ORIGIN;
/// // The loop of a driver. This one has its results at once: "b" does not answer.
/// for _ in 0..4 {
///     checker.follow(now, &cluster.load());
///     while let Some(output) = checker.poll_output() {
///         match output {
///             HealthOutput::Changed { id, health } => {
///                 // An endpoint that was removed meanwhile needs no health.
///                 let _ = cluster.set_health_at(now, id, health);
///             }
///             HealthOutput::Probe { id, number, .. } => {
///                 let outcome = if id == "b".id() { Outcome::Failure } else { Outcome::Success };
///                 checker.handle(now, HealthInput::Probed { id, number, outcome })?;
///             }
///         }
///     }
///     now = checker.poll_timeout().expect("there is always a next probe");
///     checker.handle_timeout(now);
/// }
/// assert_eq!(*cluster.pick_at(now, &Request::new())?.node(), "a");
/// assert_eq!(*cluster.pick_at(now, &Request::new())?.node(), "a");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HealthChecker {
    config: HealthConfig,
    random: SplitMix64,
    /// The latest time there was.
    now: Instant,
    targets: BTreeMap<NodeId, Target>,
    /// When something is due of an endpoint: its next probe, or the timeout of the one that is out.
    /// A set and not a heap, so that what is void can be taken out: memory is that of the endpoints,
    /// however long timeouts are.
    due: BTreeSet<(Instant, NodeId)>,
    /// Endpoints that have something to say, once each, in the order in which they began to. A set
    /// and not a queue, so that one that is removed can be taken out of its middle.
    telling: BTreeSet<(u64, NodeId)>,
    /// The place of the next one in that order.
    turn: u64,
    /// The number of the next probe.
    next: u64,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    probes: u64,
    timeouts: u64,
    ignored: u64,
}

impl HealthChecker {
    /// A checker of no endpoints yet, whose jitter differs from process to process.
    #[must_use]
    pub fn new(config: HealthConfig) -> Self {
        Self::seeded(config, entropy())
    }

    /// The same, with the same probes at the same times for the same seed.
    #[must_use]
    pub fn seeded(config: HealthConfig, seed: u64) -> Self {
        Self {
            config,
            random: SplitMix64::new(seed),
            now: Instant::ORIGIN,
            targets: BTreeMap::new(),
            due: BTreeSet::new(),
            telling: BTreeSet::new(),
            turn: 0,
            next: 0,
            counts: Counts::default(),
        }
    }

    /// What is thought of the health of an endpoint; `None` if it is not checked.
    #[must_use]
    pub fn health(&self, id: NodeId) -> Option<Health> {
        self.targets.get(&id).map(|target| target.health)
    }

    /// How many endpoints are checked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// How the endpoints are, and what was done. O(endpoints).
    #[must_use]
    pub fn stats(&self) -> HealthStats {
        let mut stats = HealthStats {
            probes: self.counts.probes,
            timeouts: self.counts.timeouts,
            ignored: self.counts.ignored,
            ..HealthStats::default()
        };
        for target in self.targets.values() {
            *match target.health {
                Health::Healthy => &mut stats.healthy,
                Health::Degraded => &mut stats.degraded,
                Health::Unhealthy => &mut stats.unhealthy,
            } += 1;
            stats.unknown += usize::from(!target.decided);
        }
        stats
    }

    /// Checks the endpoints of this snapshot from now on, and no others: adds those that are new,
    /// and removes those that are gone.
    ///
    /// What is known of the rest stays, and their probes go on. Where an endpoint's health is not
    /// what was said of it, [`HealthOutput::Changed`] says it again: one that was removed and added
    /// again since the last call is what the cluster takes it for at first, and nobody told it
    /// otherwise. So nobody else is to set the health of endpoints that are checked.
    ///
    /// To be called whenever the cluster may have changed; before each sleep is often enough. Takes
    /// O(endpoints log endpoints).
    ///
    /// ```
    /// use purlin_core::machine::Machine;
    /// use purlin_lb::health::{HealthChecker, HealthConfig};
    /// use purlin_lb::policy::RoundRobin;
    /// use purlin_lb::{Cluster, Identity, Instant, Upstream};
    ///
    /// let cluster = Cluster::new(RoundRobin::new(), ["a", "b"].map(Upstream::new))?;
    /// let mut checker = HealthChecker::new(HealthConfig::new());
    /// checker.follow(Instant::ORIGIN, &cluster.load());
    /// cluster.remove("b".id())?;
    /// checker.follow(Instant::ORIGIN, &cluster.load());
    /// assert_eq!((checker.len(), checker.health("b".id())), (1, None));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn follow<T, P>(&mut self, now: Instant, snapshot: &Snapshot<T, P>) {
        self.now = self.now.max(now);
        // By identity, so that the draws do not depend on the positions in the snapshot.
        let health = |state: &State| (state.id(), state.status().health());
        let present: BTreeMap<NodeId, Health> = snapshot.iter().map(|it| health(it)).collect();
        let checked = self.targets.keys().copied();
        let gone: Vec<NodeId> = checked.filter(|id| !present.contains_key(id)).collect();
        for id in gone {
            self.forget(id);
        }
        for (id, health) in present {
            let Some(target) = self.targets.get_mut(&id) else {
                // There is room: no cluster has more endpoints than a checker may.
                self.begin(id);
                continue;
            };
            if target.remind(health) {
                self.tell(id);
            }
        }
    }

    fn add(&mut self, id: NodeId) -> Result<(), UpdateError> {
        if self.targets.contains_key(&id) {
            return Err(UpdateError::Duplicate { id });
        }
        if self.targets.len() >= MAX {
            return Err(UpdateError::Full { max: MAX });
        }
        self.begin(id);
        Ok(())
    }

    /// Checks one that is not checked yet.
    fn begin(&mut self, id: NodeId) {
        self.targets
            .insert(id, Target::new(self.config.initial_health()));
        let delay = up_to(&mut self.random, self.config.first_window());
        self.schedule(id, delay);
        self.tell(id);
    }

    fn remove(&mut self, id: NodeId) -> Result<(), UpdateError> {
        if self.forget(id) {
            Ok(())
        } else {
            Err(UpdateError::Unknown { id })
        }
    }

    /// Answers whether it was checked.
    fn forget(&mut self, id: NodeId) -> bool {
        let Some(target) = self.targets.remove(&id) else {
            return false;
        };
        if let Some(due) = target.due {
            self.due.remove(&(due, id));
        }
        if let Some(turn) = target.turn {
            self.telling.remove(&(turn, id));
        }
        true
    }

    fn probed(&mut self, id: NodeId, number: u64, outcome: Outcome) {
        let asked = self.targets.get(&id);
        let Some(target) = asked.filter(|target| target.probe == Some(number)) else {
            self.counts.ignored += 1;
            return;
        };
        // Whether its driver was late to say that time is over must not decide.
        if target.due.is_some_and(|deadline| deadline <= self.now) {
            self.counts.ignored += 1;
            self.fire(id);
            return;
        }
        self.conclude(id, outcome);
    }

    /// The probe that is out has ended.
    fn conclude(&mut self, id: NodeId, outcome: Outcome) {
        let Some(target) = self.targets.get_mut(&id) else {
            return;
        };
        target.probe = None;
        let edge = target.judge(outcome, &self.config);
        let interval = self.config.interval_after(target.health, edge);
        let jitter = up_to(&mut self.random, self.config.jitter_of(interval));
        self.schedule(id, interval.saturating_add(jitter));
        self.tell(id);
    }

    /// What was due of an endpoint is: the timeout of a probe, or the next.
    fn fire(&mut self, id: NodeId) {
        let Some(target) = self.targets.get_mut(&id) else {
            return;
        };
        if target.probe.is_some() {
            self.counts.timeouts += 1;
            self.conclude(id, Outcome::Failure);
            return;
        }
        target.probe = Some(self.next);
        target.asks = true;
        self.next += 1;
        self.counts.probes += 1;
        self.schedule(id, self.config.probe_timeout());
        self.tell(id);
    }

    /// Instead of what was due of it before. What would be after the end of time never is.
    fn schedule(&mut self, id: NodeId, delay: Duration) {
        let Some(target) = self.targets.get_mut(&id) else {
            return;
        };
        if let Some(due) = target.due.take() {
            self.due.remove(&(due, id));
        }
        target.due = self.now.checked_add(delay);
        self.due.extend(target.due.map(|due| (due, id)));
    }

    fn tell(&mut self, id: NodeId) {
        if let Some(target) = self.targets.get_mut(&id)
            && target.turn.is_none()
        {
            target.turn = Some(self.turn);
            self.telling.insert((self.turn, id));
            self.turn += 1;
        }
    }
}

impl Machine for HealthChecker {
    type Input = HealthInput;
    type Output = HealthOutput;
    type Error = UpdateError;

    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`] from [`HealthInput::Add`], and
    /// [`UpdateError::Unknown`] from [`HealthInput::Remove`]. A result is never refused: it may be
    /// late.
    fn handle(&mut self, now: Instant, input: HealthInput) -> Result<(), UpdateError> {
        self.now = self.now.max(now);
        match input {
            HealthInput::Add(id) => self.add(id),
            HealthInput::Remove(id) => self.remove(id),
            HealthInput::Probed {
                id,
                number,
                outcome,
            } => {
                self.probed(id, number, outcome);
                Ok(())
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        // It ends: what is scheduled meanwhile is after now.
        while let Some(&(due, id)) = self.due.first()
            && due <= self.now
        {
            self.fire(id);
        }
    }

    fn poll_output(&mut self) -> Option<HealthOutput> {
        while let Some(&(_, id)) = self.telling.first() {
            if let Some(target) = self.targets.get_mut(&id) {
                if let Some(output) = target.next_output(id) {
                    return Some(output);
                }
                target.turn = None;
            }
            self.telling.pop_first();
        }
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }
}

/// A random part of it, all of it included.
fn up_to(random: &mut SplitMix64, most: Duration) -> Duration {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random.below(most.saturating_add(1)))
}
