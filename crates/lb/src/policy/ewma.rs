//! Peak and mean EWMA: of a few endpoints, the one that is likely to answer first.

mod probation;

use self::probation::Probation;

use crate::sampling::choices::{Sampler, valid};
use crate::sampling::draws::{entropy, scaled};

use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use crate::state::State;
use core::time::Duration;
use purlin_core::random::Random as _;
use purlin_core::time::Instant;

/// Of a few endpoints, the one that is likely to answer first: by moving averages of latency, and by
/// the requests that are waiting there already. The policy to begin with, where endpoints are not
/// all alike or do not stay so.
///
/// The cost of an endpoint is `latency * (in_flight + 1) / weight`, and the cheapest gets the request:
///
/// * Of up to 32 endpoints all are [looked at](Self::full_scan), of more, five
///   [choices](Self::choices) drawn evenly. Simulated at 90 % load, with ten clients that know nothing
///   of each other and a tenth of the servers ten times slower, the 99th percentile is 7 % above that
///   of an ideal balancer that knows all queues; with five choices 10 %, with two 30 %.
/// * Latency is a plain average with a time constant of 3 s, or with [`peak`](Self::peak) one that
///   follows peaks at once, which takes some long requests for a slow endpoint. It moves on samples
///   only; averages that decay in silence send everybody back to the slow at once. The
///   results are the same within a few percent from 2 s to 10 s; a short one finds out sooner that an
///   endpoint has recovered, a long one needs fewer requests.
/// * An endpoint of which nothing was heard for 5 s, because it looks slow or is new, gets one
///   request [each 5 s](Self::probe_interval), so that it is known when it is fast again. One in 16
///   picks does this at most.
/// * An endpoint that has never answered costs what the others it is compared with cost on
///   average, times the square of its requests and one: it is tried, and not flooded.
/// * A failure is a latency of the [failure penalty](Estimator::failure_penalty), averaged with the
///   others. After five in a row the endpoint loses to any other for that time, and for twice as long
///   each time that it fails again; unless more than half of those a pick looks at are avoided: then
///   cost alone decides, or the few that are left would get everything.
///
/// O(choices), or O(endpoints) where there are few. Lock-free. Sources: Finagle, `PeakEwma`; the
/// linkerd proxy's failure penalty.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::policy::Ewma;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(Ewma::new(), ["a", "b"].map(Upstream::new))?;
/// let now = Instant::from_secs(1);
/// // One request each: the first waits at one while the second is sent to the other.
/// for lease in [(); 2].map(|()| cluster.pick_at(now, &Request::new())) {
///     let lease = lease?;
///     let latency = Duration::from_millis(if *lease.node() == "a" { 10 } else { 300 });
///     lease.success_at(now + latency);
/// }
/// let now = Instant::from_secs(2);
/// assert_eq!(*cluster.pick_at(now, &Request::new())?.node(), "a");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias("PeakEwma", "MeanEwma", "latency", "P2C"))]
pub struct Ewma {
    sampler: Sampler,
    probation: Probation,
    estimator: Estimator,
    choices: usize,
    full_scan: usize,
}

/// Why these, the docs of [`Ewma`] say.
const TAU: Duration = Duration::from_secs(3);
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// One pick in so many looks whether an endpoint is to be probed.
const PROBE_PICKS: u64 = 16;

impl Ewma {
    /// By mean latency, with a seed of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// By mean latency, with this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            sampler: Sampler::new(seed),
            probation: Probation::new(PROBE_INTERVAL),
            estimator: Estimator::mean(TAU).unwrap_or_default(),
            choices: 5,
            full_scan: 32,
        }
    }

    /// The same by peak latency, as Finagle and linkerd have it.
    #[must_use]
    pub fn peak(self) -> Self {
        let estimator = Estimator::peak(TAU).unwrap_or_default();
        self.estimated_by(estimator)
    }

    /// The same with latencies averaged in another way.
    #[must_use]
    pub fn estimated_by(self, estimator: Estimator) -> Self {
        Self { estimator, ..self }
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

    /// The same, but looks at all of up to so many endpoints; at all there are with `usize::MAX`.
    #[must_use]
    pub fn full_scan(self, up_to: usize) -> Self {
        Self {
            full_scan: up_to,
            ..self
        }
    }

    /// The same with another time after which a silent endpoint gets a request, and from one to the
    /// next. A long one spares requests that go to slow endpoints, a short one finds out sooner that
    /// they have recovered. [`Duration::MAX`] turns it off.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn probe_interval(self, interval: Duration) -> Result<Self, ConfigError> {
        if interval.is_zero() {
            return Err(ConfigError::Zero { field: "interval" });
        }
        let probation = Probation::new(interval);
        Ok(Self { probation, ..self })
    }
}

