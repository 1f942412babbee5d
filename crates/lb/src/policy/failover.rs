//! Failover: everything to the nearest site that works.

use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::estimator::Estimator;
use crate::gauge::Gauge;
use crate::group::ZoneMap;
use crate::group::division::{Division, bound};
use crate::group::zones::Zones;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::entropy;
use crate::upstream::Zone;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// Sends everything to the nearest site that works, as a GeoDNS with health checks does; a policy of
/// type `P` chooses within a site.
///
/// Sites are the zones of the endpoints, in the order of their latencies from here, which a
/// [`ZoneMap`] holds: configured ones or measured ones, set at any time. Sites without a latency are
/// the last; ties go by the hash of the name. A site works while at least
/// [`min_available`](Self::min_available) percent of it, by weight, are available.
///
/// * When the site that serves works no more, the nearest one that does takes over, at once.
/// * A nearer one takes over after it has worked for the [`hold`](Self::hold) time, counted from the
///   first pick that sees it work (or sees it nearer: latencies that waver move nothing). Without
///   requests no time is counted.
/// * While no site works, all endpoints are one pool, for a policy of its own: the little that is
///   left anywhere is better than the little that is left in one place.
/// * A request that nobody takes at its site goes to the next one that has somebody.
/// * As sites are zones, `P` sees one zone only: a [`ZoneAware`](super::ZoneAware) in here has nothing
///   to choose from. For sites of several zones give the endpoints their site as zone.
///
/// A pick costs O(1) at the nearest site that works, O(sites) while failed over; a change of status
/// O(sites); a change of membership O(endpoints), and what `P` needs, twice. Nothing waits for
/// anything. The site, the hold times, and each site's policy go on through updates from where they
/// are. With a clock that goes backwards a hold begins anew.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::policy::{Failover, RoundRobin, ZoneMap};
/// use purlin_lb::{Cluster, Health, Identity, Instant, Request, Upstream, Zone};
///
/// let latencies = ZoneMap::from_iter([("eu", Duration::from_millis(5)), ("us", Duration::from_millis(90))]);
/// let policy = Failover::new(latencies.clone(), RoundRobin::new()).hold(Duration::from_secs(60));
/// let upstreams = [("a", "eu"), ("b", "us")].map(|(name, site)| Upstream::new(name).zone(site));
/// let cluster = Cluster::new(policy, upstreams)?;
/// let node = |secs| cluster.pick_at(Instant::from_secs(secs), &Request::new()).map(|lease| *lease.node());
///
/// assert_eq!(node(1)?, "a");
/// cluster.set_health_at(Instant::from_secs(2), "a".id(), Health::Unhealthy)?;
/// assert_eq!(node(2)?, "b");
/// cluster.set_health_at(Instant::from_secs(3), "a".id(), Health::Healthy)?;
/// assert_eq!((node(3)?, node(62)?, node(63)?), ("b", "b", "a"));
/// assert_eq!(cluster.load().policy().site(), Some(Zone::new("eu")));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Failover<P> {
    latencies: ZoneMap<Duration>,
    /// The version of `latencies` that the order is by.
    seen: Gauge,
    min_available: u8,
    hold: Duration,
    /// Requests whose word is below go to the next site.
    spill_to: u64,
    division: Division,
    zones: Zones<P>,
    /// By zone, as `zones`.
    sites: Vec<Site>,
    /// The numbers of all sites, the nearest first.
    order: Vec<Gauge>,
    /// The nearest site that works, or `NONE`.
    nearest: Gauge,
    /// The site that serves, or `NONE`.
    serving: Gauge,
}

#[derive(Clone, Debug)]
struct Site {
    works: Gauge,
    /// Since when it works and is nearer than the one that serves; `NONE` if nobody saw that yet.
    since: Gauge,
}

const SALT: u64 = 0x6661_696c_6f76_6572;
const NONE: u64 = u64::MAX;

impl<P: Balancer + Clone> Failover<P> {
    /// By these latencies, with this policy in each site.
    #[must_use]
    pub fn new(latencies: ZoneMap<Duration>, policy: P) -> Self {
        Self::seeded(latencies, policy, entropy())
    }

