//! Zone-aware routing: requests stay in their zone for as long as that is fair to the endpoints.

use crate::balancer::Balancer;
use crate::estimator::Estimator;
use crate::gauge::Gauge;
use crate::group::ZoneMap;
use crate::group::division::{Division, bound};
use crate::group::zones::{ZoneGroup, Zones};
use crate::group::{ZoneCounts, ZoneSplit};
use crate::pool::{Group, Pool};
use crate::request::Request;
use crate::sampling::draws::entropy;
use crate::upstream::Zone;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use purlin_core::time::Instant;

/// Keeps requests in the zone that they come from, as far as every endpoint still gets its fair share;
/// a policy of type `P` chooses within a zone.
///
/// [`ZoneSplit`] says how much stays. It compares what part of the available endpoints, by weight,
/// each zone has with what part of the clients it has. The clients are counted by whoever knows them,
/// in the [`ZoneMap`] of [`origin_counts`](Self::origin_counts); while that is empty, clients are
/// taken to be spread as the endpoints are when all are well, so that requests leave their zone in
/// the measure in which its endpoints fail.
///
/// All endpoints are one pool, for a policy of its own, in a panic, when fewer than
/// [`min_endpoints`](Self::min_endpoints) are available, when there is one zone only, when there is
/// no fair division, and for a request that nobody takes in its zone. Endpoints that were given no
/// zone are a zone. Source: Envoy, `zone_aware.rst`.
///
/// A pick costs O(zones) at most; a change of status O(zones); a change of membership O(endpoints),
/// and what `P` needs, twice. Nothing waits for anything. Requests with a
/// [key](crate::Request::key) are divided by it. Each zone's policy goes on through updates from where
/// it is.
///
/// ```
/// use purlin_lb::policy::{RoundRobin, ZoneAware};
/// use purlin_lb::{Cluster, Health, Identity, Instant, Request, Upstream};
///
/// let upstreams = (0..8_u64).map(|n| Upstream::new(n).zone(if n < 4 { "a" } else { "b" }));
/// let cluster = Cluster::new(ZoneAware::new("a", RoundRobin::new()), upstreams)?;
/// assert_eq!(cluster.load().policy().local_share(), Some(1.0));
/// assert!(*cluster.pick_at(Instant::ORIGIN, &Request::new())?.node() < 4);
///
/// // 3 of 7 endpoints are here now, but 4 of 8 clients.
/// cluster.set_health_at(Instant::ORIGIN, 0_u64.id(), Health::Unhealthy)?;
/// let share = cluster.load().policy().local_share().expect("there are two zones");
/// assert!((share - 6.0 / 7.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ZoneAware<P> {
    origin: Zone,
    clients: ZoneMap<u64>,
    /// The version of `clients` that the division is by.
    seen: Gauge,
    min_endpoints: usize,
    division: Division,
    zones: Zones<P>,
    local: Option<usize>,
    /// What stays; `UNROUTED` when all are one pool.
    local_to: Gauge,
    /// Requests that leave go to the first zone whose bound is above their word.
    bounds: Vec<Gauge>,
}

const SALT: u64 = 0x7a6f_6e65_5f73_6974;

/// A bound that is none: it would be a share of 2^-64.
const UNROUTED: u64 = 1;

impl<P: Balancer + Clone> ZoneAware<P> {
    /// For requests that come from zone `origin`, with this policy in each zone.
    #[must_use]
    pub fn new(origin: impl Into<Zone>, policy: P) -> Self {
        Self::seeded(origin, policy, entropy())
    }

    /// The same with a seed: the same division each time.
    #[must_use]
    pub fn seeded(origin: impl Into<Zone>, policy: P, seed: u64) -> Self {
        Self {
            origin: origin.into(),
            clients: ZoneMap::new(),
            seen: Gauge::default(),
            min_endpoints: 6,
            division: Division::new(seed, SALT),
            zones: Zones::new(policy),
            local: None,
            local_to: Gauge::new(UNROUTED),
            bounds: Vec::new(),
        }
    }

