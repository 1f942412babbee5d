//! Placements that a policy can be over.

use alloc::vec::Vec;
use core::fmt;
use purlin_core::node::{NodeId, Weight};
use purlin_hashring::{
    BuildError, Maglev, Member, Membership, MembershipError, Rendezvous, Ring, SlotTable,
};

/// A placement that [`Hashed`](super::Hashed) can be over: of the identities of endpoints, and able
/// to build itself anew.
///
/// A placement has bounds, and a cluster is not to fail because of them:
///
/// * Where the weights sum up to more than [`max_total_weight`](Self::max_total_weight), all are
///   halved until they do not, with 1 the least. A [`Ring`] of 160 points and 2^24 at most takes
///   104,857; the others take any weights. To cross that line moves keys, so keep weights of a ring
///   small.
/// * Where there are more endpoints than it takes, 65,535 in tables, those of the highest identities
///   are left out: they get requests when all others are closed. Every change then builds the placement
///   anew.
///
/// # Implementing
///
/// What a placement answers must follow from its members, weights and options, and not from the order
/// of changes: a policy that followed every change then answers as one that was built anew.
pub trait HashPlacement: Membership<Node = NodeId> + Clone + fmt::Debug + Send + Sync {
    /// The same options over these members and no others.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] names the first that it does not take.
    fn over(&self, members: Vec<Member<NodeId>>) -> Result<Self, BuildError>;

    /// The most that the weights of all members may sum up to.
    fn max_total_weight(&self) -> u64 {
        u64::MAX
    }

    /// With how many changes to `members` members it is built anew, rather than changed as often.
    fn max_changes(&self, members: usize) -> usize;
}

/// A change is a pass over the slots, building anew a pass for each member, of some tenth of the cost.
impl HashPlacement for SlotTable<NodeId> {
    fn over(&self, members: Vec<Member<NodeId>>) -> Result<Self, BuildError> {
        self.to_builder().build(members)
    }

    fn max_changes(&self, members: usize) -> usize {
        1 + members / 8
    }
}

/// A change moves all points, building anew sorts them.
impl HashPlacement for Ring<NodeId> {
    fn over(&self, members: Vec<Member<NodeId>>) -> Result<Self, BuildError> {
        self.to_builder().build(members)
    }

    fn max_total_weight(&self) -> u64 {
        // Refused for its weight, before anything is made of it.
        let heaviest = Member::new(NodeId(0)).weight(Weight::MAX);
        match self.to_builder().build([heaviest]) {
            Err(BuildError::Member {
                reason: MembershipError::TooManyPoints { points, limit },
                ..
            }) => limit / (points / u64::from(u32::MAX)).max(1),
            _ => u64::MAX,
        }
    }

    fn max_changes(&self, _members: usize) -> usize {
        64
    }
}

/// Every change fills the table anew.
impl HashPlacement for Maglev<NodeId> {
    fn over(&self, members: Vec<Member<NodeId>>) -> Result<Self, BuildError> {
        self.to_builder().build(members)
    }

    fn max_changes(&self, _members: usize) -> usize {
        1
    }
}

/// A change moves the list of members, building anew sorts it.
impl HashPlacement for Rendezvous<NodeId> {
    fn over(&self, members: Vec<Member<NodeId>>) -> Result<Self, BuildError> {
        self.to_builder().build(members)
    }

    fn max_changes(&self, _members: usize) -> usize {
        64
    }
}
