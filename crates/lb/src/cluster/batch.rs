//! Changes that become visible at once.

use super::membership::Membership;
use crate::endpoint::Endpoint;
use crate::error::{Refused, UpdateError};
use crate::estimator::Estimator;
use crate::state::State;
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
    /// Positions whose openness may have changed.
    pub(super) touched: Vec<usize>,
    /// Those that came, for which slow start begins.
    pub(super) added: Vec<Arc<State>>,
    pub(super) removed: Vec<Arc<Endpoint<T>>>,
    pub(super) weights: Vec<(Arc<State>, Weight)>,
}

impl<T: Identity> Batch<T> {
    pub(super) fn new(membership: Membership<T>, estimator: Arc<Estimator>) -> Self {
        Self {
            membership,
            estimator,
            touched: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            weights: Vec::new(),
        }
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
        self.touched.push(position);
        self.touched.push(self.membership.len());
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

    /// These endpoints and no others. What is known of those that stay is kept; their nodes, weights,
    /// zones and priorities are the new ones.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] where two have one identity, or [`UpdateError::Full`].
    pub fn replace(
        &mut self,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Delta, UpdateError> {
        let former = &self.membership;
        let mut weights = Vec::new();
        let upstreams = upstreams
            .into_iter()
            .inspect(|upstream| weights.push(upstream.weight));
        let next = Membership::of(upstreams, Some(former), &self.estimator)?;
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
        self.touched = (0..next.len().max(former.len())).collect();
        self.weights = states().cloned().zip(weights).collect();
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