impl Balancer for Ewma {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let mut words = self.sampler.words();
        let word = words.next_u64();
        if word.is_multiple_of(PROBE_PICKS)
            && let Some(at) = self.probation.next(pool, request, now, &self.estimator)
        {
            return Some(at);
        }
        let avoids = |at| self.estimator.avoids(pool.state(at), now);
        let mut cheapest = Cheapest::default();
        if pool.len() > self.full_scan && pool.open_len() > self.choices {
            let asked = (pool, request, now);
            self.sampler.visit(&mut words, self.choices, asked, |at| {
                cheapest.weigh(at, pool.state(at), avoids(at));
            });
        } else {
            let candidates = pool.open_from(scaled(word, pool.len()));
            candidates
                .filter(|at| pool.admits(*at, request) && pool.share(*at, now) >= 1.0)
                .for_each(|at| cheapest.weigh(at, pool.state(at), avoids(at)));
        }
        if let Some(at) = self.sampler.newcomer(&mut words, (pool, request, now)) {
            cheapest.weigh(at, pool.state(at), avoids(at));
        }
        cheapest.position().or_else(|| {
            let admitted = pool.open_from(scaled(word, pool.len()));
            admitted
                .filter(|at| pool.admits(*at, request))
                .for_each(|at| cheapest.weigh(at, pool.state(at), avoids(at)));
            cheapest.position()
        })
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(self.estimator)
    }
}

impl Default for Ewma {
    fn default() -> Self {
        Self::new()
    }
}

/// What an endpoint costs, and where it is.
type Offer = (f64, usize);

/// The cheapest endpoint so far.
#[derive(Default)]
struct Cheapest {
    /// Those that answer, and those that are avoided.
    sides: [Side; 2],
    /// Of the latencies of those that have answered.
    sum: f64,
    count: u32,
}

/// Of endpoints that have answered and of those that have not, which are priced when all are seen.
#[derive(Clone, Copy, Default)]
struct Side {
    known: Option<Offer>,
    /// Its cost is that of a latency of 1.
    cold: Option<Offer>,
    seen: u32,
}

impl Cheapest {
    #[inline]
    fn weigh(&mut self, at: usize, state: &State, avoided: bool) {
        let side = &mut self.sides[usize::from(avoided)];
        side.seen += 1;
        let waiting = f64::from(state.in_flight()) + 1.0;
        // The weight of one that was just drained is 0; and most are 1, which spares a division.
        let weight = state.weight().get();
        let share = if weight <= 1 {
            waiting
        } else {
            waiting / f64::from(weight)
        };
        match state.latency_nanos() {
            Some(latency) => {
                self.sum += latency;
                self.count += 1;
                lower(&mut side.known, (latency * share, at));
            }
            None => lower(&mut side.cold, (waiting * share, at)),
        }
    }

    #[inline]
    fn position(&self) -> Option<usize> {
        let [fit, avoided] = &self.sides;
        let mut best = fit.cheapest(self.mean());
        // Where most fail, those that do not would get more than they can bear.
        if avoided.seen > fit.seen
            && let Some(avoided) = avoided.cheapest(self.mean())
        {
            lower(&mut best, avoided);
        }
        best.map(|(_, at)| at)
    }

    /// What an endpoint that has not answered is taken for. Where nobody has, any price will do.
    #[inline]
    fn mean(&self) -> f64 {
        if self.count > 0 {
            self.sum / f64::from(self.count)
        } else {
            1.0
        }
    }
}

impl Side {
    #[inline]
    fn cheapest(&self, mean: f64) -> Option<Offer> {
        let mut best = self.cold.map(|(cost, at)| (cost * mean, at));
        // Of equals one that has not answered: it may be better, the other is not.
        if let Some(known) = self.known {
            lower(&mut best, known);
        }
        best
    }
}

#[inline]
fn lower(best: &mut Option<Offer>, offer: Offer) {
    if best.is_none_or(|(cost, _)| offer.0 < cost) {
        *best = Some(offer);
    }
}
