//! Consistent hashing with bounded loads: a key goes to the first node in its order of preference
//! that has room.
//!
//! Even if keys are spread evenly, work is not: one key in ten thousand may be a tenth of all
//! requests. An [`Assigner`] counts what every node has in flight, and gives none more than `c`
//! times its share. A node that is full passes the next request on to the next node in the key's
//! order of preference, so that hot keys spread over a few nodes, the same few every time, while
//! all others stay where they are.
//!
//! | `c` | effect |
//! |---|---|
//! | 100 % | as even as can be; many keys leave their owner |
//! | 125 % | room for chance: a good one to begin with |
//! | 200 % and more | only what is really hot leaves its owner |
//!
//! Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", SODA 2018.
//! Applied to requests in flight, and for weighted nodes, like HAProxy's `hash-balance-factor` and
//! Envoy's `hash_balance_factor`.

mod bound;
mod load;

use crate::error::BuildError;
use crate::membership::Membership;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use bound::Bound;
use load::{InFlight, Load};
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeId, NodeIdx, Weight};

pub use load::{Assignment, Token};

/// Assigns work to the nodes of a placement, and bounds what each has at a time.
///
/// With `m` assignments out, the next one goes to the first node in the key's order of preference
/// that has less than `ceil(c * (m + 1) * w / W)`, where `w` is the node's weight and `W` the
/// weight of all. As `c` is at least 1, these capacities sum up to more than `m`: **there is always
/// a node with room**, unless no node takes keys at all. Nothing is ever refused for being too
/// much.
///
/// * **Cost**: two atomic changes to acquire and two to release, beside the lookup. Lookups as in
///   [`Preference::owner_where`](crate::Preference::owner_where), which asks nodes until one has
///   room.
/// * **Concurrency**: any number of threads may acquire and release at any time, without locks. `m`
///   counts what is out and what is being assigned at the moment, so of two threads at once either
///   may count the other. Acquiring fails never because of others; it looks again if they took the
///   last room that it saw.
/// * **Changes**: an `Assigner` is a value like the placement in it, changed by
///   [`update`](Self::update); put it in a `Shared` (feature `std`) to do so while others read. A
///   clone shares the counts of all the nodes it knows, so releases arrive wherever the assignment
///   came from.
/// * **Counts follow the identity of a node**. One that leaves takes no new work; what it still has
///   counts in `m` until released, which loosens the bounds of the others for so long. If it comes
///   back meanwhile, it comes back with what it has. Once released, nothing is left of it.
///
/// ```
/// use purlin_core::hash::{KeyHasher, Xxh3};
/// use purlin_hashring::{Identity, Membership, Placement, Rendezvous, bounded::Assigner};
///
/// let mut assigner = Assigner::new(Rendezvous::new(["a", "b", "c", "d"])?, 125)?;
/// let hot = Xxh3::new().hash_bytes(b"the one video everybody wants");
///
/// let requests: Vec<_> = (0..100).map(|_| assigner.try_acquire(hot)).collect::<Result<_, _>>()?;
/// let owner = assigner.placement().owner(hot).expect("there are nodes");
/// assert_eq!(requests[0].index(), owner);
/// assert_eq!(assigner.load(owner), Some(32), "125 % of a quarter of 100, rounded up");
///
/// // Nodes come and go while requests are out.
/// assigner.update(|nodes| nodes.remove("a".id()))?;
/// drop(requests);
/// assert_eq!(assigner.in_flight(), 0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assigner<P> {
    placement: P,
    bound: Bound,
    /// By index in the placement.
    seats: Vec<Option<Seat>>,
    /// Loads of former members, as long as anything may still be counted there.
    former: Vec<Weak<Load>>,
    in_flight: Arc<InFlight>,
}

#[derive(Clone, Debug)]
struct Seat {
    weight: Weight,
    load: Arc<Load>,
}

/// Why nothing was assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// There is no node, or all are drained.
    #[error("no node takes keys: there is none, or all have weight 0")]
    NoNode,
}

