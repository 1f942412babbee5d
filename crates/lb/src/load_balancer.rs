//! A cluster with a clock.

use crate::balancer::Balancer;
use crate::cluster::Cluster;
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Unavailable, UpdateError};
use crate::request::Request;
use crate::upstream::Upstream;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use purlin_core::time::{Clock, SystemClock};
use purlin_hashring::Identity;

/// A [`Cluster`] with a clock: what a service holds.
///
/// It dereferences to its cluster, for updates and status; those methods of it that end in `_at`
/// want the time, which [`now`](Self::now) tells. Cloned, it is a handle to the same.
///
/// ```
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{LoadBalancer, Request, Upstream};
///
/// let balancer = LoadBalancer::new(RoundRobin::new(), ["10.0.0.1:80", "10.0.0.2:80"].map(Upstream::new))?;
/// let lease = balancer.pick(&Request::new())?;
/// // let answer = client.get(lease.node()).await;
/// lease.success();
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct LoadBalancer<T, P, C = SystemClock> {
    cluster: Cluster<T, P>,
    clock: C,
}

impl<T: Identity, P: Balancer> LoadBalancer<T, P> {
    /// These endpoints under this policy, by the system's clock.
    ///
    /// # Errors
    ///
    /// Where two endpoints have one identity.
    pub fn new(
        policy: P,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Self, UpdateError> {
        let cluster = Cluster::new(policy, upstreams)?;
        Ok(Self::with_clock(cluster, SystemClock::new()))
    }
}

impl<T, P: Balancer, C: Clock + Clone> LoadBalancer<T, P, C> {
    /// This cluster by this clock.
    pub const fn with_clock(cluster: Cluster<T, P>, clock: C) -> Self {
        Self { cluster, clock }
    }

    /// Picks an endpoint for this request and counts the request there until the lease ends.
    ///
    /// # Errors
    ///
    /// When no endpoint may get it.
    #[inline]
    pub fn pick(&self, request: &Request<'_>) -> Result<TimedLease<T, C>, Unavailable> {
        let lease = self.cluster.pick_at(self.clock.now(), request)?;
        Ok(TimedLease {
            lease,
            clock: self.clock.clone(),
        })
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> purlin_core::time::Instant {
        self.clock.now()
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster<T, P> {
        &self.cluster
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}

impl<T, P, C> Deref for LoadBalancer<T, P, C> {
    type Target = Cluster<T, P>;

    fn deref(&self) -> &Cluster<T, P> {
        &self.cluster
    }
}

/// Another handle to the same.
impl<T, P, C: Clone> Clone for LoadBalancer<T, P, C> {
    fn clone(&self) -> Self {
        Self {
            cluster: self.cluster.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl<T: fmt::Debug, P: fmt::Debug, C> fmt::Debug for LoadBalancer<T, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoadBalancer").field(&self.cluster).finish()
    }
}

/// A [`Lease`] with a clock. Dropped, the request was cancelled.
#[must_use = "a lease that is dropped at once counts a request that was cancelled"]
pub struct TimedLease<T, C = SystemClock> {
    lease: Lease<T>,
    clock: C,
}

impl<T, C: Clock> TimedLease<T, C> {
    /// The node to send the request to.
    #[must_use]
    pub fn node(&self) -> &T {
        self.lease.node()
    }

    /// The endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> &Arc<Endpoint<T>> {
        self.lease.endpoint()
    }

    /// The request was answered now. See [`Lease::success_at`].
    #[inline]
    pub fn success(self) {
        self.lease.success_at(self.clock.now());
    }

    /// The endpoint failed the request now. See [`Lease::failure_at`].
    #[inline]
    pub fn failure(self) {
        self.lease.failure_at(self.clock.now());
    }

    /// The lease without its clock.
    pub fn into_lease(self) -> Lease<T> {
        self.lease
    }
}

impl<T: fmt::Debug, C> fmt::Debug for TimedLease<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimedLease").field(&self.lease).finish()
    }
}
