//! Some endpoints of a pool, under a policy of their own.

use super::{OpenSet, Pool};
use crate::balancer::Balancer;
use crate::request::Request;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::time::Instant;

/// A group of the endpoints of a pool, which may itself be a group: what it is made of, which of it
/// is open, and the policy that chooses among it.
///
/// A clone shares the lists and has openness of its own.
#[derive(Clone, Debug)]
pub(crate) struct Group<P> {
    /// Where its endpoints are in the pool that it is a group of.
    positions: Arc<[u32]>,
    /// Where they are in the cluster: a group of a group is reached in one step.
    members: Arc<[u32]>,
    open: OpenSet,
    policy: P,
}

impl<P: Balancer> Group<P> {
    /// Of the endpoints at these positions, none of them open. Its policy is not
    /// [built](Self::build) yet.
    pub(crate) fn new(of: Pool<'_>, positions: Arc<[u32]>, policy: P) -> Self {
        let members = match of.grouped() {
            Some(list) => positions.iter().map(|at| list[*at as usize]).collect(),
            None => Arc::clone(&positions),
        };
        Self {
            open: of.open_set().for_group(positions.len()),
            positions,
            members,
            policy,
        }
    }

    /// Another group of the same endpoints, none of them open.
    pub(crate) fn beside(&self, of: Pool<'_>, policy: P) -> Self {
        Self {
            positions: Arc::clone(&self.positions),
            members: Arc::clone(&self.members),
            open: of.open_set().for_group(self.positions.len()),
            policy,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Which of its endpoints take requests.
    pub(crate) const fn open(&self) -> &OpenSet {
        &self.open
    }

    pub(crate) fn into_policy(self) -> P {
        self.policy
    }

    #[inline]
    pub(crate) fn pool<'a>(&'a self, of: Pool<'a>) -> Pool<'a> {
        of.group(&self.members, &self.open)
    }

    /// Where the endpoint at a position of the group is in the pool that it is a group of.
    pub(crate) fn position(&self, at: usize) -> usize {
        self.positions[at] as usize
    }

    /// Tells the policy of its endpoints, once it is known which of them are open.
    pub(crate) fn build(&mut self, of: Pool<'_>) {
        let pool = of.group(&self.members, &self.open);
        self.policy.rebuild(pool);
    }

    /// What its policy chooses, as a position of the pool that it is a group of.
    #[inline]
    pub(crate) fn pick(&self, of: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        if self.open.len() == 0 {
            return None;
        }
        let at = self.policy.pick(self.pool(of), request, now)?;
        Some(self.position(at))
    }

    /// Tells the policy of a change of its endpoint at that position of the group.
    pub(crate) fn flipped(&self, of: Pool<'_>, at: usize) {
        self.open.warm_with(of.open_set());
        self.policy.flipped(self.pool(of), at);
    }

    /// Begins or ends a panic, and tells the policy if that is new.
    pub(crate) fn set_panicking(&self, of: Pool<'_>, panic: bool) {
        if self.open.set_panicking(panic) && self.len() > 0 {
            self.flipped(of, 0);
        }
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn check_invariants(&self, of: Pool<'_>) {
        self.open.check_invariants(self.len());
        for at in 0..self.len() {
            let (own, outer) = (self.pool(of).id(at), of.id(self.position(at)));
            assert_eq!(own, outer, "the endpoint at {at} of a group");
        }
        self.policy.check_invariants(self.pool(of));
    }
}

/// Which endpoints of a pool belong together.
#[derive(Debug)]
pub(crate) struct Partition<K> {
    /// The keys of the groups, sorted, and where the endpoints of each are, in order.
    pub(crate) groups: Vec<(K, Arc<[u32]>)>,
    /// By position: the place in its group.
    pub(crate) places: Arc<[Place]>,
}

/// Where an endpoint is: in which group, and at what position there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    group: u32,
    at: u32,
}

impl Place {
    pub(crate) const fn group(self) -> usize {
        self.group as usize
    }

    pub(crate) const fn at(self) -> usize {
        self.at as usize
    }
}

impl<K: Ord> Partition<K> {
    /// By the key of each endpoint. O(endpoints log groups).
    pub(crate) fn new(pool: Pool<'_>, key: impl Fn(usize) -> K) -> Self {
        let mut groups: BTreeMap<K, Vec<u32>> = BTreeMap::new();
        for position in 0..pool.len() {
            let group = groups.entry(key(position)).or_default();
            group.push(narrow(position));
        }
        let mut places = vec![Place { group: 0, at: 0 }; pool.len()];
        for (group, positions) in groups.values().enumerate() {
            for (at, position) in positions.iter().enumerate() {
                places[*position as usize] = Place {
                    group: narrow(group),
                    at: narrow(at),
                };
            }
        }
        Self {
            groups: groups
                .into_iter()
                .map(|(key, positions)| (key, positions.into()))
                .collect(),
            places: places.into(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cluster has no more endpoints than a u32 can number"
)]
const fn narrow(index: usize) -> u32 {
    index as u32
}
