//! Endpoints and a policy, shared by all who send requests and all who change them.

mod batch;
mod builder;
mod membership;
mod picker;
mod snapshot;
mod status;

pub use batch::{Batch, Delta};
pub use builder::ClusterBuilder;
pub use picker::Picker;
pub use snapshot::{Present, Snapshot};

use crate::balancer::Balancer;
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Refused, Unavailable, UpdateError};
use crate::estimator::Estimator;
use crate::pool::{OpenSet, Pool};
use crate::request::Request;
use crate::sync::{Mutex, Swap, lock};
use crate::upstream::Upstream;
use alloc::sync::Arc;
use core::fmt;
use purlin_core::node::{NodeId, Weight};
use purlin_core::time::Instant;
use purlin_hashring::Identity;

/// Endpoints, and a policy that chooses among them: the whole balancer, but for a clock.
///
/// A clone is a handle to the same. Any thread may call anything at any time. Who picks never waits:
/// picks read an immutable [`Snapshot`]. Who changes takes turns with others who do.
///
/// * A change of membership or weight makes a new snapshot and publishes it when it is whole; all
///   that is known of other endpoints, and the phase of the policy, goes over into it.
/// * A change of [status](crate::Status) (health, ejection, draining) flips a bit and makes nothing.
///
/// | | time |
/// |---|---|
/// | [`pick_at`](Self::pick_at) | the policy's, and some 30 ns for the snapshot and the lease |
/// | [`set_health_at`](Self::set_health_at) and the like | O(log endpoints) |
/// | [`insert_at`](Self::insert_at), [`remove`](Self::remove), [`set_weight`](Self::set_weight) | O(endpoints / 64) for the cluster, and the policy's tables |
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Identity, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::new(), ["a", "b"].map(Upstream::new))?;
/// let now = Instant::from_secs(1);
///
/// let lease = cluster.pick_at(now, &Request::new())?;
/// assert_eq!(lease.endpoint().in_flight(), 1);
/// // ... send the request to `lease.node()` ...
/// lease.success_at(now + Duration::from_millis(3));
///
/// cluster.insert_at(now, "c")?;
/// cluster.drain("a".id())?;
/// assert_ne!(*cluster.pick_at(now, &Request::new())?.node(), "a");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Cluster<T, P> {
    inner: Arc<Inner<T, P>>,
}

/// Picks that may find their endpoint drained just then, by as many updates.
const TRIES: usize = 8;

struct Inner<T, P> {
    present: Swap<Snapshot<T, P>>,
    version: picker::Version,
    estimator: Arc<Estimator>,
    /// Whose turn it is to change anything.
    turn: Mutex<()>,
}

impl<T, P: Balancer> Cluster<T, P> {
    /// These endpoints under this policy, and the defaults of [`ClusterBuilder`].
    ///
    /// # Errors
    ///
    /// Where two endpoints have one identity.
    pub fn new(
        policy: P,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Self, UpdateError>
    where
        T: Identity,
    {
        ClusterBuilder::new(policy).build(upstreams)
    }

    /// Picks an endpoint for this request and counts the request there until the lease ends.
    ///
    /// # Errors
    ///
    /// When no endpoint may get it.
    #[inline]
    pub fn pick_at(&self, now: Instant, request: &Request<'_>) -> Result<Lease<T>, Unavailable> {
        for _ in 0..TRIES {
            let snapshot = self.inner.present.load();
            let endpoint = snapshot.pick(request, now)?;
            if let Some(lease) = Lease::begin(endpoint, request, now) {
                return Ok(lease);
            }
        }
        Err(Unavailable::Closed)
    }

    /// The present version. Picks from it count nothing; hold it for a moment only, as it keeps the
    /// memory of its version.
    #[must_use]
    #[inline]
    pub fn load(&self) -> Present<T, P> {
        Present(self.inner.present.load())
    }

    /// The endpoint of that identity. O(log endpoints).
    #[must_use]
    pub fn endpoint(&self, id: NodeId) -> Option<Arc<Endpoint<T>>> {
        self.load().find(id).cloned()
    }
}

impl<T: Identity, P: Balancer + Clone> Cluster<T, P> {
    /// Adds an endpoint, which is in slow start from now on if there is such a thing.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`]; the upstream comes back.
    pub fn insert_at(
        &self,
        now: Instant,
        upstream: impl Into<Upstream<T>>,
    ) -> Result<NodeId, Refused<T>> {
        self.update_at(now, |batch| batch.insert(upstream))
    }

