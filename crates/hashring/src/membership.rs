//! What every placement of this crate can do beyond [`Placement`].

use crate::error::{MembershipError, Refused};
use crate::member::Member;
use crate::roster::Roster;
use alloc::boxed::Box;
#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeId, NodeIdx, Weight};
use purlin_core::placement::Placement;

/// A placement with an order of preference over all nodes for every key.
///
/// The order begins with the owner; in `SlotTable` (without a cap), `Ring` and `Rendezvous` it goes
/// on with where the key would belong if the nodes before were gone. Balancers walk it past
/// unhealthy nodes, bounded loads walk it past full ones.
///
/// It knows nothing of zones: where members have localities, the next in preference need not be a
/// replica. Where data is replicated, try the other [`replicas`](Placement::replicas).
///
/// # Implementing
///
/// * With `accept` always true, `owner_where` is [`Placement::owner`].
/// * It finds a node whenever one that can take keys is accepted, and asks only about such nodes.
/// * It does not allocate. It may ask about the same node more than once.
pub trait Preference: Placement {
    /// The first node in the key's order of preference that `accept` accepts.
    ///
    /// `accept` is asked one node at a time, and about some more than once. Where it changes its
    /// mind meanwhile, the answer is a node that it accepted when it was last asked, or `None`.
    fn owner_where(&self, key: KeyHash, accept: &mut dyn FnMut(NodeIdx) -> bool)
    -> Option<NodeIdx>;
}

/// A placement whose members come and go one at a time.
///
/// Object-safe. A change that is refused leaves everything as it was. A change that is made moves
/// the [`epoch`](Placement::epoch) by one, and moves as few keys as the algorithm promises: its
/// docs say. An index stays with its node for as long as the node is a member; the index of a node
/// that left is given to a later one.
///
/// To change many members at once, build a new placement, `with_epoch(old.epoch().next())`; to let
/// other threads go on reading meanwhile, hold it in a `Shared` (feature `std`).
pub trait Membership: Preference {
    /// Adds a member.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Duplicate`] before anything else; then what the algorithm cannot do:
    /// weights, more nodes, more points. The member comes back in the error.
    fn add(&mut self, member: Member<Self::Node>) -> Result<NodeIdx, Refused<Self::Node>>;

    /// Removes the member of this identity and answers it.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Unknown`]; [`MembershipError::NotLast`] where the algorithm can only
    /// shrink at its end.
    fn remove(&mut self, id: NodeId) -> Result<Member<Self::Node>, MembershipError>;

    /// Sets the weight of a member and answers the former one. Setting the weight it has changes
    /// nothing, the epoch included.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Unknown`]; [`MembershipError::Unweighted`] or
    /// [`MembershipError::TooManyPoints`] where the algorithm cannot.
    fn set_weight(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError>;

    /// The members.
    fn roster(&self) -> &Roster<Self::Node>;

    /// Panics when the placement's own invariants do not hold. O(size); for tests and fuzzing.
    /// There are none to check unless it is implemented.
    fn check_invariants(&self) {}
}

macro_rules! preference_through {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<P: Preference + ?Sized> Preference for $pointer {
            fn owner_where(
                &self,
                key: KeyHash,
                accept: &mut dyn FnMut(NodeIdx) -> bool,
            ) -> Option<NodeIdx> {
                (**self).owner_where(key, accept)
            }
        }
    )*};
}

preference_through!(&P, &mut P, Box<P>, #[cfg(target_has_atomic = "ptr")] Arc<P>);

macro_rules! membership_through {
    ($($pointer:ty),*) => {$(
        impl<P: Membership + ?Sized> Membership for $pointer {
            fn add(&mut self, member: Member<Self::Node>) -> Result<NodeIdx, Refused<Self::Node>> {
                (**self).add(member)
            }

            fn remove(&mut self, id: NodeId) -> Result<Member<Self::Node>, MembershipError> {
                (**self).remove(id)
            }

            fn set_weight(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError> {
                (**self).set_weight(id, weight)
            }

            fn roster(&self) -> &Roster<Self::Node> {
                (**self).roster()
            }

            fn check_invariants(&self) {
                (**self).check_invariants();
            }
        }
    )*};
}

membership_through!(&mut P, Box<P>);
