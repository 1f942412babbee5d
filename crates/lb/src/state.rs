//! What changes of an endpoint from request to request.

use crate::estimator::Estimator;
use crate::status::{Health, Status};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use core::fmt;
use purlin_core::node::{NodeId, Weight};
use purlin_core::time::Instant;

/// What a policy knows of an endpoint: requests in flight, latency, weight, status. All of it on one
/// cache line that no other endpoint shares.
///
/// It stays the same through every update of its cluster for as long as the endpoint is a member:
/// nothing is reset by a change of others, or of its own weight. All may be read by any thread at
/// any time; each number is exact by itself, and no two of them are of one instant.
#[repr(align(64))]
pub struct State {
    id: NodeId,
    /// Requests in flight in the lower half, successes (wrapping) in the upper one: the end of a
    /// request that succeeds is one addition.
    requests: AtomicU64,
    status: AtomicU32,
    weight: AtomicU32,
    consecutive_failures: AtomicU32,
    /// Wrapping.
    failures: AtomicU32,
    /// Nanoseconds, as the bits of an `f64`; 0 before the first sample.
    latency: AtomicU64,
    /// When the estimate moved last.
    latency_at: AtomicU64,
    /// Since when it has been taking requests, for slow start; 0 for always.
    warm_since: AtomicU64,
    /// Until when policies that go by load avoid it, because it failed.
    avoided_until: AtomicU64,
}

// ORDERING: accesses in this module are relaxed, but for those that tell whether a drained endpoint
// is idle. These are gauges: policies compare them with
// those of other endpoints, which no ordering would make simultaneous, and no other memory is read
// or written on the strength of them. What counts, read-modify-write, is never lost.

impl State {
    pub(crate) fn new(id: NodeId, weight: Weight, health: Health) -> Self {
        Self {
            id,
            requests: AtomicU64::new(0),
            status: AtomicU32::new(Status::default().with_health(health).bits()),
            weight: AtomicU32::new(weight.get()),
            consecutive_failures: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            latency: AtomicU64::new(0),
            latency_at: AtomicU64::new(0),
            warm_since: AtomicU64::new(0),
            avoided_until: AtomicU64::new(0),
        }
    }

    /// The identity of the endpoint.
    #[must_use]
    #[inline]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// How many leases there are: requests sent and not answered.
    #[must_use]
    #[inline]
    pub fn in_flight(&self) -> u32 {
        low(self.requests.load(Ordering::Relaxed))
    }

