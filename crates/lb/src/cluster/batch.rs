//! Changes that become visible at once.

use super::membership::Membership;
use crate::endpoint::Endpoint;
use crate::error::{Refused, UpdateError};
use crate::estimator::Estimator;
use crate::state::State;
use crate::status::Status;
use crate::upstream::Upstream;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use purlin_core::node::{NodeId, Weight};
use purlin_hashring::Identity;

/// What a [replacement](crate::Cluster::replace_at) of all endpoints did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Delta {
    /// Endpoints that were not there before.
    pub added: usize,
    /// Endpoints that are gone.
    pub removed: usize,
    /// Endpoints that stayed, with all that is known of them.
    pub kept: usize,
}

/// Changes to a cluster that are made together: one new version of it, tables built once. Given to
/// the closure of [`Cluster::update_at`](crate::Cluster::update_at).
pub struct Batch<T> {
    pub(super) membership: Membership<T>,
    estimator: Arc<Estimator>,
    /// Whether anything changed that policies make tables of.
    pub(super) changed: bool,
    /// Whether there are other nodes.
    pub(super) renewed: bool,
    /// Positions whose openness may have changed, and others.
    pub(super) touched: Vec<usize>,
    /// Those that came, for which slow start begins.
    pub(super) added: Vec<Arc<State>>,
    pub(super) removed: Vec<Arc<Endpoint<T>>>,
    pub(super) weights: Vec<(Arc<State>, Weight)>,
}

/// An endpoint that is to get nothing any more, and what becomes of its status.
type Leaving = (Arc<State>, fn(Status) -> Status);

impl<T: Identity> Batch<T> {
    pub(super) fn new(membership: Membership<T>, estimator: Arc<Estimator>) -> Self {
        Self {
            membership,
            estimator,
            changed: false,
            renewed: false,
            touched: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Those that are to get nothing once the batch is published, and what that makes of their status.
    pub(super) fn leaving(&self) -> Vec<Leaving> {
        let removed = self.removed.iter().map(|endpoint| {
            let state = Arc::clone(endpoint.shared_state());
            (state, Status::removed as _)
        });
        let drained = self.weights.iter().filter(|(_, weight)| weight.is_drain());
        let drained = drained.map(|(state, _)| (Arc::clone(state), core::convert::identity as _));
        removed.chain(drained).collect()
    }

    /// Whether some weight is to be another than it is.
    pub(super) fn reweighs(&self) -> bool {
        let mut weights = self.weights.iter();
        weights.any(|(state, weight)| state.weight() != *weight)
    }

    /// Adds an endpoint. O(endpoints) words are moved.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] or [`UpdateError::Full`]; the upstream comes back.
    pub fn insert(&mut self, upstream: impl Into<Upstream<T>>) -> Result<NodeId, Refused<T>> {
        let upstream = upstream.into();
        let id = upstream.node.id();
        if let Err(error) = self.membership.admits(id) {
            return Err(Refused { error, upstream });
        }
        self.changed = true;
        self.touched.push(self.membership.len());
        self.added
            .push(self.membership.push(id, upstream, &self.estimator));
        Ok(id)
    }

    /// Removes an endpoint. Its leases go on.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn remove(&mut self, id: NodeId) -> Result<Arc<Endpoint<T>>, UpdateError> {
        let (position, endpoint) = self.membership.remove(id)?;
        self.changed = true;
        self.touched.push(position);
        self.removed.push(Arc::clone(&endpoint));
        Ok(endpoint)
    }

    /// Sets the weight of an endpoint, of which 0 drains it.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn set_weight(&mut self, id: NodeId, weight: impl Into<Weight>) -> Result<(), UpdateError> {
        let position = self.membership.find(id)?;
        let state = Arc::clone(&self.membership.members.at(position).state);
        self.touched.push(position);
        self.weights.push((state, weight.into()));
        Ok(())
    }

    /// These endpoints and no others. What is known of those that stay is kept, and so are their
    /// positions, in whatever order they are listed; their nodes, weights, zones and priorities are the
    /// new ones. Health, ejection and draining of those that stay are not touched: they are what checks,
    /// detectors and [`drain`](crate::Cluster::drain) said last, whatever health is listed.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] where two have one identity, or [`UpdateError::Full`].
    pub fn replace(
        &mut self,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Delta, UpdateError> {
        let former = &self.membership;
        let (next, weights) = Membership::of(upstreams, Some(former), &self.estimator)?;
        let mut delta = Delta::default();
        for endpoint in former.endpoints.iter() {
            if next.find(endpoint.id()).is_err() {
                delta.removed += 1;
                self.removed.push(Arc::clone(endpoint));
            }
        }
        let states = || next.members.iter().map(|member| &member.state);
        for state in states().filter(|state| former.find(state.id()).is_err()) {
            delta.added += 1;
            self.added.push(Arc::clone(state));
        }
        delta.kept = next.len() - delta.added;
        self.changed |= !next.stands_like(former);
        self.renewed = true;
        self.touched.extend(0..next.len());
        self.weights.extend(states().cloned().zip(weights));
        self.membership = next;
        Ok(delta)
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("membership", &self.membership)
            .finish_non_exhaustive()
    }
}
