//! Picks for a thread of its own.

use super::{Cluster, Inner, Snapshot, TRIES};
use crate::balancer::Balancer;
use crate::endpoint::Lease;
use crate::error::Unavailable;
use crate::request::Request;
use crate::sync::{AtomicU64, Ordering};
use alloc::sync::Arc;
use core::fmt;
use purlin_core::time::Instant;

/// Counts the versions that were published, after each of them, for [`Picker`]s to notice.
///
/// On a cache line of its own: they look at it all the time.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Version(AtomicU64);

impl Version {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn advance(&self) {
        // ORDERING: whoever sees the count finds that version, or a later one.
        self.0.fetch_add(1, Ordering::Release);
    }

    #[inline]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Picks from a [`Cluster`] for one thread, or one worker, that picks often: it keeps the snapshot
/// that it saw last, and looks whether there is a newer one by a single atomic load. Some 12 ns less
/// a pick than by [`Cluster::pick_at`]. Made by [`Cluster::picker`].
///
/// A change that happened before a pick is seen by it. Between picks it holds on to the memory of its
/// snapshot.
///
/// ```
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::new(), ["a", "b"].map(Upstream::new))?;
/// let mut picker = cluster.picker();
/// let lease = picker.pick_at(Instant::ORIGIN, &Request::new())?;
/// assert_eq!(lease.endpoint().in_flight(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Picker<T, P> {
    inner: Arc<Inner<T, P>>,
    seen: u64,
    snapshot: Arc<Snapshot<T, P>>,
}

impl<T, P: Balancer> Cluster<T, P> {
    /// For a thread that picks often.
    #[must_use]
    pub fn picker(&self) -> Picker<T, P> {
        // In this order: a version that comes in between is loaded once more.
        let seen = self.inner.version.get();
        Picker {
            inner: Arc::clone(&self.inner),
            seen,
            snapshot: self.inner.present.load_full(),
        }
    }
}

impl<T, P: Balancer> Picker<T, P> {
    /// As [`Cluster::pick_at`].
    ///
    /// # Errors
    ///
    /// When no endpoint may get the request.
    #[inline]
    pub fn pick_at(
        &mut self,
        now: Instant,
        request: &Request<'_>,
    ) -> Result<Lease<T>, Unavailable> {
        for _ in 0..TRIES {
            let endpoint = self.load().pick(request, now)?;
            if let Some(lease) = Lease::begin(endpoint, request, now) {
                return Ok(lease);
            }
        }
        Err(Unavailable::Closed)
    }

    /// The present version. Picks from it count nothing.
    #[inline]
    pub fn load(&mut self) -> &Snapshot<T, P> {
        let newest = self.inner.version.get();
        if newest != self.seen {
            self.snapshot = self.inner.present.load_full();
            self.seen = newest;
        }
        &self.snapshot
    }
}

impl<T, P> Clone for Picker<T, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            seen: self.seen,
            snapshot: Arc::clone(&self.snapshot),
        }
    }
}

impl<T: fmt::Debug, P: fmt::Debug> fmt::Debug for Picker<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Picker").field(&self.snapshot).finish()
    }
}
