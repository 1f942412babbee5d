//! A cluster with a naive model beside it.

use super::step::{Member, Step};
use super::subject::Case;
use crate::any::AnyBalancer;
use crate::balancer::Balancer as _;
use crate::cluster::{Batch, Cluster, ClusterBuilder, Delta};
use crate::endpoint::Lease;
use crate::error::{Unavailable, UpdateError};
use crate::request::Request;
use crate::slow_start::SlowStart;
use crate::state::State;
use crate::status::Health;
use crate::upstream::{Upstream, Zone};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;

/// A cluster that is changed step by step, and compared with a list of its endpoints after each: who
/// is open, how many requests are in flight, which latencies are known; and every pick with those it
/// may be.
pub struct World {
    case: Case,
    cluster: Cluster<u64, AnyBalancer>,
    own_panic: bool,
    panic_threshold: u8,
    known: BTreeMap<u64, Known>,
    leases: Vec<(Lease<u64>, u64)>,
    /// How often an endpoint of that number came: one that comes again is another.
    births: u64,
    now: Instant,
}

/// What the model knows of an endpoint.
#[derive(Clone, Debug)]
struct Known {
    birth: u64,
    weight: u32,
    health: u8,
    ejected: bool,
    draining: bool,
    in_flight: u32,
    completed: (u32, u32),
    /// What was seen of it after the last step, to be there after the next; `None` where that may
    /// have changed.
    gauges: Option<Gauges>,
    warm_since: Option<Instant>,
}

/// Latency as bits, when it was, until when it is avoided, failures in a row.
type Gauges = (Option<u64>, Instant, Instant, u32);

/// What a cluster answers to a change of endpoints or weights.
type Answer = Result<Option<Delta>, UpdateError>;

impl Known {
    fn reweigh(&mut self, weight: u32) {
        // It comes back, and may be in slow start.
        if self.weight == 0 {
            self.warm_since = None;
        }
        self.weight = weight;
    }

    fn present(&self) -> bool {
        self.weight > 0 && !self.draining
    }

    fn sound(&self) -> bool {
        self.present() && self.health != 2 && !self.ejected
    }
}