    /// Removes an endpoint and answers it. Its leases go on.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn remove(&self, id: NodeId) -> Result<Arc<Endpoint<T>>, UpdateError> {
        self.update_at(Instant::ORIGIN, |batch| batch.remove(id))
    }

    /// Sets the weight of an endpoint, of which 0 drains it. Nothing else about it changes, nor about
    /// others.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn set_weight(&self, id: NodeId, weight: impl Into<Weight>) -> Result<(), UpdateError> {
        self.update_at(Instant::ORIGIN, |batch| batch.set_weight(id, weight))
    }

    /// These endpoints and no others, as discovery lists them. What is known of those that stay is
    /// kept; those that come are in slow start from now on if there is such a thing. Health, ejection
    /// and draining of those that stay are not touched: for health that discovery tells, call
    /// [`set_health_at`](Self::set_health_at) too.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`]; nothing has changed then.
    pub fn replace_at(
        &self,
        now: Instant,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Delta, UpdateError> {
        self.update_at(now, |batch| batch.replace(upstreams))
    }

    /// Makes any number of changes at once: one new version, tables built once. Answers what `change`
    /// does.
    ///
    /// `change` may pick, but not change the same cluster: it would wait for itself.
    ///
    /// # Errors
    ///
    /// Those of `change`. Nothing has changed then, nor when it panics.
    pub fn update_at<R, E>(
        &self,
        now: Instant,
        change: impl FnOnce(&mut Batch<T>) -> Result<R, E>,
    ) -> Result<R, E> {
        let turn = lock(&self.inner.turn);
        let former = self.inner.present.load();
        let mut batch = Batch::new(former.membership.clone(), Arc::clone(&self.inner.estimator));
        let answer = change(&mut batch)?;
        if !(batch.changed || batch.renewed || batch.reweighs()) {
            return Ok(answer);
        }
        let leaving = batch.leaving();
        let next = next(&former, batch, now);
        self.inner.present.store(next);
        self.inner.version.advance();
        // Not before: a pick from the former version would have found them sealed, and no other.
        for (state, status) in leaving {
            state.set_status(status(state.status()));
            state.seal();
        }
        drop(turn);
        // If this was the last hold on the former version, it goes while nobody waits.
        drop(former);
        Ok(answer)
    }
}

/// The version after `former`.
fn next<T: Identity, P: Balancer + Clone>(
    former: &Snapshot<T, P>,
    batch: Batch<T>,
    now: Instant,
) -> Snapshot<T, P> {
    let other = batch.changed || batch.reweighs();
    let membership = batch.membership;
    let (len, before) = (membership.len(), former.membership.len());
    let open = former.open.resized(len.max(before));
    for (state, weight) in batch.weights {
        // From a weight of 0 it comes back as a new one comes.
        if state.weight().is_drain() && !weight.is_drain() {
            open.warm_up(&state, now);
        }
        state.set_weight(weight);
        if !weight.is_drain() {
            state.seal();
        }
    }
    for state in batch.added {
        open.warm_up(&state, now);
    }
    // Positions that were there in between only are not.
    let touched = batch.touched.into_iter().filter(|position| *position < len);
    refresh(membership.pool(&open), &open, touched.chain(len..before));
    let open = if len < before {
        open.resized(len)
    } else {
        open
    };
    let mut policy = former.policy.clone();
    if other {
        policy.rebuild(membership.pool(&open));
    }
    Snapshot {
        membership,
        open,
        policy,
        epoch: if other {
            former.epoch.next()
        } else {
            former.epoch
        },
    }
}

fn refresh(pool: Pool<'_>, open: &OpenSet, touched: impl IntoIterator<Item = usize>) {
    for position in touched {
        if position < pool.len() {
            open.refresh(position, pool.status(position));
        } else {
            open.clear(position);
        }
    }
}

/// Another handle to the same.
impl<T, P> Clone for Cluster<T, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T: fmt::Debug, P: fmt::Debug> fmt::Debug for Cluster<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.inner.present.load();
        f.debug_struct("Cluster")
            .field("policy", &snapshot.policy)
            .field("endpoints", &snapshot.membership)
            .finish_non_exhaustive()
    }
}
