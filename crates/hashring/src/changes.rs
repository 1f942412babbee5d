//! Changes of a roster, for placements of your own.

use crate::error::{BuildError, MembershipError, Refused};
use crate::member::{Identity, IntoMember, Member};
use crate::roster::Roster;
use alloc::vec::Vec;
use purlin_core::node::{NodeId, NodeIdx, Weight};

/// What a [`Membership`](crate::Membership) of your own keeps its members with.
///
/// ```
/// use purlin_hashring::{Identity, Member, NodeIdx, Roster, Weight};
///
/// let mut roster = Roster::of(["a", "b", "c"])?;
/// roster.leave("b".id())?;
/// assert_eq!(roster.join(Member::new("d").weight(3))?, NodeIdx(1));
/// assert_eq!(roster.reweigh("a".id(), Weight::DRAIN)?, Weight::ONE);
/// assert_eq!(roster.total_weight(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<T: Identity> Roster<T> {
    /// A roster of these members, at indices 0, 1, 2 and so on.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] with the position of a member whose identity another has, too.
    pub fn of<M: IntoMember<Node = T>>(
        members: impl IntoIterator<Item = M>,
    ) -> Result<Self, BuildError> {
        let members = members.into_iter().map(|member| {
            let member = member.into_member();
            Some((member.node.id(), member))
        });
        Self::with_gaps(members, Vec::new())
            .map_err(|(position, reason)| BuildError::Member { position, reason })
    }

    /// Adds a member, at the gap that was left last, or after all others. O(nodes).
    ///
    /// # Errors
    ///
    /// [`MembershipError::Duplicate`], [`MembershipError::TooManyNodes`] beyond 2^32 - 1.
    pub fn join(&mut self, member: Member<T>) -> Result<NodeIdx, Refused<T>> {
        let id = member.node.id();
        let index = match self.seats.find(id) {
            Some(_) => Err(MembershipError::Duplicate { id }),
            None => self.seats.next_index(),
        };
        match index {
            Ok(index) => {
                self.insert(index, id, member);
                Ok(index)
            }
            Err(reason) => Err(Refused { member, reason }),
        }
    }

    /// Removes a member and answers it. O(nodes).
    ///
    /// # Errors
    ///
    /// [`MembershipError::Unknown`].
    pub fn leave(&mut self, id: NodeId) -> Result<Member<T>, MembershipError> {
        self.find(id)
            .and_then(|index| self.remove(index))
            .ok_or(MembershipError::Unknown { id })
    }

    /// Sets the weight of a member and answers the former one. O(nodes) where localities are said.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Unknown`].
    pub fn reweigh(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError> {
        let index = self.find(id).ok_or(MembershipError::Unknown { id })?;
        let former = self.seats.get(index).map(|seat| seat.weight);
        self.seats.set_weight(index, weight);
        former.ok_or(MembershipError::Unknown { id })
    }
}
