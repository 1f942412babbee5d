//! The list of members of a placement.

mod domains;

use crate::error::MembershipError;
use crate::member::{Locality, Member};
use alloc::vec::Vec;
use core::fmt;
use purlin_core::node::{NodeId, NodeIdx, Weight};

pub(crate) use domains::Domains;

/// The members of a placement: each at an index of its own, found by identity in O(log nodes).
///
/// Indices are stable. One that a leaving node frees is given out again, the latest first; until
/// then it is a gap, unless it was the highest.
#[derive(Clone)]
pub struct Roster<T> {
    nodes: Vec<Option<T>>,
    pub(crate) seats: Seats,
}

/// A member, as its [`Roster`] shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberRef<'a, T> {
    /// Its index, which stays while it is a member.
    pub index: NodeIdx,
    /// Its identity.
    pub id: NodeId,
    /// The node itself.
    pub node: &'a T,
    /// Its weight.
    pub weight: Weight,
    /// Where it stands.
    pub locality: Locality,
}

impl<T> Roster<T> {
    /// By index, with gaps; and these in the order in which they came to be. On a duplicate, its
    /// position.
    pub(crate) fn with_gaps(
        members: impl IntoIterator<Item = Option<(NodeId, Member<T>)>>,
        gaps: Vec<NodeIdx>,
    ) -> Result<Self, (usize, MembershipError)> {
        let (mut nodes, mut list) = (Vec::new(), Vec::new());
        for member in members {
            list.push(member.as_ref().map(|(id, member)| Seat::new(*id, member)));
            nodes.push(member.map(|(_, member)| member.node));
        }
        let seats = Seats::new(list, gaps)?;
        Ok(Self { nodes, seats })
    }

    /// How many members there are, drained ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.by_id.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the member of this identity. O(log nodes).
    #[must_use]
    pub fn find(&self, id: NodeId) -> Option<NodeIdx> {
        self.seats.find(id)
    }

    /// The member at this index.
    #[must_use]
    pub fn get(&self, index: NodeIdx) -> Option<MemberRef<'_, T>> {
        let seat = self.seats.get(index)?;
        Some(MemberRef {
            index,
            id: seat.id,
            node: self.node(index)?,
            weight: seat.weight,
            locality: seat.locality,
        })
    }

    /// The members in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = MemberRef<'_, T>> {
        self.seats.iter().filter_map(|(index, _)| self.get(index))
    }

    /// The sum of all weights.
    #[must_use]
    pub fn total_weight(&self) -> u64 {
        self.seats.total_weight
    }

    #[inline]
    pub(crate) fn node(&self, index: NodeIdx) -> Option<&T> {
        self.nodes.get(index.get())?.as_ref()
    }

    pub(crate) fn insert(&mut self, index: NodeIdx, id: NodeId, member: Member<T>) {
        self.seats.insert(index, Seat::new(id, &member));
        if index.get() == self.nodes.len() {
            self.nodes.push(None);
        }
        self.nodes[index.get()] = Some(member.node);
    }

    pub(crate) fn remove(&mut self, index: NodeIdx) -> Option<Member<T>> {
        let seat = self.seats.remove(index)?;
        let node = self.nodes[index.get()].take()?;
        self.nodes.truncate(self.seats.list.len());
        Some(Member {
            node,
            weight: seat.weight,
            locality: seat.locality,
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Roster<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What algorithms know of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) id: NodeId,
    pub(crate) weight: Weight,
    pub(crate) locality: Locality,
}

impl Seat {
    fn new<T>(id: NodeId, member: &Member<T>) -> Self {
        Self {
            id,
            weight: member.weight,
            locality: member.locality,
        }
    }

    fn is_located(&self) -> bool {
        self.locality != Locality::default()
    }
}

/// A [`Roster`] without the user's nodes: what algorithms work on.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    list: Vec<Option<Seat>>,
    /// The gaps in the list, the latest last.
    free: Vec<NodeIdx>,
    /// Sorted.
    by_id: Vec<(NodeId, NodeIdx)>,
    total_weight: u64,
    /// How many members have a weight above 0.
    active: usize,
    /// How many members say where they stand.
    located: usize,
    domains: Domains,
}