    /// Whether no request is in flight, and after [`drain`](crate::Cluster::drain),
    /// [`remove`](crate::Cluster::remove) or a weight of 0 none comes any more: then whatever it holds
    /// can go. Sessions that [`Sticky`](crate::policy::Sticky) keeps at a draining endpoint may still
    /// come.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        // ORDERING: a pick counts itself and then looks whether the endpoint is sealed; who drains
        // seals it and then looks at the count. In one order of all four one sees the other.
        full_fence_for_loom();
        low(self.requests.load(Ordering::SeqCst)) == 0
    }

    /// Whether it was [sealed](Self::seal), as seen after [`begin`](Self::begin).
    #[inline]
    pub(crate) fn is_sealed(&self) -> bool {
        full_fence_for_loom();
        self.status.load(Ordering::SeqCst) & SEALED != 0
    }

    /// Whether it takes requests.
    #[must_use]
    #[inline]
    pub fn status(&self) -> Status {
        Status::from_bits(self.status.load(Ordering::Relaxed) & !SEALED)
    }

    /// Its weight, before slow start.
    #[must_use]
    #[inline]
    pub fn weight(&self) -> Weight {
        Weight::new(self.weight.load(Ordering::Relaxed))
    }

    /// The estimate of its latency in nanoseconds, or `None` before the first sample. Its meaning is
    /// the [`Estimator`]'s.
    #[must_use]
    #[inline]
    pub fn latency_nanos(&self) -> Option<f64> {
        let nanos = f64::from_bits(self.latency.load(Ordering::Relaxed));
        (nanos > 0.0).then_some(nanos)
    }

    /// When the estimate of latency moved last.
    #[must_use]
    #[inline]
    pub fn latency_at(&self) -> Instant {
        Instant::from_nanos(self.latency_at.load(Ordering::Relaxed))
    }

    /// Failures since the last success.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures.load(Ordering::Relaxed)
    }

    /// How many requests succeeded, and how many failed, modulo 2^32: for differences.
    #[must_use]
    pub fn completed(&self) -> (u32, u32) {
        let successes = low(self.requests.load(Ordering::Relaxed) >> 32);
        (successes, self.failures.load(Ordering::Relaxed))
    }

    /// Until when policies that go by load or latency avoid it, because it failed five times in a
    /// row; a success ends it. Where most endpoints did, they do not: see the policies, and
    /// [`Estimator`], by which an instant that is too far ahead is void.
    #[must_use]
    #[inline]
    pub fn avoided_until(&self) -> Instant {
        Instant::from_nanos(self.avoided_until.load(Ordering::Relaxed))
    }

    /// Since when it has been taking requests, for [slow start](crate::SlowStart); the origin of time
    /// for always.
    #[must_use]
    #[inline]
    pub fn warm_since(&self) -> Instant {
        Instant::from_nanos(self.warm_since.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn begin(&self) {
        // ORDERING: see `is_idle`.
        self.requests.fetch_add(1, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn end(&self, ending: Ending) {
        self.requests.fetch_add(ending as u64, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn succeeded(&self, now: Instant, started: Instant, by: &Estimator) {
        // Nearly always 0: a load is cheaper than a store.
        if self.consecutive_failures() != 0 {
            self.consecutive_failures.store(0, Ordering::Relaxed);
        }
        if self.avoided_until() != Instant::ORIGIN {
            self.avoid_until(Instant::ORIGIN);
        }
        by.observe(self, now, started);
    }

    #[cold]
    pub(crate) fn failed(&self, now: Instant, started: Instant, by: &Estimator) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let run = self.consecutive_failures.fetch_add(1, Ordering::Relaxed);
        by.penalise(self, now, started, run);
    }

    pub(crate) fn set_latency(&self, nanos: f64, now: Instant) {
        self.latency.store(nanos.to_bits(), Ordering::Relaxed);
        self.latency_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    pub(crate) fn avoid_until(&self, instant: Instant) {
        self.avoided_until
            .store(instant.as_nanos(), Ordering::Relaxed);
    }

    pub(crate) fn set_weight(&self, weight: Weight) {
        self.weight.store(weight.get(), Ordering::Relaxed);
    }

    pub(crate) fn set_warm_since(&self, instant: Instant) {
        self.warm_since.store(instant.as_nanos(), Ordering::Relaxed);
    }

    /// Writers hold their cluster's lock, so that nothing comes in between.
    pub(crate) fn set_status(&self, status: Status) {
        let sealed = self.status.load(Ordering::Relaxed) & SEALED;
        self.status.store(status.bits() | sealed, Ordering::Relaxed);
    }

    /// When all that picks look at says that it is drained, or is not any more: picks that chose it
    /// before take another. Writers hold their cluster's lock.
    pub(crate) fn seal(&self) {
        let drained = !self.status().takes_in_panic() || self.weight().is_drain();
        // ORDERING: see `is_idle`.
        if drained {
            self.status.fetch_or(SEALED, Ordering::SeqCst);
        } else {
            self.status.fetch_and(!SEALED, Ordering::SeqCst);
        }
    }
}

/// Of the word of status: no pick may begin a request here any more.
const SEALED: u32 = 1 << 31;

/// Loom takes accesses that are sequentially consistent for something weaker; not so fences.
#[inline]
fn full_fence_for_loom() {
    #[cfg(purlin_loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// What is added to the count of requests when one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Ending {
    /// One in flight less.
    Other = u64::MAX,
    /// And one success more.
    Success = (1 << 32) - 1,
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is asked for"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("id", &self.id)
            .field("weight", &self.weight().get())
            .field("status", &self.status())
            .field("in_flight", &self.in_flight())
            .field("latency_nanos", &self.latency_nanos())
            .finish_non_exhaustive()
    }
}
