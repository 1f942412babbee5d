//! The endpoints that a policy chooses among.

mod group;
mod open;
mod places;

pub(crate) use group::{Group, Partition, Place};
pub(crate) use open::{OpenSet, Settings};
pub(crate) use places::Places;

use crate::chunks::Chunks;
use crate::request::Request;
use crate::state::State;
use crate::status::Status;
use crate::upstream::Zone;
use alloc::sync::Arc;
use core::fmt;
use core::iter;
use purlin_core::node::{NodeId, Weight};
use purlin_core::time::Instant;

/// An endpoint as its cluster lists it: what changes, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) state: Arc<State>,
    pub(crate) zone: Option<Zone>,
    pub(crate) priority: u8,
}

/// The endpoints that a policy chooses among, by position: those of a cluster, or of one of its
/// groups.
///
/// Positions run from 0 to [`len`](Self::len) and belong to one version of the membership: a policy
/// is told of each new one by [`rebuild`](crate::Balancer::rebuild). Which endpoints are
/// [open](Self::is_open) changes at any time. Copy it; it is a few pointers.
#[derive(Clone, Copy)]
pub struct Pool<'a> {
    members: &'a Chunks<Member>,
    /// Where which of them is, sorted.
    ids: &'a [(NodeId, u32)],
    /// Which of them, where it is not all.
    group: Option<&'a [u32]>,
    open: &'a OpenSet,
}

impl<'a> Pool<'a> {
    pub(crate) const fn new(
        members: &'a Chunks<Member>,
        ids: &'a [(NodeId, u32)],
        open: &'a OpenSet,
    ) -> Self {
        Self {
            members,
            ids,
            group: None,
            open,
        }
    }

    /// How many endpoints there are, open or not.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self.group {
            Some(group) => group.len(),
            None => self.members.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of the endpoint at that position.
    ///
    /// # Panics
    ///
    /// Beyond the last.
    #[must_use]
    #[inline]
    pub fn state(&self, position: usize) -> &'a State {
        &self.member(position).state
    }

    /// The identity of the endpoint at that position.
    ///
    /// # Panics
    ///
    /// Beyond the last.
    #[must_use]
    pub fn id(&self, position: usize) -> NodeId {
        self.state(position).id()
    }

    /// The position of the endpoint of that identity. O(log endpoints), and in a group O(group).
    #[must_use]
    pub fn find(&self, id: NodeId) -> Option<usize> {
        let at = self.ids.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let (_, member) = self.ids[at];
        match self.group {
            Some(group) => group.iter().position(|at| *at == member),
            None => Some(member as usize),
        }
    }

    /// The weight of the endpoint at that position, before slow start.
    ///
    /// # Panics
    ///
    /// Beyond the last.
    #[must_use]
    #[inline]
    pub fn weight(&self, position: usize) -> Weight {
        self.state(position).weight()
    }

    /// The zone of the endpoint at that position.
    ///
    /// # Panics
    ///
    /// Beyond the last.
    #[must_use]
    pub fn zone(&self, position: usize) -> Option<Zone> {
        self.member(position).zone
    }

    /// The priority of the endpoint at that position.
    ///
    /// # Panics
    ///
    /// Beyond the last.
    #[must_use]
    pub fn priority(&self, position: usize) -> u8 {
        self.member(position).priority
    }

    /// How many endpoints are open.
    #[must_use]
    #[inline]
    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Whether the endpoint at that position takes requests: its weight is above 0, it is not being
    /// drained, and it is neither unhealthy nor ejected or there is a panic. One bit.
    #[must_use]
    #[inline]
    pub fn is_open(&self, position: usize) -> bool {
        self.open.contains(position)
    }

    /// Whether so few endpoints are available that unhealthy and ejected ones take requests too.
    #[must_use]
    pub fn is_panicking(&self) -> bool {
        self.open.is_panicking()
    }

    /// Whether this request may go to the endpoint at that position, now: it is open, the request
    /// does not exclude it, and if it is in slow start, chance lets it have this one.
    ///
    /// A policy asks this of an endpoint before it answers it, and takes another if not. For a
    /// policy's first choice; what is left when that fails is asked [`admits`](Self::admits).
    #[must_use]
    #[inline]
    pub fn accepts(&self, position: usize, request: &Request<'_>, now: Instant) -> bool {
        self.is_open(position)
            && (request.excludes_none() && !self.open.is_warming(now)
                || self.accepts_in_part(position, request, now))
    }

    #[cold]
    fn accepts_in_part(&self, position: usize, request: &Request<'_>, now: Instant) -> bool {
        let state = self.state(position);
        !request.excludes(state.id()) && self.open.lets_in(state, now)
    }

    /// The part of its weight that the endpoint at that position gets now: 1, unless it is in slow
    /// start.
    ///
    /// # Panics
    ///
    /// Beyond the last, where any endpoint is in slow start.
    #[must_use]
    #[inline]
    pub fn share(&self, position: usize, now: Instant) -> f64 {
        if self.open.is_warming(now) {
            self.open.factor(self.state(position), now)
        } else {
            1.0
        }
    }

    /// Whether this request may go to the endpoint at that position, slow start aside: when there is
    /// no other, it takes everything.
    #[must_use]
    #[inline]
    pub fn admits(&self, position: usize, request: &Request<'_>) -> bool {
        self.is_open(position) && (request.excludes_none() || !request.excludes(self.id(position)))
    }

    /// The positions of open endpoints, from `start` to the end and then from the beginning. O(1) to
    /// begin with; all of them O(len / 64 + open).
    pub fn open_from(self, start: usize) -> impl Iterator<Item = usize> + use<'a> {
        let end = self.len();
        let (mut next, mut wrapped) = (start.min(end), false);
        iter::from_fn(move || {
            loop {
                match self.open.next_at(next) {
                    Some(position) if wrapped && position >= start => return None,
                    Some(position) => {
                        next = position + 1;
                        return Some(position);
                    }
                    None if wrapped => return None,
                    None => (next, wrapped) = (0, true),
                }
            }
        })
    }

    /// A group of the cluster's endpoints: those at the positions in the cluster that are listed, with
    /// openness of its own. The positions of the group are positions in that list.
    pub(crate) const fn group(self, members: &'a [u32], open: &'a OpenSet) -> Self {
        Self {
            members: self.members,
            ids: self.ids,
            group: Some(members),
            open,
        }
    }

    /// Where the endpoint at that position is in the cluster, if this is a group of it.
    pub(crate) const fn grouped(self) -> Option<&'a [u32]> {
        self.group
    }

    pub(crate) const fn open_set(self) -> &'a OpenSet {
        self.open
    }

    /// What the openness of the endpoint at that position should be.
    pub(crate) fn status(&self, position: usize) -> (Status, Weight) {
        let state = self.state(position);
        (state.status(), state.weight())
    }

    #[inline]
    fn member(&self, position: usize) -> &'a Member {
        match self.group {
            Some(group) => self.members.at(group[position] as usize),
            None => self.members.at(position),
        }
    }
}

impl fmt::Debug for Pool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries((0..self.len()).map(|position| self.state(position)))
            .finish()
    }
}