    /// The same with a seed: the same requests [spill](Self::spill) each time.
    #[must_use]
    pub fn seeded(latencies: ZoneMap<Duration>, policy: P, seed: u64) -> Self {
        Self {
            latencies,
            seen: Gauge::default(),
            min_available: 50,
            hold: Duration::from_secs(30),
            spill_to: 0,
            division: Division::new(seed, SALT),
            zones: Zones::new(policy),
            sites: Vec::new(),
            order: Vec::new(),
            nearest: Gauge::new(NONE),
            serving: Gauge::new(NONE),
        }
    }

    /// How many percent of a site have to be available, by weight, for it to work. 50 unless said
    /// otherwise. With 0, one endpoint is enough.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn min_available(self, percent: u8) -> Result<Self, ConfigError> {
        if percent > 100 {
            return Err(ConfigError::OutOfRange {
                field: "min_available",
                expected: "from 0 to 100",
            });
        }
        Ok(Self {
            min_available: percent,
            ..self
        })
    }

    /// How long a nearer site has to have worked before it takes over again. 30 seconds unless said
    /// otherwise.
    #[must_use]
    pub fn hold(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    /// The part of the requests that goes to the next site that works, even though the first one
    /// does: it keeps the caches and connections there warm, and shows whether it does work. 0 unless
    /// said otherwise. Requests with a key spill by the key.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] outside of 0 to 1.
    pub fn spill(self, share: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ConfigError::OutOfRange {
                field: "spill",
                expected: "from 0 to 1",
            });
        }
        Ok(Self {
            spill_to: bound(share),
            ..self
        })
    }

    /// The site that serves, as of the last pick. `None` before the first, while no site works, and
    /// for endpoints that were given no zone.
    #[must_use]
    pub fn site(&self) -> Option<Zone> {
        self.zones.get(number(&self.serving)?)?.zone
    }

    fn works(&self, site: usize) -> bool {
        self.sites[site].works.get() != 0
    }

    /// The numbers of all sites, the nearest first.
    fn nearest_first(&self) -> impl Iterator<Item = usize> {
        self.order.iter().filter_map(number)
    }

    /// The site that gets this request.
    #[inline]
    fn chosen(&self, request: &Request<'_>, now: Instant) -> Option<usize> {
        let serving = self.serving.get();
        let serving = if serving == self.nearest.get() {
            number(&self.serving)?
        } else {
            self.switch(now)?
        };
        if self.spill_to > 0 && self.division.word(request) < self.spill_to {
            let mut others = self.nearest_first().filter(|site| *site != serving);
            return others.find(|site| self.works(*site)).or(Some(serving));
        }
        Some(serving)
    }

    /// Which site serves from now on, where it is not the nearest that works.
    #[cold]
    fn switch(&self, now: Instant) -> Option<usize> {
        let nearest = number(&self.nearest);
        let serving = number(&self.serving).filter(|site| self.works(*site));
        let next = match serving {
            Some(serving) => self.failback(serving, now),
            None => nearest,
        };
        self.serving.set(next.map_or(NONE, |site| site as u64));
        next
    }

    /// The nearest site that has worked for long enough, if that is nearer than the one that serves.
    fn failback(&self, serving: usize, now: Instant) -> Option<usize> {
        let mut next = None;
        let nearer = self.nearest_first().take_while(|site| *site != serving);
        // To the end, so that each one's time counts.
        for site in nearer.filter(|site| self.works(*site)) {
            let since = &self.sites[site].since;
            if since.get() == NONE || now.as_nanos() < since.get() {
                since.set(now.as_nanos());
            }
            let worked = now.saturating_duration_since(Instant::from_nanos(since.get()));
            if worked >= self.hold {
                next = next.or(Some(site));
            }
        }
        next.or(Some(serving))
    }

    /// Goes by the latencies as they are now.
    #[cold]
    fn follow(&self) {
        if let Some(latencies) = self.latencies.try_read() {
            self.judge(&latencies);
        }
    }

    /// Which sites work, and which is the nearest. One at a time: whoever judges holds the lock of
    /// `latencies`.
    fn judge(&self, latencies: &BTreeMap<Zone, Duration>) {
        for (site, zone) in self.sites.iter().zip(self.zones.iter()) {
            let (available, present) = (zone.available(), zone.present());
            let enough =
                u128::from(available) * 100 >= u128::from(self.min_available) * u128::from(present);
            let works = u64::from(available > 0 && enough);
            if works != site.works.get() {
                site.works.set(works);
                site.since.set(NONE);
            }
        }
        let moved = self.sort(latencies);
        if moved && self.seen.get() != self.latencies.version() {
            for site in &self.sites {
                site.since.set(NONE);
            }
        }
        self.seen.set(self.latencies.version());
        let nearest = self.nearest_first().find(|site| self.works(*site));
        self.nearest.set(nearest.map_or(NONE, |site| site as u64));
    }

    /// Insertion sort: picks read along, and it is nearly sorted. Answers whether anything moved.
    fn sort(&self, latencies: &BTreeMap<Zone, Duration>) -> bool {
        let distance = |at: usize| {
            let zone = self.zones[number(&self.order[at])?].zone;
            let latency = zone.and_then(|zone| latencies.get(&zone));
            Some((latency.is_none(), latency, zone.is_none(), zone))
        };
        let mut moved = false;
        for end in 1..self.order.len() {
            for at in (1..=end).rev() {
                if distance(at - 1) <= distance(at) {
                    break;
                }
                let (before, after) = (self.order[at - 1].get(), self.order[at].get());
                self.order[at - 1].set(after);
                self.order[at].set(before);
                moved = true;
            }
        }
        moved
    }
}