impl Seats {
    /// From a list with gaps and the order in which they came to be. On a duplicate, its position.
    pub(crate) fn new(
        list: Vec<Option<Seat>>,
        free: Vec<NodeIdx>,
    ) -> Result<Self, (usize, MembershipError)> {
        if u32::try_from(list.len()).is_err() {
            let limit = u64::from(u32::MAX);
            return Err((list.len() - 1, MembershipError::TooManyNodes { limit }));
        }
        let mut seats = Self {
            by_id: Vec::with_capacity(list.len()),
            list,
            free,
            total_weight: 0,
            active: 0,
            located: 0,
            domains: Domains::default(),
        };
        seats.by_id = seats.iter().map(|(index, seat)| (seat.id, index)).collect();
        seats.by_id.sort_unstable();
        let twins = seats
            .by_id
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0)
            .min_by_key(|pair| pair[1].1);
        if let Some(pair) = twins {
            return Err((
                pair[1].1.get(),
                MembershipError::Duplicate { id: pair[1].0 },
            ));
        }
        seats.total_weight = seats
            .iter()
            .map(|(_, seat)| u64::from(seat.weight.get()))
            .sum();
        seats.active = seats.iter_active().count();
        seats.located = seats.iter().filter(|(_, seat)| seat.is_located()).count();
        seats.rebuild_domains();
        Ok(seats)
    }

    /// The one place where a seat is filled, emptied or changed; keeps the sums.
    fn replace(&mut self, index: NodeIdx, after: Option<Seat>) -> Option<Seat> {
        let before = core::mem::replace(&mut self.list[index.get()], after);
        if let Some(seat) = &before {
            self.total_weight -= u64::from(seat.weight.get());
            self.active -= usize::from(!seat.weight.is_drain());
            self.located -= usize::from(seat.is_located());
        }
        if let Some(seat) = &after {
            self.total_weight += u64::from(seat.weight.get());
            self.active += usize::from(!seat.weight.is_drain());
            self.located += usize::from(seat.is_located());
        }
        self.rebuild_domains();
        before
    }

    fn rebuild_domains(&mut self) {
        self.domains = if self.located == 0 {
            Domains::default()
        } else {
            Domains::of(self)
        };
    }

    /// The index that the next member will have.
    pub(crate) fn next_index(&self) -> Result<NodeIdx, MembershipError> {
        let limit = u64::from(u32::MAX);
        let end = u32::try_from(self.list.len())
            .ok()
            .filter(|&end| end < u32::MAX);
        match (self.free.last(), end) {
            (Some(&index), _) => Ok(index),
            (None, Some(end)) => Ok(NodeIdx(end)),
            (None, None) => Err(MembershipError::TooManyNodes { limit }),
        }
    }

    fn insert(&mut self, index: NodeIdx, seat: Seat) {
        if index.get() == self.list.len() {
            self.list.push(None);
        } else {
            let gap = self.free.pop();
            debug_assert_eq!(gap, Some(index), "members enter at `next_index`");
        }
        self.replace(index, Some(seat));
        let at = self.by_id.partition_point(|&(id, _)| id < seat.id);
        self.by_id.insert(at, (seat.id, index));
    }

    fn remove(&mut self, index: NodeIdx) -> Option<Seat> {
        let id = self.get(index)?.id;
        let at = self.by_id.binary_search(&(id, index)).ok()?;
        self.by_id.remove(at);
        let seat = self.replace(index, None);
        if self.free.is_empty() && index.get() + 1 == self.list.len() {
            self.list.pop();
        } else {
            self.free.push(index);
        }
        seat
    }

    pub(crate) fn set_weight(&mut self, index: NodeIdx, weight: Weight) {
        if let Some(&seat) = self.get(index) {
            self.replace(index, Some(Seat { weight, ..seat }));
        }
    }

    pub(crate) fn find(&self, id: NodeId) -> Option<NodeIdx> {
        let at = self.by_id.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some(self.by_id[at].1)
    }

    #[inline]
    pub(crate) fn get(&self, index: NodeIdx) -> Option<&Seat> {
        self.list.get(index.get())?.as_ref()
    }

    /// One more than the highest index: what tables by index need.
    pub(crate) fn bound(&self) -> usize {
        self.list.len()
    }

    /// The gaps below [`bound`](Self::bound), in the order in which they came to be.
    pub(crate) fn gaps(&self) -> &[NodeIdx] {
        &self.free
    }

    /// Members in the order of their indices.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIdx, &Seat)> {
        // The length fits: `next_index` sees to it.
        (0_u32..)
            .zip(&self.list)
            .filter_map(|(index, seat)| Some((NodeIdx(index), seat.as_ref()?)))
    }

    /// Those of them that take keys.
    pub(crate) fn iter_active(&self) -> impl Iterator<Item = (NodeIdx, &Seat)> {
        self.iter().filter(|(_, seat)| !seat.weight.is_drain())
    }

    /// How many members take keys.
    pub(crate) fn active(&self) -> usize {
        self.active
    }

    pub(crate) fn total_weight(&self) -> u64 {
        self.total_weight
    }

    pub(crate) fn domains(&self) -> &Domains {
        &self.domains
    }
}
