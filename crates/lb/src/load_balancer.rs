//! A cluster with a clock.

use crate::balancer::Balancer;
use crate::cluster::{Batch, Cluster, Delta};
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Refused, Unavailable, UpdateError};
use crate::request::Request;
use crate::status::Health;
use crate::upstream::Upstream;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use purlin_core::node::NodeId;
use purlin_core::time::{Clock, Instant, SystemClock};
use purlin_hashring::Identity;

/// A [`Cluster`] with a clock: what a service holds.
///
/// It dereferences to its cluster, for status and for what needs no time; what the cluster does at a
/// time it is told (`insert_at`), this does now (`insert`). Cloned, it is a handle to the same.
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
        Cluster::new(policy, upstreams).map(Self::from)
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
            told: false,
        })
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
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

impl<T: Identity, P: Balancer + Clone, C: Clock> LoadBalancer<T, P, C> {
    /// Adds an endpoint now. See [`Cluster::insert_at`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`]; the upstream comes back.
    pub fn insert(&self, upstream: impl Into<Upstream<T>>) -> Result<NodeId, Refused<T>> {
        self.cluster.insert_at(self.clock.now(), upstream)
    }

    /// These endpoints and no others, as discovery lists them now. See [`Cluster::replace_at`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`]; nothing has changed then.
    pub fn replace(
        &self,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Delta, UpdateError> {
        self.cluster.replace_at(self.clock.now(), upstreams)
    }

    /// Any number of changes at once, now. See [`Cluster::update_at`].
    ///
    /// # Errors
    ///
    /// Those of `change`. Nothing has changed then, nor when it panics.
    pub fn update<R, E>(&self, change: impl FnOnce(&mut Batch<T>) -> Result<R, E>) -> Result<R, E> {
        self.cluster.update_at(self.clock.now(), change)
    }
}

impl<T, P: Balancer, C: Clock> LoadBalancer<T, P, C> {
    /// What an active health check says now. See [`Cluster::set_health_at`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn set_health(&self, id: NodeId, health: Health) -> Result<bool, UpdateError> {
        self.cluster.set_health_at(self.clock.now(), id, health)
    }

    /// Lets an endpoint in again now. See [`Cluster::readmit_at`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn readmit(&self, id: NodeId) -> Result<bool, UpdateError> {
        self.cluster.readmit_at(self.clock.now(), id)
    }

    /// The end of [`drain`](Cluster::drain), now. See [`Cluster::undrain_at`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn undrain(&self, id: NodeId) -> Result<bool, UpdateError> {
        self.cluster.undrain_at(self.clock.now(), id)
    }
}

/// By the system's clock.
impl<T, P: Balancer> From<Cluster<T, P>> for LoadBalancer<T, P> {
    fn from(cluster: Cluster<T, P>) -> Self {
        Self::with_clock(cluster, SystemClock::new())
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

/// A [`Lease`] with a clock. Dropped, the request was [given up](Self::gave_up).
#[must_use = "a lease that is dropped at once counts a request that was cancelled"]
pub struct TimedLease<T, C: Clock = SystemClock> {
    lease: Lease<T>,
    clock: C,
    /// Whether the endpoint knows all it will of this request.
    told: bool,
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

    /// When it was picked.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.lease.started()
    }

    /// The request was answered now. See [`Lease::success_at`].
    #[inline]
    pub fn success(mut self) {
        self.told = true;
        self.lease.succeed(self.clock.now());
    }

    /// The endpoint failed the request now. See [`Lease::failure_at`].
    #[inline]
    pub fn failure(mut self) {
        self.told = true;
        self.lease.fail(self.clock.now());
    }

    /// The caller waits no longer, as of now. See [`Lease::gave_up_at`]. Dropping it does the same, be
    /// it with a future that is cancelled.
    pub fn gave_up(self) {
        drop(self);
    }

    /// The lease without its clock. Dropped, that one says nothing of the endpoint: it is for requests
    /// that were not sent, or whose answers mean nothing.
    pub fn into_lease(mut self) -> Lease<T> {
        self.told = true;
        self.lease.handed_over()
    }
}

impl<T, C: Clock> Drop for TimedLease<T, C> {
    #[inline]
    fn drop(&mut self) {
        if !self.told {
            self.lease.give_up(self.clock.now());
        }
    }
}

impl<T: fmt::Debug, C: Clock> fmt::Debug for TimedLease<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimedLease").field(&self.lease).finish()
    }
}