impl<P: Balancer + Clone> Balancer for Failover<P> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        if self.seen.get() != self.latencies.version() {
            self.follow();
        }
        if let Some(site) = self.chosen(request, now) {
            let sites = core::iter::once(site).chain(self.nearest_first());
            for site in sites {
                let picked = self.zones[site].group.pick(pool, request, now);
                if picked.is_some() {
                    return picked;
                }
            }
        }
        self.zones.whole.pick(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        let former: Vec<_> = self.zones.iter().map(|zone| zone.zone).collect();
        self.zones.rebuild(pool);
        let place = |site: &usize| {
            let zone = former.get(*site)?;
            self.zones.iter().position(|found| found.zone == *zone)
        };
        let stayed: Vec<_> = self
            .nearest_first()
            .filter_map(|site| place(&site))
            .collect();
        let serving = number(&self.serving).and_then(|site| place(&site));
        let came = (0..self.zones.len()).filter(|site| !stayed.contains(site));
        let order = stayed.iter().copied().chain(came);
        let order = order.map(|site| Gauge::new(site as u64)).collect();
        let sites = self.zones.iter().map(|zone| {
            let site = former.iter().position(|found| *found == zone.zone);
            site.map_or_else(Site::new, |site| self.sites[site].clone())
        });
        self.sites = sites.collect();
        self.order = order;
        self.serving.set(serving.map_or(NONE, |site| site as u64));
        self.judge(&self.latencies.read());
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.zones.flipped(pool, position);
        self.judge(&self.latencies.read());
    }

    fn estimator(&self) -> Option<Estimator> {
        self.zones.prototype().estimator()
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    fn check_invariants(&self, pool: Pool<'_>) {
        self.zones.check_invariants(pool);
        let mut order: Vec<_> = self.nearest_first().collect();
        order.sort_unstable();
        assert!(
            order.into_iter().eq(0..self.zones.len()),
            "an order of sites"
        );
        assert_eq!(self.sites.len(), self.zones.len(), "sites");
    }
}

impl Site {
    fn new() -> Self {
        Self {
            works: Gauge::new(0),
            since: Gauge::new(NONE),
        }
    }
}

fn number(gauge: &Gauge) -> Option<usize> {
    let number = gauge.get();
    usize::try_from(number).ok().filter(|_| number != NONE)
}
