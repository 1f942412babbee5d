//! Least request: of a few endpoints, the one with the fewest requests in flight.

use super::weighted_random::part;
use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::choices::{Sampler, valid};
use crate::sampling::draws::entropy;
use crate::state::State;
use core::cmp::Ordering::{self, Equal, Greater, Less};
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;

/// Of `d` endpoints drawn by weight, the one with the fewest requests in flight for its weight: two
/// choices, unless said otherwise.
///
/// * An idle cluster shares its requests by weight, a busy one its requests in flight.
/// * An endpoint that fails fast has nothing in flight, and would draw every request. After five
///   failures in a row it loses to any other for the
///   [failure penalty](crate::Estimator::failure_penalty), and for twice as long each time that it
///   fails again. If more than half of those a pick looks at are avoided, load alone decides: the
///   few that are left could not bear everything.
/// * Pools of up to 8 endpoints are looked at [whole](Self::full_scan), and so are those of which
///   only `d` are open: the fullest never gets a request that another could take.
///
/// What it knows is what this process has sent. Where endpoints differ in speed and their weights
/// do not say so, the slow ones fill up: [`Ewma`](super::Ewma) sees latencies.
///
/// O(d); O(endpoints / 64 + open) when it looks at all,
/// or when most of many are closed. `rebuild` is O(endpoints). Source: Mitzenmacher, "The Power of Two
/// Choices in Randomized Load Balancing"; Envoy, `LEAST_REQUEST`.
///
/// ```
/// use purlin_lb::policy::LeastRequest;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(LeastRequest::new(), ["a", "b"].map(Upstream::new))?;
/// let first = cluster.pick_at(Instant::ORIGIN, &Request::new())?;
/// let second = cluster.pick_at(Instant::ORIGIN, &Request::new())?;
/// assert_ne!(first.node(), second.node());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias("P2C", "PowerOfTwoChoices", "LeastConnections"))]
pub struct LeastRequest {
    sampler: Sampler,
    choices: usize,
    full_scan: usize,
}

/// It asks for no averages, and so for no other penalty.
const PENALTIES: Estimator = Estimator::none();

impl LeastRequest {
    /// Two choices, with a seed of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// Two choices, with this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            sampler: Sampler::new(seed),
            choices: 2,
            full_scan: 8,
        }
    }

    /// The same with so many choices.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is outside of 2 to 16.
    pub fn choices(self, choices: usize) -> Result<Self, ConfigError> {
        let choices = valid(choices)?;
        Ok(Self { choices, ..self })
    }

    /// The same, but looks at all of up to so many endpoints: at all there are with `usize::MAX`, at
    /// the cost of O(endpoints) a pick.
    #[must_use]
    pub fn full_scan(self, up_to: usize) -> Self {
        Self {
            full_scan: up_to,
            ..self
        }
    }

    /// The least loaded of all; equals share by weight.
    fn scan(
        candidates: impl Iterator<Item = usize>,
        newcomer: Option<usize>,
        pool: Pool<'_>,
        now: Instant,
        words: &mut SplitMix64,
    ) -> Option<usize> {
        // The last of equals wins as often as its part of them.
        let mut wins = |weight, tied| part(words.next_u64(), tied) < weight;
        let mut least = Least::default();
        candidates.for_each(|at| least.weigh(at, pool.state(at), now, &mut wins));
        // It is its turn.
        if let Some(at) = newcomer {
            least.weigh(at, pool.state(at), now, |_, _| true);
        }
        least.position(&mut wins)
    }
}

/// The least loaded endpoint so far: of those that answer, and of those that are avoided.
#[derive(Default)]
struct Least {
    sides: [Side; 2],
}

#[derive(Clone, Copy, Default)]
struct Side {
    best: Option<(usize, Load)>,
    /// The weight of all that are as little loaded.
    tied: u64,
    seen: u32,
}

/// What there is to compare of an endpoint.
#[derive(Clone, Copy)]
struct Load {
    in_flight: u32,
    weight: u32,
}

impl Least {
    /// Where loads are equal, `wins` tells whether a weight does, of that of all equals.
    #[inline]
    fn weigh(
        &mut self,
        at: usize,
        state: &State,
        now: Instant,
        wins: impl FnMut(u64, u64) -> bool,
    ) {
        let side = &mut self.sides[usize::from(PENALTIES.avoids(state, now))];
        side.seen += 1;
        let load = Load::of(state);
        side.offer((at, load), load.weight.into(), wins);
    }

    #[inline]
    fn position(self, wins: impl FnMut(u64, u64) -> bool) -> Option<usize> {
        let [mut fit, avoided] = self.sides;
        // Where most fail, those that do not would get more than they can bear.
        if avoided.seen > fit.seen
            && let Some(best) = avoided.best
        {
            fit.offer(best, avoided.tied, wins);
        }
        fit.best.map(|(at, _)| at)
    }
}

impl Side {
    #[inline]
    fn offer(&mut self, offer: (usize, Load), weight: u64, mut wins: impl FnMut(u64, u64) -> bool) {
        let compared = |(_, least): &(usize, Load)| offer.1.compared(least);
        match self.best.as_ref().map_or(Less, compared) {
            Less => (self.best, self.tied) = (Some(offer), weight),
            Equal => {
                self.tied += weight;
                if wins(weight, self.tied) {
                    self.best = Some(offer);
                }
            }
            Greater => {}
        }
    }
}

impl Load {
    #[inline]
    fn of(state: &State) -> Self {
        Self {
            in_flight: state.in_flight(),
            weight: state.weight().get(),
        }
    }

    /// By requests in flight over weight, exactly.
    #[inline]
    fn compared(&self, other: &Self) -> Ordering {
        let load = |of: &Self, by: &Self| u64::from(of.in_flight) * u64::from(by.weight);
        load(self, other).cmp(&load(other, self))
    }
}

impl Balancer for LeastRequest {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let mut words = self.sampler.words();
        if pool.len() > self.full_scan && pool.open_len() > self.choices {
            let mut least = Least::default();
            // Of equals the first: it was drawn by weight.
            let first = |_, _| false;
            let newcomer = self.sampler.newcomer(&mut words, (pool, request, now));
            let asked = (pool, request, now);
            self.sampler.visit(&mut words, self.choices, asked, |at| {
                least.weigh(at, pool.state(at), now, first);
            });
            if let Some(at) = newcomer {
                least.weigh(at, pool.state(at), now, |_, _| true);
            }
            if let Some(at) = least.position(first) {
                return Some(at);
            }
        }
        let newcomer = self.sampler.newcomer(&mut words, (pool, request, now));
        let accepted = pool
            .open_from(0)
            .filter(|at| pool.admits(*at, request) && pool.share(*at, now) >= 1.0);
        let admitted = pool.open_from(0).filter(|at| pool.admits(*at, request));
        Self::scan(accepted, newcomer, pool, now, &mut words)
            .or_else(|| Self::scan(admitted, None, pool, now, &mut words))
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.sampler.follow(pool);
    }
}

impl Default for LeastRequest {
    fn default() -> Self {
        Self::new()
    }
}
