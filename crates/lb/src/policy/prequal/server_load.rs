//! The other end of a probe: what a server knows of itself.

use crate::sync::{Mutex, lock};
use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::time::Duration;
use purlin_core::time::Instant;

/// What a server answers to probes: its requests in flight, and how long requests take that come when
/// there are so many.
///
/// The latency is the median of the last 9 requests that came with as many in flight as there are
/// now, or as near to it as any did. So it goes up at once when requests come in, before the first of
/// them has ended. Above 8 requests in flight, numbers within an eighth to a quarter of each other are
/// taken together.
///
/// 10 KB. Any call is O(1), under a short lock. Source: the server's part of Prequal
/// (NSDI 2024).
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::Instant;
/// use purlin_lb::policy::ServerLoad;
///
/// let load = ServerLoad::new();
/// let now = Instant::from_secs(1);
/// let first = load.begin_at(now);
/// let second = load.begin_at(now);
/// assert_eq!(load.get(), (2, Duration::ZERO));
/// load.end_at(first, now + Duration::from_millis(5));
/// load.end_at(second, now + Duration::from_millis(8));
/// // The first came to an idle server, as the next will.
/// assert_eq!(load.get(), (0, Duration::from_millis(5)));
/// ```
pub struct ServerLoad {
    inner: Mutex<Inner>,
}

/// A request at a server. End it, or cancel it: it counts as in flight until then.
#[derive(Debug)]
#[must_use = "it is in flight until it is said to end"]
pub struct Serving {
    /// In flight when it came.
    rif: u32,
    started: Instant,
}

struct Inner {
    rif: u32,
    /// By requests in flight.
    classes: Box<[Class]>,
}

/// Latencies that are remembered of each class: an odd number, so that one is in the middle.
const SAMPLES: usize = 9;

/// The last latencies in nanoseconds, in a ring.
#[derive(Clone, Copy)]
struct Class {
    nanos: [u64; SAMPLES],
    /// How many there were; from the second round on, as if this was the second.
    count: usize,
}

/// The class of so many in flight: each has its own up to 8; from there on four to an octave.
fn class_of(rif: u32) -> usize {
    if rif < 8 {
        return rif as usize;
    }
    let octave = rif.ilog2();
    let quarter = rif >> (octave - 2) & 3;
    (4 * octave + quarter) as usize - 4
}

/// One more than the class of the most there can be.
const CLASSES: usize = 4 * 31 + 3 - 4 + 1;

impl ServerLoad {
    /// Of a server that has had no requests yet.
    #[must_use]
    pub fn new() -> Self {
        let class = Class {
            nanos: [0; SAMPLES],
            count: 0,
        };
        Self {
            inner: Mutex::new(Inner {
                rif: 0,
                classes: vec![class; CLASSES].into_boxed_slice(),
            }),
        }
    }

    /// A request came.
    pub fn begin_at(&self, now: Instant) -> Serving {
        let mut inner = lock(&self.inner);
        let rif = inner.rif;
        inner.rif = rif.saturating_add(1);
        Serving { rif, started: now }
    }

    /// It was answered.
    pub fn end_at(&self, serving: Serving, now: Instant) {
        let latency = now.saturating_duration_since(serving.started);
        let mut inner = lock(&self.inner);
        inner.rif = inner.rif.saturating_sub(1);
        let class = &mut inner.classes[class_of(serving.rif)];
        class.nanos[class.count % SAMPLES] = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        class.count += 1;
        if class.count == 2 * SAMPLES {
            class.count = SAMPLES;
        }
    }

    /// It was cancelled, or failed: that says nothing of how long requests take.
    pub fn cancel(&self, serving: Serving) {
        let Serving { .. } = serving;
        let mut inner = lock(&self.inner);
        inner.rif = inner.rif.saturating_sub(1);
    }

    /// Requests in flight, and the latency of those that come now: zero before the first has ended.
    #[must_use]
    pub fn get(&self) -> (u32, Duration) {
        let inner = lock(&self.inner);
        let here = class_of(inner.rif);
        let nearest = (0..CLASSES)
            .filter(|at| inner.classes[*at].count > 0)
            .min_by_key(|at| at.abs_diff(here));
        let nanos = nearest.map_or(0, |at| inner.classes[at].median());
        (inner.rif, Duration::from_nanos(nanos))
    }
}

impl Class {
    fn median(&self) -> u64 {
        let mut nanos = self.nanos;
        let known = &mut nanos[..self.count.min(SAMPLES)];
        known.sort_unstable();
        known.get(known.len() / 2).copied().unwrap_or(0)
    }
}

impl Default for ServerLoad {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ServerLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rif, latency) = self.get();
        f.debug_struct("ServerLoad")
            .field("rif", &rif)
            .field("latency", &latency)
            .finish_non_exhaustive()
    }
}