impl World {
    pub(super) fn new(
        case: Case,
        policy: AnyBalancer,
        panic_threshold: u8,
        own_panic: bool,
        ramp: Option<SlowStart>,
    ) -> Self {
        let cluster = ClusterBuilder::new(policy)
            .panic_threshold(panic_threshold)
            .map(|builder| match ramp {
                Some(ramp) => builder.slow_start(ramp).build([]),
                None => builder.build([]),
            });
        let Ok(Ok(cluster)) = cluster else {
            case.fail("no cluster without endpoints")
        };
        Self {
            case,
            cluster,
            own_panic,
            panic_threshold,
            known: BTreeMap::new(),
            leases: Vec::new(),
            births: 0,
            now: Instant::from_secs(1),
        }
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster<u64, AnyBalancer> {
        &self.cluster
    }

    /// What time it is.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Lets that happen, and compares everything.
    ///
    /// # Panics
    ///
    /// Where the cluster is not what it should be.
    #[track_caller]
    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Insert(_) | Step::Remove(_) | Step::SetWeight(..) | Step::Replace(_) => {
                let cluster = self.cluster.clone();
                if let Some(answer) = alone(&cluster, self.now, step) {
                    self.update(step, answer);
                }
            }
            Step::Batch(steps) => self.batch(steps),
            Step::Health(id, health) => {
                let said = [Health::Healthy, Health::Degraded, Health::Unhealthy];
                let health = *health % 3;
                let expected = self.change(*id, |known| {
                    known.health = health;
                    known.warm_since = None;
                });
                let said = said[usize::from(health)];
                let found = self.cluster.set_health_at(self.now, NodeId(*id), said);
                self.same(step, expected, found.map(drop));
            }
            Step::Eject(id, out) => {
                let expected = self.change(*id, |known| {
                    known.ejected = *out;
                    known.warm_since = None;
                });
                let found = if *out {
                    self.cluster.eject(NodeId(*id))
                } else {
                    self.cluster.readmit_at(self.now, NodeId(*id))
                };
                self.same(step, expected, found.map(drop));
            }
            Step::Drain(id, on) => {
                let expected = self.change(*id, |known| {
                    known.draining = *on;
                    known.warm_since = None;
                });
                let found = if *on {
                    self.cluster.drain(NodeId(*id))
                } else {
                    self.cluster.undrain_at(self.now, NodeId(*id))
                };
                self.same(step, expected, found.map(drop));
            }
            Step::Pick(key, excluded) => {
                self.pick(*key, excluded);
            }
            Step::End(which, how) => self.end(*which, *how),
            Step::Clock(millis) => self.now = Instant::from_millis(*millis),
        }
        self.compare(step);
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut Known)) -> Option<()> {
        self.known.get_mut(&id).map(change)
    }

    #[track_caller]
    fn same(&self, step: &Step, known: Option<()>, found: Result<(), UpdateError>) {
        let unknown = matches!(found, Err(UpdateError::Unknown { .. }));
        let agrees = known.map_or(unknown, |()| found.is_ok());
        self.case.check(agrees, format_args!("{step:?}: {found:?}"));
    }

    fn born(&mut self, weight: u32) -> Known {
        self.births += 1;
        Known {
            birth: self.births,
            weight,
            health: 0,
            ejected: false,
            draining: false,
            in_flight: 0,
            completed: (0, 0),
            gauges: None,
            warm_since: None,
        }
    }

    /// All at once. What is refused is left out, the rest is published.
    #[track_caller]
    fn batch(&mut self, steps: &[Step]) {
        let cluster = self.cluster.clone();
        let published = cluster.update_at(self.now, |batch| {
            for step in steps {
                if let Some(answer) = among_others(batch, step) {
                    self.update(step, answer);
                }
            }
            Ok::<(), UpdateError>(())
        });
        self.case.equal(&published, &Ok(()), "a batch");
    }

    /// The model follows a change of endpoints or weights, and compares what was answered.
    #[track_caller]
    fn update(&mut self, step: &Step, answer: Answer) {
        match step {
            Step::Insert(member) => {
                let there = self.known.contains_key(&member.id);
                let what = format_args!("{member:?} comes: {answer:?}");
                self.case.check(answer.is_err() == there, what);
                if !there {
                    self.list(*member);
                }
            }
            Step::Remove(id) => {
                let expected = self.known.remove(id).map(|_| ());
                self.same(step, expected, answer.map(drop));
            }
            Step::SetWeight(id, weight) => {
                let expected = self.change(*id, |known| known.reweigh(*weight));
                self.same(step, expected, answer.map(drop));
            }
            Step::Replace(members) => self.replace(members, answer),
            _ => {}
        }
    }

    #[track_caller]
    fn replace(&mut self, members: &[Member], answer: Answer) {
        let ids: BTreeSet<u64> = members.iter().map(|member| member.id).collect();
        if ids.len() < members.len() {
            self.case
                .check(answer.is_err(), "a list with duplicates was taken");
            return;
        }
        let Ok(Some(delta)) = answer else {
            self.case.fail(format_args!("{members:?}: {answer:?}"))
        };
        let kept = self.known.keys().filter(|id| ids.contains(id)).count();
        let expected = (ids.len() - kept, self.known.len() - kept, kept);
        let told = (delta.added, delta.removed, delta.kept);
        self.case.equal(&told, &expected, "added, removed, kept");
        self.known.retain(|id, _| ids.contains(id));
        for member in members {
            self.list(*member);
        }
    }

    /// One that comes, or another weight of one that is there.
    fn list(&mut self, member: Member) {
        match self.known.get_mut(&member.id) {
            Some(known) => known.reweigh(member.weight),
            None => {
                let known = self.born(member.weight);
                self.known.insert(member.id, known);
            }
        }
    }

    /// The endpoints that take requests, by the definition.
    #[must_use]
    pub fn open(&self) -> BTreeSet<u64> {
        let of = |takes: fn(&Known) -> bool| -> BTreeSet<u64> {
            let taking = self.known.iter().filter(|(_, known)| takes(known));
            taking.map(|(id, _)| *id).collect()
        };
        let (sound, present) = (of(Known::sound), of(Known::present));
        if sound.len() * 100 < usize::from(self.panic_threshold) * present.len() {
            present
        } else {
            sound
        }
    }

    /// A request, and where it went.
    ///
    /// # Panics
    ///
    /// Where it went to one that is closed or excluded, or nowhere although it could.
    #[track_caller]
    pub fn pick(&mut self, key: Option<u64>, excluded: &[u64]) -> Option<u64> {
        let exclude: Vec<NodeId> = excluded.iter().copied().map(NodeId).collect();
        let mut request = Request::new().exclude(&exclude);
        if let Some(key) = key {
            request = request.key_hash(KeyHash(SplitMix64::mix(key)));
        }
        let open = self.open();
        let free = open.iter().any(|id| !excluded.contains(id));
        let found = self.cluster.pick_at(self.now, &request);
        let what = format_args!("a request that may not go to {excluded:?}, of {open:?}");
        match found {
            Ok(lease) => {
                let id = *lease.node();
                let takes = if self.own_panic {
                    self.known.get(&id).is_some_and(Known::present)
                } else {
                    open.contains(&id)
                };
                self.case.check(
                    takes && !excluded.contains(&id),
                    format_args!("{what}, went to {id}"),
                );
                if let Some(known) = self.known.get_mut(&id) {
                    known.in_flight += 1;
                    self.leases.push((lease, known.birth));
                }
                Some(id)
            }
            Err(error) => {
                self.case
                    .check(!free, format_args!("{what}, went nowhere: {error}"));
                let expected = if self.known.is_empty() {
                    Unavailable::Empty
                } else if open.is_empty() {
                    Unavailable::Closed
                } else {
                    Unavailable::Unsuitable
                };
                self.case.equal(&error, &expected, what);
                None
            }
        }
    }

    fn end(&mut self, which: usize, how: u8) {
        let Some(which) = which.checked_rem(self.leases.len()) else {
            return;
        };
        let (lease, birth) = self.leases.swap_remove(which);
        let known = self.known.get_mut(lease.node());
        if let Some(known) = known.filter(|known| known.birth == birth) {
            known.in_flight -= 1;
            known.gauges = None;
            match how % 3 {
                0 => known.completed.0 += 1,
                1 => known.completed.1 += 1,
                _ => {}
            }
        }
        match how % 3 {
            0 => lease.success_at(self.now),
            1 => lease.failure_at(self.now),
            _ => drop(lease),
        }
    }

    /// Ends all requests as successes.
    pub fn end_all(&mut self) {
        while !self.leases.is_empty() {
            self.end(0, 0);
        }
    }

    #[track_caller]
    fn compare(&mut self, step: &Step) {
        self.cluster.check_invariants();
        let snapshot = self.cluster.load();
        let (case, pool) = (self.case, snapshot.pool());
        case.equal(
            &snapshot.len(),
            &self.known.len(),
            format_args!("endpoints after {step:?}"),
        );
        let open = self.open();
        case.equal(
            &pool.open_len(),
            &open.len(),
            format_args!("open ones after {step:?}"),
        );
        for position in 0..pool.len() {
            let state = pool.state(position);
            let id = state.id().0;
            let what = format!("endpoint {id} after {step:?}");
            let Some(known) = self.known.get_mut(&id) else {
                case.fail(format_args!("{what}: it should be gone"))
            };
            case.equal(&pool.is_open(position), &open.contains(&id), &what);
            case.equal(&state.in_flight(), &known.in_flight, &what);
            case.equal(&state.completed(), &known.completed, &what);
            case.equal(&state.weight().get(), &known.weight, &what);
            // Of a policy that does not look at latencies nothing is averaged.
            let averaged = snapshot.policy().estimator().is_some();
            let seen = averaged && known.completed != (0, 0);
            case.equal(&state.latency_nanos().is_some(), &seen, &what);
            let gauges = gauges(state);
            let before = known.gauges.replace(gauges).unwrap_or(gauges);
            case.equal(&gauges, &before, &what);
            let since = state.warm_since();
            let before = known.warm_since.replace(since).unwrap_or(since);
            case.equal(&since, &before, &what);
        }
    }
}

