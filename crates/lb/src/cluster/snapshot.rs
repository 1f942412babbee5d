//! One version of a cluster, as readers see it.

use super::membership::Membership;
use crate::balancer::Balancer;
use crate::endpoint::Endpoint;
use crate::error::Unavailable;
use crate::pool::{OpenSet, Pool};
use crate::request::Request;
use crate::sync::Loaded;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use purlin_core::node::{Epoch, NodeId};
use purlin_core::time::Instant;

/// One version of a cluster: its endpoints by position, and the policy with its tables.
///
/// It stays as it is while updates publish others. The endpoints in it are live; but which of them are
/// open is what it was when another version took its place, so hold it for a moment only.
#[derive(Debug)]
pub struct Snapshot<T, P> {
    pub(super) membership: Membership<T>,
    pub(super) open: OpenSet,
    pub(super) policy: P,
    pub(super) epoch: Epoch,
}

impl<T, P: Balancer> Snapshot<T, P> {
    /// The endpoint that the policy chooses for this request. Nothing is counted; a
    /// [`lease`](crate::Cluster::pick_at) does.
    ///
    /// # Errors
    ///
    /// When there is none.
    #[inline]
    pub fn pick(
        &self,
        request: &Request<'_>,
        now: Instant,
    ) -> Result<&Arc<Endpoint<T>>, Unavailable> {
        let position = self.policy.pick(self.pool(), request, now);
        // A policy that answers a position that is none has found nobody.
        let endpoint = position.and_then(|at| self.membership.endpoints.get(at));
        endpoint.ok_or_else(|| self.unavailable())
    }

    #[cold]
    fn unavailable(&self) -> Unavailable {
        if self.is_empty() {
            Unavailable::Empty
        } else if self.open.len() == 0 {
            Unavailable::Closed
        } else {
            Unavailable::Unsuitable
        }
    }
}

impl<T, P> Snapshot<T, P> {
    /// What the policy sees.
    #[must_use]
    #[inline]
    pub fn pool(&self) -> Pool<'_> {
        self.membership.pool(&self.open)
    }

    /// The endpoint at that position.
    #[must_use]
    pub fn endpoint(&self, position: usize) -> Option<&Arc<Endpoint<T>>> {
        self.membership.endpoints.get(position)
    }

    /// The endpoint of that identity. O(log endpoints).
    #[must_use]
    pub fn find(&self, id: NodeId) -> Option<&Arc<Endpoint<T>>> {
        let position = self.membership.find(id).ok()?;
        self.endpoint(position)
    }

    /// All endpoints, in the order of their positions.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Endpoint<T>>> {
        self.membership.endpoints.iter()
    }

    /// How many endpoints there are, open or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.membership.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &P {
        &self.policy
    }

    /// Which version this is: each update that changes the membership or weights adds 1.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// The present [`Snapshot`] of a cluster, held for a moment. Made by [`Cluster::load`](crate::Cluster::load).
pub struct Present<T, P>(pub(super) Loaded<Snapshot<T, P>>);

impl<T, P> Deref for Present<T, P> {
    type Target = Snapshot<T, P>;

    #[inline]
    fn deref(&self) -> &Snapshot<T, P> {
        &self.0
    }
}

impl<T: fmt::Debug, P: fmt::Debug> fmt::Debug for Present<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Present").field(&**self).finish()
    }
}
