//! Hedged requests: a second copy for one that takes long, and retries, each at another endpoint.
//!
//! [`Hedge`] knows after how long a copy is worth it, [`Attempts`] what became of one request. They
//! send nothing and wait for nothing. They keep no budget either: take a copy or a retry out of a
//! retry budget first, or a slow cluster gets more requests for being slow.

mod attempts;
mod digest;

pub use attempts::{Attempts, Exhausted, MAX_TRIES};

use crate::error::ConfigError;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use core::time::Duration;
use digest::Digest;
use purlin_core::time::Instant;

/// When a copy of a request is sent, and how many there may be.
///
/// Source: Dean and Barroso, "The Tail at Scale", 2013: a copy after the 95th percentile of the
/// latency is 5 % more load, and cuts the tail to that of the better of two.
///
/// Shared by all requests of a kind. [`begin`](Self::begin) reads one atomic;
/// [`observe_at`](Self::observe_at) holds a lock to count, and each 64th time to go through about
/// 1,000 counts. Memory is constant, about 8 KiB.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::hedge::Hedge;
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::new(), ["a", "b", "c"].map(Upstream::new))?;
/// let hedge = Hedge::after(Duration::from_millis(50));
/// let mut attempts = hedge.begin();
///
/// let now = Instant::ORIGIN;
/// let first = cluster.pick_at(now, &Request::new())?;
/// attempts.start_at(now, first.endpoint().id())?;
///
/// // Nothing yet after 50 ms: a copy, elsewhere.
/// let now = attempts.hedge_at().expect("one more may be sent");
/// let second = cluster.pick_at(now, &Request::new().exclude(attempts.tried()))?;
/// attempts.start_at(now, second.endpoint().id())?;
/// assert_ne!(first.node(), second.node());
/// assert_eq!(attempts.hedge_at(), None); // two at once are enough
///
/// // The copy answers first; the other is given up, which tells how slow it is at least.
/// let now = now + Duration::from_millis(8);
/// hedge.observe_at(now, now - second.started());
/// hedge.observe_at(now, now - first.started());
/// second.success_at(now);
/// first.gave_up_at(now);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hedge {
    delay: Delay,
    copies: usize,
    tries: usize,
}

#[derive(Debug)]
enum Delay {
    Fixed(Duration),
    Quantile(Box<Learned>),
}

/// A delay learned from latencies.
#[derive(Debug)]
struct Learned {
    quantile: f64,
    /// For so long a delay is worth something after it was computed: two windows.
    lasts: Duration,
    observed: Mutex<Observed>,
    /// In nanoseconds; [`UNKNOWN`] while there were too few.
    delay: AtomicU64,
}

/// What a delay is learned from.
#[derive(Debug)]
struct Observed {
    digest: Digest,
    /// When the delay was computed last.
    computed: Instant,
}

const UNKNOWN: u64 = u64::MAX;

/// Before there were so many latencies, a quantile says little: no copies are sent.
const MIN_SAMPLES: u64 = 100;

/// How often the delay is computed anew, in latencies.
const REFRESH: u64 = 64;

impl Hedge {
    /// A copy when there is no answer after so long.
    #[must_use]
    pub const fn after(delay: Duration) -> Self {
        Self::new(Delay::Fixed(delay))
    }

    /// A copy when there is no answer after as long as this part of the requests take: `0.95`. Of
    /// the latencies of the last `window` to two of it, and one part in 16 too long at most. No
    /// copies before the first 100. While two windows have fewer, the last delay stays for two
    /// windows; the first latency told after that forgets it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a quantile that is not between 0 and 1, and
    /// [`ConfigError::Zero`] for a window of zero.
    pub fn at_quantile(quantile: f64, window: Duration) -> Result<Self, ConfigError> {
        if !(quantile > 0.0 && quantile < 1.0) {
            return Err(ConfigError::OutOfRange {
                field: "quantile",
                expected: "above 0 and below 1",
            });
        }
        if window.is_zero() {
            return Err(ConfigError::Zero { field: "window" });
        }
        Ok(Self::new(Delay::Quantile(Box::new(Learned {
            quantile,
            lasts: window.saturating_mul(2),
            observed: Mutex::new(Observed {
                digest: Digest::new(window),
                computed: Instant::ORIGIN,
            }),
            delay: AtomicU64::new(UNKNOWN),
        }))))
    }

    const fn new(delay: Delay) -> Self {
        Self {
            delay,
            copies: 2,
            tries: 3,
        }
    }

    /// The same with so many copies of a request at once, the first included; 2 unless said
    /// otherwise. With 1 there are only retries.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for none, or more than [`MAX_TRIES`].
    pub fn copies(self, copies: usize) -> Result<Self, ConfigError> {
        let copies = within("copies", copies)?;
        Ok(Self { copies, ..self })
    }

    /// The same with so many tries of a request in all, hedges and retries; 3 unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for none, or more than [`MAX_TRIES`].
    pub fn tries(self, tries: usize) -> Result<Self, ConfigError> {
        let tries = within("tries", tries)?;
        Ok(Self { tries, ..self })
    }

    /// A request begins: nothing is tried yet. It keeps the delay of now.
    #[must_use]
    pub fn begin(&self) -> Attempts {
        Attempts::new(self.tries, self.copies, self.delay())
    }

    /// After how long a copy is sent; `None` while too few latencies are known.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match &self.delay {
            Delay::Fixed(delay) => Some(*delay),
            Delay::Quantile(learned) => {
                let nanos = learned.delay.load(Ordering::Relaxed);
                (nanos != UNKNOWN).then(|| Duration::from_nanos(nanos))
            }
        }
    }

    /// A copy was answered after so long; or given up then, because another was faster. Both count:
    /// without the slow ones that hedging cuts short the quantile would fall, and hedge more and
    /// more. Nothing to do for a fixed delay.
    pub fn observe_at(&self, now: Instant, latency: Duration) {
        let Delay::Quantile(learned) = &self.delay else {
            return;
        };
        learned.observe(now, latency);
    }
}

impl Learned {
    fn observe(&self, now: Instant, latency: Duration) {
        let mut observed = lock(&self.observed);
        let count = observed.digest.record(now, latency);
        let enough = count.checked_sub(MIN_SAMPLES);
        if enough.is_some_and(|more| more.is_multiple_of(REFRESH)) {
            let delay = observed.digest.quantile(self.quantile).min(UNKNOWN - 1);
            observed.computed = now;
            self.delay.store(delay, Ordering::Relaxed);
        } else if now.saturating_duration_since(observed.computed) >= self.lasts {
            // Not as soon as there are fewer: each new window begins with fewer, and under steady
            // traffic copies would stop until it has filled.
            self.delay.store(UNKNOWN, Ordering::Relaxed);
        }
    }
}

fn within(field: &'static str, count: usize) -> Result<usize, ConfigError> {
    if (1..=MAX_TRIES).contains(&count) {
        return Ok(count);
    }
    Err(ConfigError::OutOfRange {
        field,
        expected: "from 1 to 8",
    })
}