impl<P: Membership> Assigner<P> {
    /// Over this placement, with the factor `c` in percent: the most a node may have relative to
    /// its share.
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] for a factor below 100 %, with which there would not be room for
    /// everything.
    pub fn new(placement: P, factor_percent: u32) -> Result<Self, BuildError> {
        if factor_percent < 100 {
            return Err(BuildError::Option {
                option: "factor_percent",
                value: u64::from(factor_percent),
                bound: "100 or more",
            });
        }
        let mut assigner = Self {
            placement,
            bound: Bound {
                percent: factor_percent,
                total_weight: 0,
            },
            seats: Vec::new(),
            former: Vec::new(),
            in_flight: Arc::new(InFlight::new()),
        };
        assigner.follow();
        Ok(assigner)
    }

    /// The placement.
    #[must_use]
    pub fn placement(&self) -> &P {
        &self.placement
    }

    /// Changes the placement, in any way: nodes are recognised by their identity. O(nodes log
    /// nodes) besides.
    ///
    /// ```
    /// use purlin_hashring::{Member, Membership, Shared, SlotTable, bounded::Assigner};
    ///
    /// let assigner = Shared::new(Assigner::new(SlotTable::new(["a", "b"])?, 150)?);
    /// let added = assigner.update(|next| next.update(|nodes| nodes.add(Member::new("c"))))?;
    /// assert_eq!(assigner.load().load(added), Some(0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn update<R>(&mut self, change: impl FnOnce(&mut P) -> R) -> R {
        let following = Following(self);
        change(&mut following.0.placement)
    }

    /// Assigns one unit of work on this key. It counts until the answer is dropped.
    ///
    /// # Errors
    ///
    /// [`AcquireError::NoNode`], and never for want of room.
    pub fn try_acquire(&self, key: KeyHash) -> Result<Assignment, AcquireError> {
        self.acquire_token(key).map(Assignment::from)
    }

    /// As [`try_acquire`](Self::try_acquire), but it counts until it is [released](Token::release).
    ///
    /// # Errors
    ///
    /// [`AcquireError::NoNode`], and never for want of room.
    pub fn acquire_token(&self, key: KeyHash) -> Result<Token, AcquireError> {
        if self.bound.total_weight == 0 {
            return Err(AcquireError::NoNode);
        }
        // This assignment counts before it has a node. So at any moment the whole exceeds the sum
        // over the nodes, by one at least, and the capacities sum up to no less than the
        // whole: some node has room. If this thread finds none it has looked at different
        // nodes at different moments, and looks again. Each time around, another thread has
        // acquired or released something.
        let mut in_flight = self.in_flight.enter();
        loop {
            let found = (self.placement)
                .owner_where(key, &mut |index| self.has_room(index, in_flight))
                .or_else(|| self.any_with_room(in_flight));
            if let Some(token) = found.and_then(|index| self.take(index, in_flight)) {
                return Ok(token);
            }
            in_flight = self.in_flight.get();
        }
    }

    /// How many assignments there are, of former members too, and including those being made at the
    /// moment.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    /// How many assignments the node at this index has.
    #[must_use]
    pub fn load(&self, index: NodeIdx) -> Option<usize> {
        Some(self.seat(index)?.load.get())
    }

    /// How many assignments the node at this index may have once the next one is made: it gets that
    /// one only if it has less.
    #[must_use]
    pub fn capacity(&self, index: NodeIdx) -> Option<usize> {
        let weight = self.seat(index)?.weight;
        Some(self.bound.capacity(weight, self.in_flight() + 1))
    }

    #[inline]
    fn seat(&self, index: NodeIdx) -> Option<&Seat> {
        self.seats.get(index.get())?.as_ref()
    }

    #[inline]
    fn has_room(&self, index: NodeIdx, in_flight: usize) -> bool {
        self.seat(index)
            .is_some_and(|seat| (self.bound).has_room(seat.load.get(), seat.weight, in_flight))
    }

    /// A node with room in no particular order, for when the walk found all nodes full that it
    /// asked. A placement whose walk gives up early so costs order, not the answer.
    #[cold]
    fn any_with_room(&self, in_flight: usize) -> Option<NodeIdx> {
        (0_u32..)
            .map(NodeIdx)
            .take(self.seats.len())
            .find(|&index| self.has_room(index, in_flight))
    }

    /// Counts the assignment at a node, unless others have filled it meanwhile.
    fn take(&self, index: NodeIdx, in_flight: usize) -> Option<Token> {
        let Seat { weight, load } = self.seat(index)?;
        load.try_enter(|count| self.bound.has_room(count, *weight, in_flight))
            .then(|| Token {
                load: Arc::clone(load),
                index,
            })
    }

    /// Seats the members of the placement, each with the load its identity had.
    fn follow(&mut self) {
        let members = self.seats.drain(..).flatten().map(|seat| seat.load);
        let former = self.former.drain(..).filter_map(|load| load.upgrade());
        let mut loads: BTreeMap<NodeId, Arc<Load>> =
            members.chain(former).map(|load| (load.id, load)).collect();
        let roster = self.placement.roster();
        for member in roster.iter() {
            let load = (loads.remove(&member.id))
                .unwrap_or_else(|| Arc::new(Load::new(member.id, &self.in_flight)));
            self.seats.resize(member.index.get(), None);
            let weight = member.weight;
            self.seats.push(Some(Seat { weight, load }));
        }
        self.bound.total_weight = roster.total_weight();
        // Whoever could still count anything there holds a reference: an assignment, or a clone of
        // this.
        let in_use = |load: &Arc<Load>| Arc::strong_count(load) > 1;
        let gone = loads.into_values().filter(in_use);
        self.former = gone.map(|load| Arc::downgrade(&load)).collect();
    }
}

/// Lets the loads follow the placement when its change is over, even by a panic.
struct Following<'a, P: Membership>(&'a mut Assigner<P>);

impl<P: Membership> Drop for Following<'_, P> {
    fn drop(&mut self) {
        self.0.follow();
    }
}

#[cfg(all(test, not(purlin_loom)))]
mod tests {
    use super::*;
    use crate::member::{Identity, Member};
    use crate::{Placement, Rendezvous};

    #[test]
    fn a_former_member_leaves_nothing_behind() {
        let nodes = Rendezvous::new(["a", "b"]).expect("distinct");
        let mut assigner = Assigner::new(nodes, 100).expect("a factor of 1");
        let assignments = [0, 1].map(|key| assigner.try_acquire(KeyHash(key)).expect("has room"));
        let clone = assigner.clone();
        assigner
            .update(|nodes| nodes.remove("a".id()))
            .expect("a member");
        assert_eq!(assigner.former.len(), 1, "it has something out");

        drop((assignments, clone));
        assert!(assigner.former[0].upgrade().is_none());
        assigner
            .update(|nodes| nodes.remove("b".id()))
            .expect("a member");
        assert_eq!(assigner.former.len(), 0, "neither has");
        assigner
            .update(|nodes| nodes.add(Member::new("a")))
            .expect("no member");
        assert_eq!((assigner.placement().len(), assigner.in_flight()), (1, 0));
    }
}