fn gauges(state: &State) -> Gauges {
    (
        state.latency_nanos().map(f64::to_bits),
        state.latency_at(),
        state.avoided_until(),
        state.consecutive_failures(),
    )
}

/// A change of endpoints or weights by itself; `None` for other steps.
fn alone(cluster: &Cluster<u64, AnyBalancer>, now: Instant, step: &Step) -> Option<Answer> {
    Some(match step {
        Step::Insert(member) => {
            let found = cluster.insert_at(now, upstream(*member));
            found.map(|_| None).map_err(|refused| refused.error)
        }
        Step::Remove(id) => cluster.remove(NodeId(*id)).map(|_| None),
        Step::SetWeight(id, weight) => cluster.set_weight(NodeId(*id), *weight).map(|()| None),
        Step::Replace(members) => {
            let upstreams: Vec<_> = members.iter().copied().map(upstream).collect();
            cluster.replace_at(now, upstreams).map(Some)
        }
        _ => return None,
    })
}

/// The same among others.
fn among_others(batch: &mut Batch<u64>, step: &Step) -> Option<Answer> {
    Some(match step {
        Step::Insert(member) => {
            let found = batch.insert(upstream(*member));
            found.map(|_| None).map_err(|refused| refused.error)
        }
        Step::Remove(id) => batch.remove(NodeId(*id)).map(|_| None),
        Step::SetWeight(id, weight) => batch.set_weight(NodeId(*id), *weight).map(|()| None),
        Step::Replace(members) => batch
            .replace(members.iter().copied().map(upstream))
            .map(Some),
        _ => return None,
    })
}

fn upstream(member: Member) -> Upstream<u64> {
    Upstream::new(member.id)
        .weight(member.weight)
        .zone(Zone::new([member.zone]))
        .priority(member.priority)
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("case", &self.case)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
