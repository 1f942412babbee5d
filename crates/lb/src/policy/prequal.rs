//! Prequal: of the endpoints that were probed lately, the one with the lowest latency among those
//! with few requests in flight.

mod outstanding;
mod probed;
mod probes;
mod recent;
mod server_load;
mod shared;

pub use probes::{Answer, Probe, Probes};
pub use server_load::{ServerLoad, Serving};

use self::probed::ProbePool;
use self::shared::Shared;
use super::random::any_admitted;
use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::entropy;
use crate::sync::{Mutex, lock};
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;
use purlin_core::time::Instant;

/// Asks a few endpoints at random with each request how many requests they have in flight and how
/// long those take, and sends requests by the answers of the last second.
///
/// For many clients of few servers: what one client has in flight says nothing there of what a server
/// has. The probes are the caller's to send: [`probes`](Self::probes) says whom to ask. A server
/// knows the answer by a [`ServerLoad`]. Without answers this is [`Random`](super::Random).
///
/// * **Hot and cold**: an endpoint is hot that has at least as many requests in flight as a
///   [quantile](Self::hot_quantile) of the last 128 answers, and cold otherwise. Of cold endpoints the one
///   with the lowest latency gets the request; if all are hot, the one with the fewest in flight.
/// * **The pool** holds 16 answers, one of an endpoint. An answer goes when it is a second old, when
///   a later one takes its place, or when it was used as often as the rate of probes allows; and with
///   each request goes the worst or the oldest, in turn. Its requests in flight go up by one with each
///   use.
/// * **Fast failures** make an endpoint look idle. One that failed five times in a row is passed over for the
///   [failure penalty](crate::Estimator::failure_penalty), whatever it says of itself.
/// * With fewer than two answers, or none that fits, it is any endpoint.
///
/// Weights do not matter, but for 0. A clone is a handle to the same pool; groups that hold clones
/// share it, and one [`Probes`] serves them all. Two clusters need two of these.
///
/// A pick is O(pool + log endpoints), under a lock that is held for some 250 ns. Source: Wydrowski et
/// al., "Load is not what you should balance: Introducing Prequal" (NSDI 2024).
///
/// ```
/// use core::time::Duration;
/// use purlin_core::machine::Machine;
/// use purlin_lb::policy::{Answer, Prequal};
/// use purlin_lb::{Cluster, Identity, Instant, Request, Upstream};
///
/// let policy = Prequal::new();
/// let mut probes = policy.probes();
/// let cluster = Cluster::new(policy, ["a", "b", "c"].map(Upstream::new))?;
/// let now = Instant::from_secs(1);
/// // The first request goes anywhere, and asks.
/// cluster.pick_at(now, &Request::new())?;
/// while let Some(probe) = probes.poll_output() {
///     // ... send the probe; the answer comes. "b" has the least to do ...
///     let rif = if probe.endpoint == "b".id() { 1 } else { 5 };
///     let latency = Duration::from_millis(10);
///     probes.handle(now, Answer { number: probe.number, rif, latency })?;
/// }
/// assert_eq!(*cluster.pick_at(now, &Request::new())?.node(), "b");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Prequal {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Clone, Copy, Debug)]
struct Config {
    size: usize,
    probes_per_request: f64,
    max_age: Duration,
    hot_quantile: Option<f64>,
    keep_warm: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: 16,
            probes_per_request: 3.0,
            max_age: Duration::from_secs(1),
            hot_quantile: None,
            keep_warm: None,
        }
    }
}

impl Config {
    /// Answers that are taken out with each request. One, as in the paper, but never more than a
    /// third of those that come in.
    fn removals(&self) -> f64 {
        (self.probes_per_request / 3.0).min(1.0)
    }

    /// Few endpoints are soon all known, and by latency alone all clients would take the same: the
    /// paper's value is for more.
    fn quantile(&self, endpoints: usize) -> f64 {
        let many = ((endpoints as f64 - 20.0) / 30.0).clamp(0.0, 1.0);
        self.hot_quantile
            .unwrap_or_else(|| 0.34_f64.mul_add(many, 0.5))
    }
}

impl Prequal {
    /// With a seed of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// With this seed: the same picks and probes each time, for the same answers.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared::new(seed))),
        }
    }

    /// What to ask of whom, and where the answers go.
    #[must_use]
    pub fn probes(&self) -> Probes {
        Probes::new(Arc::clone(&self.shared))
    }

    /// The same with so many probes for each request, 3 unless said otherwise: half a probe is one
    /// for every other request. With less than 1 answers are used more than once or twice, and choices are
    /// worse.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is not from 0.1 to 16.
    pub fn probes_per_request(self, probes: f64) -> Result<Self, ConfigError> {
        if !(0.1..=16.0).contains(&probes) {
            return Err(ConfigError::OutOfRange {
                field: "probes",
                expected: "from 0.1 to 16",
            });
        }
        Ok(self.with(|config| config.probes_per_request = probes))
    }

    /// The same with a pool of so many answers, 16 unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is not from 2 to 64.
    pub fn pool_size(self, answers: usize) -> Result<Self, ConfigError> {
        if !(2..=ProbePool::MAX).contains(&answers) {
            return Err(ConfigError::OutOfRange {
                field: "answers",
                expected: "from 2 to 64",
            });
        }
        Ok(self.with(|config| config.size = answers))
    }

    /// The same with another age at which an answer is forgotten, and a probe given up: a second unless
    /// said otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn max_age(self, max_age: Duration) -> Result<Self, ConfigError> {
        if max_age.is_zero() {
            return Err(ConfigError::Zero { field: "max_age" });
        }
        Ok(self.with(|config| config.max_age = max_age))
    }

    /// The same with another part of the answers that is cold: with 0 requests in flight alone count,
    /// with 1 latency alone. Unless said otherwise, 0.5 for up to 20 endpoints, which goes up to
    /// 0.84, the paper's, for 50 and more.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is not from 0 to 1.
    pub fn hot_quantile(self, quantile: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&quantile) {
            return Err(ConfigError::OutOfRange {
                field: "quantile",
                expected: "from 0 to 1",
            });
        }
        Ok(self.with(|config| config.hot_quantile = Some(quantile)))
    }

    /// The same, but asks the endpoints of the pool again when there was no request for so long, so
    /// that the next one finds answers: for clients with less than some requests a second. Shorter
    /// than [`max_age`](Self::max_age), or there is nobody left to ask.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn keep_warm(self, every: Duration) -> Result<Self, ConfigError> {
        if every.is_zero() {
            return Err(ConfigError::Zero { field: "every" });
        }
        Ok(self.with(|config| config.keep_warm = Some(every)))
    }

    fn with(self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut lock(&self.shared).config);
        self
    }
}

impl Balancer for Prequal {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let mut shared = lock(&self.shared);
        shared.advance(now);
        let chosen = shared
            .choose(pool, request, now)
            .or_else(|| shared.any(pool, request, now));
        shared.follow_up(pool);
        let word = shared.word();
        // What is left may take long.
        drop(shared);
        chosen.or_else(|| any_admitted(pool, request, word))
    }
}

impl Default for Prequal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Prequal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = lock(&self.shared).config;
        f.debug_tuple("Prequal").field(&config).finish()
    }
}
