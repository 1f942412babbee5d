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
use purlin_core::node::{NodeId, Weight};
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

    /// All at once, in the order that is given; but those of which `former` knows the identity keep
    /// their state and come first, in the order in which they are: a list that is told in another
    /// order each time must not move them. The weights are not written yet. Answers them by position.
    pub(super) fn of(
        upstreams: impl IntoIterator<Item = Upstream<T>>,
        former: Option<&Self>,
        by: &Arc<Estimator>,
    ) -> Result<(Self, Vec<Weight>), UpdateError>
    where
        T: Identity,
    {
        let mut listed = Vec::new();
        for upstream in upstreams {
            if listed.len() >= MAX_ENDPOINTS {
                return Err(UpdateError::Full { max: MAX_ENDPOINTS });
            }
            let id = upstream.node.id();
            let place = former.and_then(|former| former.find(id).ok());
            listed.push((place.unwrap_or(usize::MAX), id, upstream));
        }
        // Stable: those that come stay in the order of the list.
        listed.sort_by_key(|(place, ..)| *place);
        let mut ids: Vec<_> = (0_u32..).zip(&listed).map(|(at, it)| (it.1, at)).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(UpdateError::Duplicate { id: pair[0].0 });
        }
        let (mut members, mut endpoints) = (Vec::new(), Vec::new());
        let mut weights = Vec::new();
        for (place, id, upstream) in listed {
            let known = former.and_then(|former| former.members.get(place));
            let state = match known {
                Some(member) => Arc::clone(&member.state),
                None => Arc::new(State::new(id, upstream.weight, upstream.health)),
            };
            weights.push(upstream.weight);
            members.push(member(&state, &upstream));
            endpoints.push(Arc::new(Endpoint::new(
                state,
                Arc::clone(by),
                upstream.node,
            )));
        }
        let all = Self {
            members: members.into_iter().collect(),
            endpoints: endpoints.into_iter().collect(),
            ids,
        };
        Ok((all, weights))
    }

    /// Whether the same endpoints are at the same positions, in the same zones and priorities.
    pub(super) fn stands_like(&self, other: &Self) -> bool {
        let same = |(a, b): (&Member, &Member)| {
            Arc::ptr_eq(&a.state, &b.state) && (a.zone, a.priority) == (b.zone, b.priority)
        };
        self.len() == other.len() && self.members.iter().zip(other.members.iter()).all(same)
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
