//! Passive health: endpoints that fare worse than the others are put out for a while.

mod config;
mod host;
mod rules;
mod verdict;

pub use config::OutlierConfig;
pub use verdict::{Detector, Found, OutlierStats, Verdict};

use crate::cluster::Snapshot;
use crate::endpoint::Endpoint;
use crate::sampling::entropy;
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use host::Host;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::Instant;

/// Finds the endpoints of a cluster that fail more than they should, and says for how long they are
/// to be out.
///
/// It reads what [leases](crate::Lease) count anyway, [`State::completed`] and
/// [`State::consecutive_failures`], once an [`interval`](OutlierConfig::interval): requests pay
/// nothing for it. Each [`sweep_at`](Self::sweep_at) looks at the requests that ended since the last
/// one, by three rules:
///
/// | [`Detector`] | finds an endpoint |
/// |---|---|
/// | `ConsecutiveFailures` | that failed so many times since its last success |
/// | `SuccessRate` | whose rate of success is below `mean - factor * deviation` of all that had enough requests |
/// | `FailurePercentage` | of which more than so many percent failed |
///
/// Rules and defaults are those of Envoy's outlier detection and of gRPC's (proposal A50), in gRPC's
/// order: the rules, one after the other; then each endpoint that is in forgives one of its past
/// ejections, and each that has been out for longer than its time comes back. Unlike theirs, the
/// worst go first where [`max_ejection_percent`](OutlierConfig::max_ejection_percent) leaves no room
/// for all.
///
/// What it has ejected it takes for ejected until it says otherwise, so its verdicts are all to be
/// carried out, and nobody else is to eject or readmit: to take an endpoint out by hand, drain it.
/// One that is ejected when it is first seen, by a former detector perhaps, counts as ejected at
/// that moment.
///
/// A sweep takes O(endpoints log endpoints), and [`observe_at`](Self::observe_at) O(log endpoints);
/// memory is some 100 bytes an endpoint. A sweep that is early, or whose time went backwards, does
/// nothing.
///
/// ```
/// use purlin_lb::health::{OutlierConfig, OutlierDetector, Verdict};
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Identity, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::new(), ["a", "b", "c"].map(Upstream::new))?;
/// let mut detector = OutlierDetector::new(OutlierConfig::new());
/// let mut sweep = |now| {
///     for verdict in detector.sweep_at(now, &cluster.load()) {
///         // An endpoint that was removed meanwhile needs no verdict.
///         let _ = match verdict {
///             Verdict::Eject { id, .. } => cluster.eject(id),
///             Verdict::Readmit { id } => cluster.readmit_at(now, id),
///         };
///     }
/// };
/// sweep(Instant::from_secs(0));
/// for _ in 0..30 {
///     let lease = cluster.pick_at(Instant::from_secs(1), &Request::new())?;
///     match *lease.node() {
///         "b" => lease.failure_at(Instant::from_secs(2)),
///         _ => lease.success_at(Instant::from_secs(2)),
///     }
/// }
/// let b = cluster.endpoint("b".id()).expect("it is there");
/// sweep(Instant::from_secs(10));
/// assert!(b.status().is_ejected());
/// sweep(Instant::from_secs(40)); // 30 s, and not a moment longer
/// assert!(b.status().is_ejected());
/// sweep(Instant::from_secs(50));
/// assert!(!b.status().is_ejected());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OutlierDetector {
    config: OutlierConfig,
    random: SplitMix64,
    hosts: BTreeMap<NodeId, Host>,
    /// How many of them are out.
    out: usize,
    /// When the next sweep is due; `None` before the first.
    next: Option<Instant>,
    stats: OutlierStats,
}

impl OutlierDetector {
    /// A detector that has seen nothing yet. Its draws, if rules are enforced at a percentage,
    /// differ from process to process.
    #[must_use]
    pub fn new(config: OutlierConfig) -> Self {
        Self::seeded(config, entropy())
    }

    /// The same, with the same draws for the same seed.
    #[must_use]
    pub fn seeded(config: OutlierConfig, seed: u64) -> Self {
        Self {
            config,
            random: SplitMix64::new(seed),
            hosts: BTreeMap::new(),
            out: 0,
            next: None,
            stats: OutlierStats::default(),
        }
    }

