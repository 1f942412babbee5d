//! The endpoints of one version of a cluster.

use crate::chunks::Chunks;
use crate::endpoint::Endpoint;
use crate::error::UpdateError;
use crate::estimator::Estimator;
use crate::pool::{Member, OpenSet, Pool};
use crate::state::State;
use crate::upstream::Upstream;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use purlin_core::node::NodeId;
use purlin_hashring::Identity;

/// Positions are 32 bits wide.
const MAX_ENDPOINTS: usize = u32::MAX as usize;

/// By position, and by identity. A clone shares nearly everything.
pub(super) struct Membership<T> {
    pub(super) members: Chunks<Member>,
    pub(super) endpoints: Chunks<Arc<Endpoint<T>>>,
    /// Sorted.
    ids: Vec<(NodeId, u32)>,
}

impl<T> Membership<T> {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn pool<'a>(&'a self, open: &'a OpenSet) -> Pool<'a> {
        Pool::new(&self.members, &self.ids, open)
    }

    pub(super) fn find(&self, id: NodeId) -> Result<usize, UpdateError> {
        match self.search(id) {
            Ok(at) => Ok(self.ids[at].1 as usize),
            Err(_) => Err(UpdateError::Unknown { id }),
        }
    }

    fn search(&self, id: NodeId) -> Result<usize, usize> {
        self.ids.binary_search_by_key(&id, |(id, _)| *id)
    }

    /// Adds one at the end.
    pub(super) fn push(
        &mut self,
        id: NodeId,
        upstream: Upstream<T>,
        by: &Arc<Estimator>,
    ) -> Arc<State> {
        let state = Arc::new(State::new(id, upstream.weight, upstream.health));
        let position = position(self.len());
        let at = self.search(id).unwrap_or_else(|at| at);
        self.ids.insert(at, (id, position));
        self.members.push(member(&state, &upstream));
        let endpoint = Endpoint::new(Arc::clone(&state), Arc::clone(by), upstream.node);
        self.endpoints.push(Arc::new(endpoint));
        state
    }

    /// Whether one of this identity may be added.
    pub(super) fn admits(&self, id: NodeId) -> Result<(), UpdateError> {
        if self.search(id).is_ok() {
            return Err(UpdateError::Duplicate { id });
        }
        if self.len() >= MAX_ENDPOINTS {
            return Err(UpdateError::Full { max: MAX_ENDPOINTS });
        }
        Ok(())
    }

    /// Takes one out; the last one moves to its position, which is answered.
    pub(super) fn remove(&mut self, id: NodeId) -> Result<(usize, Arc<Endpoint<T>>), UpdateError> {
        let at = self.search(id).map_err(|_| UpdateError::Unknown { id })?;
        let (_, place) = self.ids.remove(at);
        let last = self.len() - 1;
        let removed = Arc::clone(self.endpoints.at(place as usize));
        if place as usize != last {
            let moved = self.members.at(last).state.id();
            if let Ok(at) = self.search(moved) {
                self.ids[at].1 = place;
            }
        }
        self.members.swap_remove(place as usize);
        self.endpoints.swap_remove(place as usize);
        Ok((place as usize, removed))
    }

    /// All at once; those of which `former` knows the identity keep their state. The weights are not
    /// written yet.
    pub(super) fn of(
        upstreams: impl IntoIterator<Item = Upstream<T>>,
        former: Option<&Self>,
        by: &Arc<Estimator>,
    ) -> Result<Self, UpdateError>
    where
        T: Identity,
    {
        let (mut members, mut endpoints, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for upstream in upstreams {
            if members.len() >= MAX_ENDPOINTS {
                return Err(UpdateError::Full { max: MAX_ENDPOINTS });
            }
            let id = upstream.node.id();
            let known = former.and_then(|former| {
                let place = former.find(id).ok()?;
                Some(Arc::clone(&former.members.at(place).state))
            });
            let fresh = || Arc::new(State::new(id, upstream.weight, upstream.health));
            let state = known.unwrap_or_else(fresh);
            ids.push((id, position(members.len())));
            members.push(member(&state, &upstream));
            endpoints.push(Arc::new(Endpoint::new(
                state,
                Arc::clone(by),
                upstream.node,
            )));
        }
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(UpdateError::Duplicate { id: pair[0].0 });
        }
        Ok(Self {
            members: members.into_iter().collect(),
            endpoints: endpoints.into_iter().collect(),
            ids,
        })
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.endpoints.len(), self.len(), "endpoints");
        assert_eq!(self.ids.len(), self.len(), "identities");
        assert!(self.ids.is_sorted(), "identities are sorted");
        for (id, place) in &self.ids {
            let (member, endpoint) = (
                self.members.at(*place as usize),
                self.endpoints.at(*place as usize),
            );
            assert_eq!(member.state.id(), *id, "the identity at {place}");
            assert!(
                Arc::ptr_eq(&member.state, endpoint.shared_state()),
                "two states at {place}"
            );
        }
    }
}

fn member<T>(state: &Arc<State>, upstream: &Upstream<T>) -> Member {
    Member {
        state: Arc::clone(state),
        zone: upstream.zone,
        priority: upstream.priority,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked against MAX_ENDPOINTS"
)]
fn position(index: usize) -> u32 {
    index as u32
}

impl<T> Clone for Membership<T> {
    fn clone(&self) -> Self {
        Self {
            members: self.members.clone(),
            endpoints: self.endpoints.clone(),
            ids: self.ids.clone(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Membership<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.endpoints.iter()).finish()
    }
}