    /// Counts the clients of each zone, or their weights: those who send to the same endpoints,
    /// whoever of them asks here. May be changed at any time. Zones that are not there have none.
    #[must_use]
    pub fn origin_counts(self, clients: ZoneMap<u64>) -> Self {
        Self { clients, ..self }
    }

    /// With fewer endpoints available than that, zones do not matter. 6 unless said otherwise.
    #[must_use]
    pub fn min_endpoints(self, count: usize) -> Self {
        Self {
            min_endpoints: count,
            ..self
        }
    }

    /// What part of the requests stays in the zone, or `None` if zones do not matter at present.
    #[must_use]
    pub fn local_share(&self) -> Option<f64> {
        match self.local_to.get() {
            UNROUTED => None,
            bound => Some(bound as f64 / 2_f64.powi(64)),
        }
    }

    /// The group of the zone that a request is for, if zones matter.
    #[inline]
    fn chosen(&self, request: &Request<'_>) -> Option<&Group<P>> {
        let local_to = self.local_to.get();
        if local_to == UNROUTED {
            return None;
        }
        // Most often all stays, and nothing needs to be drawn.
        if local_to < u64::MAX {
            let word = self.division.word(request);
            if word >= local_to {
                let at = self.bounds.iter().position(|bound| word < bound.get())?;
                return Some(&self.zones[at].group);
            }
        }
        Some(&self.zones[self.local?].group)
    }

    /// Divides by the clients as they are now.
    #[cold]
    fn follow(&self, pool: Pool<'_>) {
        if let Some(clients) = self.clients.try_read() {
            self.divide(pool, &clients);
        }
    }

    /// One at a time: whoever divides holds the lock of `clients`.
    fn divide(&self, pool: Pool<'_>, clients: &BTreeMap<Zone, u64>) {
        self.seen.set(self.clients.version());
        let counts = |zone: &ZoneGroup<P>| ZoneCounts {
            origin: match zone.zone {
                _ if clients.is_empty() => zone.present(),
                Some(zone) => clients.get(&zone).copied().unwrap_or(0),
                None => 0,
            },
            upstream: zone.available(),
        };
        let local = match self.local {
            Some(at) => counts(&self.zones[at]),
            None => ZoneCounts {
                origin: clients.get(&self.origin).copied().unwrap_or(0),
                upstream: 0,
            },
        };
        let (available, _) = pool.open_set().counts();
        let matters =
            self.zones.len() > 1 && !pool.is_panicking() && available >= self.min_endpoints as u64;
        let elsewhere = self.local.is_none().then_some(local);
        let all = self.zones.iter().map(counts).chain(elsewhere);
        let split = ZoneSplit::new(all, local).filter(|split| {
            // All stays where nobody is, if nobody asks from there.
            matters && (local.upstream > 0 || split.local() < 1.0)
        });
        let Some(split) = split else {
            self.local_to.set(UNROUTED);
            return;
        };
        let mut share = split.local();
        let local_to = bound(share);
        for (at, (zone, to)) in self.zones.iter().zip(&self.bounds).enumerate() {
            if Some(at) != self.local {
                share += split.cross(counts(zone));
            }
            to.set(bound(share));
        }
        self.local_to
            .set(if local_to == UNROUTED { 0 } else { local_to });
    }
}

impl<P: Balancer + Clone> Balancer for ZoneAware<P> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        if self.seen.get() != self.clients.version() {
            self.follow(pool);
        }
        let zone = self.chosen(request);
        let picked = zone.and_then(|zone| zone.pick(pool, request, now));
        picked.or_else(|| self.zones.whole.pick(pool, request, now))
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.zones.rebuild(pool);
        let origin = Some(self.origin);
        self.local = self.zones.iter().position(|zone| zone.zone == origin);
        self.bounds = self.zones.iter().map(|_| Gauge::default()).collect();
        self.divide(pool, &self.clients.read());
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.zones.flipped(pool, position);
        self.divide(pool, &self.clients.read());
    }

    fn estimator(&self) -> Option<Estimator> {
        self.zones.prototype().estimator()
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    fn check_invariants(&self, pool: Pool<'_>) {
        self.zones.check_invariants(pool);
        assert_eq!(self.bounds.len(), self.zones.len(), "bounds of zones");
    }
}