    /// When the next sweep is due; at once, before the first.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.next.unwrap_or(Instant::ORIGIN)
    }

    /// Looks at the requests that ended since the last sweep, and answers what is to be done.
    /// Nothing, if no sweep is due. The first one only takes note of what was before it, but for
    /// consecutive failures.
    #[must_use = "the detector takes its verdicts for carried out"]
    pub fn sweep_at<T, P>(&mut self, now: Instant, snapshot: &Snapshot<T, P>) -> Vec<Verdict> {
        if now < self.poll_timeout() {
            return Vec::new();
        }
        self.take_stock(now, snapshot);
        self.next = Some(now.saturating_add(self.config.sweep_interval()));
        let mut verdicts = Vec::new();
        let suspects = rules::consecutive_failures(&self.hosts, &self.config);
        self.judge(now, Detector::ConsecutiveFailures, suspects, &mut verdicts);

        let spread = rules::spread(&self.hosts, &self.config);
        self.stats.mean_success_rate = spread.map(|(mean, _)| mean);
        self.stats.success_rate_threshold = spread.map(|(_, threshold)| threshold);
        if let Some((_, threshold)) = spread {
            let suspects = rules::success_rate(&self.hosts, &self.config, threshold);
            self.judge(now, Detector::SuccessRate, suspects, &mut verdicts);
        }
        let suspects = rules::failure_percentage(&self.hosts, &self.config);
        self.judge(now, Detector::FailurePercentage, suspects, &mut verdicts);
        self.readmit(now, &mut verdicts);
        verdicts
    }

    /// Looks at the consecutive failures of one endpoint at once, for those who do not want to wait
    /// for the next sweep. Answers what is to be done with it: nothing before the first sweep, which
    /// tells how many endpoints there are, and so how many may be out; it judges the failures that
    /// were before it.
    ///
    /// To be called after [`Lease::failure_at`](crate::Lease::failure_at), if
    /// [`OutlierConfig::suspects`]: that needs no lock, and is rarely so unless everything fails.
    ///
    /// ```
    /// # use purlin_lb::health::{OutlierConfig, OutlierDetector, Verdict};
    /// # use purlin_lb::{Cluster, Instant, Request, Upstream, policy::RoundRobin};
    /// # let cluster = Cluster::new(RoundRobin::new(), ["a"].map(Upstream::new))?;
    /// # let config = OutlierConfig::new();
    /// # let detector = std::sync::Mutex::new(OutlierDetector::new(config));
    /// # let now = Instant::from_secs(1);
    /// # let _ = detector.lock().expect("not poisoned").sweep_at(now, &cluster.load());
    /// # for _ in 0..5 {
    /// # let lease = cluster.pick_at(now, &Request::new())?;
    /// // Where a request failed:
    /// let endpoint = lease.endpoint().clone();
    /// lease.failure_at(now);
    /// if config.suspects(&endpoint) {
    ///     let verdict = detector.lock().expect("not poisoned").observe_at(now, &endpoint);
    ///     if let Some(Verdict::Eject { id, .. }) = verdict {
    ///         cluster.eject(id)?;
    ///     }
    /// }
    /// # }
    /// assert!(cluster.load().endpoint(0).expect("it is there").status().is_ejected());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn observe_at<T>(&mut self, now: Instant, endpoint: &Endpoint<T>) -> Option<Verdict> {
        let state = endpoint.shared_state();
        let began = self.next.is_some();
        if !began || state.status().is_removed() {
            return None;
        }
        let host = match self.hosts.entry(state.id()) {
            Entry::Occupied(entry) if entry.get().is(state) => entry.into_mut(),
            entry => {
                let host = Host::new(state, began, now);
                self.out += usize::from(host.is_out());
                match entry {
                    Entry::Vacant(entry) => entry.insert(host),
                    Entry::Occupied(mut entry) => {
                        self.out -= usize::from(entry.insert(host).is_out());
                        entry.into_mut()
                    }
                }
            }
        };
        if !rules::failed_in_a_row(host, &self.config) {
            return None;
        }
        self.eject(now, state.id(), Detector::ConsecutiveFailures)
    }

    /// How many endpoints are out, what was found, and by which rule.
    #[must_use]
    pub fn stats(&self) -> OutlierStats {
        OutlierStats {
            endpoints: self.hosts.len(),
            ejected: self.out,
            ..self.stats
        }
    }

    /// The endpoints there are now, each with the requests that ended since the last sweep.
    fn take_stock<T, P>(&mut self, now: Instant, snapshot: &Snapshot<T, P>) {
        let began = self.next.is_some();
        let mut former = core::mem::take(&mut self.hosts);
        let hosts = snapshot.iter().map(|endpoint| {
            let state = endpoint.shared_state();
            // One of the same identity that was removed and added again is another.
            let known = former.remove(&state.id()).filter(|host| host.is(state));
            let mut host = known.unwrap_or_else(|| Host::new(state, began, now));
            host.close_bucket();
            (state.id(), host)
        });
        self.hosts = hosts.collect();
        self.out = self.hosts.values().filter(|host| host.is_out()).count();
    }

    fn judge(
        &mut self,
        now: Instant,
        detector: Detector,
        suspects: Vec<NodeId>,
        verdicts: &mut Vec<Verdict>,
    ) {
        for id in suspects {
            verdicts.extend(self.eject(now, id, detector));
        }
    }

    /// Ejects an outlier, if there is room and the rule is enforced.
    fn eject(&mut self, now: Instant, id: NodeId, detector: Detector) -> Option<Verdict> {
        let host = self.hosts.get_mut(&id)?;
        if detector == Detector::ConsecutiveFailures {
            // Ejected or not, it takes as many again.
            host.forgive_failures();
        }
        let room = self.config.has_room(self.out, self.hosts.len());
        let found = match detector {
            Detector::ConsecutiveFailures => &mut self.stats.consecutive_failures,
            Detector::SuccessRate => &mut self.stats.success_rate,
            Detector::FailurePercentage => &mut self.stats.failure_percentage,
        };
        found.detected += 1;
        if !room {
            found.at_limit += 1;
            return None;
        }
        if self.random.below(100) >= self.config.enforced_percent(detector) {
            return None;
        }
        found.ejected += 1;
        self.out += 1;
        let host = self.hosts.get_mut(&id)?;
        host.eject(now, &self.config);
        Some(Verdict::Eject {
            id,
            detector,
            until: host.out_until(&self.config)?,
        })
    }

    /// What time does: it forgives those that are in, and lets in those that are out.
    fn readmit(&mut self, now: Instant, verdicts: &mut Vec<Verdict>) {
        for (&id, host) in &mut self.hosts {
            match host.out_until(&self.config) {
                None => host.forgive_ejection(),
                Some(until) if now > until => {
                    host.readmit();
                    self.out -= 1;
                    self.stats.readmitted += 1;
                    verdicts.push(Verdict::Readmit { id });
                }
                Some(_) => {}
            }
        }
    }
}
