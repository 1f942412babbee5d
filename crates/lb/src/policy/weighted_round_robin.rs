//! Weighted round robin by the golden ratio.

use super::weighted_random::{TRIES, any_by_weight};
use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::arcs::Arcs;
use crate::sampling::draws::{Counter, GOLDEN, entropy};
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;

/// Each endpoint in turn as often as its weight asks, evenly spread: the one to begin with where
/// nothing is known of latencies.
///
/// The endpoints own arcs of a circle, as long as their weights. Each request goes a golden section
/// further round the circle than the one before, and to the endpoint on whose arc it comes down.
/// Such points fill a circle as evenly as any sequence does (Weyl 1916; Knuth, TAOCP volume 3,
/// 6.4): after any number of requests each endpoint has got what it is due, give or take four
/// requests or so. There is no state but the place on the circle, so
///
/// * a pick is one atomic addition and O(1) on average, with 10 endpoints or 10,000. It is
///   lock-free, and all threads share one sequence: many workers are as even as one;
/// * an update neither restarts nor disturbs anything: the next request goes on from the same
///   place. A sequence that begins anew with its heaviest endpoint would starve the others when
///   updates come often;
/// * each process begins at a place of its own, so its first request goes to an endpoint with the
///   probability of its share.
///
/// Requests that come down on closed endpoints go on to the next place, which leaves each open one
/// its share of those that are open; after 32 such places the open ones are counted off at random by
/// their weights, O(endpoints / 64 + open). 12 bytes an endpoint; rebuilding is O(endpoints).
///
/// ```
/// use purlin_lb::policy::WeightedRoundRobin;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let upstreams = [Upstream::new("big").weight(3), Upstream::new("small")];
/// let cluster = Cluster::new(WeightedRoundRobin::seeded(0), upstreams)?;
/// let big = |_: &u32| {
///     let lease = cluster.pick_at(Instant::ORIGIN, &Request::new());
///     lease.is_ok_and(|lease| *lease.node() == "big")
/// };
/// assert!((747..=753).contains(&(0..1_000).filter(big).count()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightedRoundRobin {
    place: Counter,
    arcs: Arcs,
}

impl WeightedRoundRobin {
    /// Begins anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// Begins at a place that follows from this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            place: Counter::new(SplitMix64::mix(seed)),
            arcs: Arcs::default(),
        }
    }
}

impl WeightedRoundRobin {
    /// After a place on the arc of a closed endpoint.
    #[cold]
    fn go_on(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let mut place = 0;
        for _ in 1..TRIES {
            place = self.place.next(GOLDEN);
            let position = self.arcs.at(place);
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        // Places that follow a row of closed ones are not spread evenly; their mixed words are.
        any_by_weight(pool, request, SplitMix64::mix(place))
    }
}

impl Balancer for WeightedRoundRobin {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let position = self.arcs.at(self.place.next(GOLDEN));
        if pool.accepts(position, request, now) {
            return Some(position);
        }
        self.go_on(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.arcs = Arcs::of(pool);
    }
}

impl Default for WeightedRoundRobin {
    fn default() -> Self {
        Self::new()
    }
}
