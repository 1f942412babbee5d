//! A roster and an algorithm over it: what every placement of this crate is made of.

use crate::error::{BuildError, MembershipError, Refused};
use crate::member::{Identity, Member};
use crate::roster::{Roster, Seat, Seats};
use crate::spread;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeId, NodeIdx, Weight};

/// An algorithm, which knows nodes by index, identity, weight and locality only.
pub(crate) trait Strategy {
    /// Whether a change is possible. `seats` are the members before it.
    fn admit(&self, seats: &Seats, change: &Change) -> Result<(), MembershipError>;

    /// Makes a change that was admitted. `seats` are the members after it.
    fn apply(&mut self, seats: &Seats, change: &Change);

    fn owner(&self, key: KeyHash) -> Option<NodeIdx>;

    /// As in [`crate::Preference`].
    fn owner_where(
        &self,
        seats: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx>;

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        spread::replicas(seats, out, 0, |accept| self.owner_where(seats, key, accept))
    }

    /// Panics when something is inconsistent.
    fn check(&self, seats: &Seats);
}

/// One member that comes, goes or changes its weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) index: NodeIdx,
    /// `None` when it comes.
    pub(crate) before: Option<Seat>,
    /// `None` when it goes.
    pub(crate) after: Option<Seat>,
}

impl Change {
    /// The weight before, 0 for a node that was not there.
    pub(crate) fn weight_before(&self) -> u32 {
        self.before.map_or(0, |seat| seat.weight.get())
    }

    /// The weight after, 0 for a node that is gone.
    pub(crate) fn weight_after(&self) -> u32 {
        self.after.map_or(0, |seat| seat.weight.get())
    }

    /// The node's identity.
    pub(crate) fn id(&self) -> NodeId {
        // One of the two is there.
        self.after.or(self.before).map_or(NodeId(0), |seat| seat.id)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Placed<T, S> {
    pub(crate) roster: Roster<T>,
    pub(crate) strategy: S,
    pub(crate) epoch: Epoch,
}

impl<T: Identity, S: Strategy> Placed<T, S> {
    /// Of members that have their indices and an epoch already.
    pub(crate) fn over(
        roster: Roster<T>,
        epoch: Epoch,
        strategy: impl FnOnce(&Seats) -> Result<S, BuildError>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            strategy: strategy(&roster.seats)?,
            roster,
            epoch,
        })
    }

    pub(crate) fn add(&mut self, member: Member<T>) -> Result<NodeIdx, Refused<T>> {
        let id = member.node.id();
        match self.try_admit_new(id, &member) {
            Ok(change) => {
                self.roster.insert(change.index, id, member);
                self.apply(&change);
                Ok(change.index)
            }
            Err(reason) => Err(Refused { member, reason }),
        }
    }

    fn try_admit_new(&self, id: NodeId, member: &Member<T>) -> Result<Change, MembershipError> {
        let seats = &self.roster.seats;
        if seats.find(id).is_some() {
            return Err(MembershipError::Duplicate { id });
        }
        let change = Change {
            index: seats.next_index()?,
            before: None,
            after: Some(Seat {
                id,
                weight: member.weight,
                locality: member.locality,
            }),
        };
        self.strategy.admit(seats, &change)?;
        Ok(change)
    }

    pub(crate) fn remove(&mut self, id: NodeId) -> Result<Member<T>, MembershipError> {
        let (index, seat) = self.seat(id)?;
        let change = Change {
            index,
            before: Some(seat),
            after: None,
        };
        self.strategy.admit(&self.roster.seats, &change)?;
        let member = self
            .roster
            .remove(index)
            .ok_or(MembershipError::Unknown { id })?;
        self.apply(&change);
        Ok(member)
    }

    pub(crate) fn set_weight(
        &mut self,
        id: NodeId,
        weight: Weight,
    ) -> Result<Weight, MembershipError> {
        let (index, seat) = self.seat(id)?;
        if seat.weight != weight {
            let change = Change {
                index,
                before: Some(seat),
                after: Some(Seat { weight, ..seat }),
            };
            self.strategy.admit(&self.roster.seats, &change)?;
            self.roster.seats.set_weight(index, weight);
            self.apply(&change);
        }
        Ok(seat.weight)
    }

    fn seat(&self, id: NodeId) -> Result<(NodeIdx, Seat), MembershipError> {
        let seats = &self.roster.seats;
        let index = seats.find(id).ok_or(MembershipError::Unknown { id })?;
        let seat = seats.get(index).ok_or(MembershipError::Unknown { id })?;
        Ok((index, *seat))
    }

    fn apply(&mut self, change: &Change) {
        self.strategy.apply(&self.roster.seats, change);
        self.epoch = self.epoch.next();
    }
}

/// Implements the traits of a placement for a struct `$name<T $(, extra)*>` that has a field
/// `placed: Placed<T, impl Strategy>`.
macro_rules! placement {
    ($name:ident $(, $extra:ident: $bound:path)*) => {
        impl<T: $crate::Identity $(, $extra: $bound)*> purlin_core::placement::Placement for $name<T $(, $extra)*> {
            type Node = T;

            #[inline]
            fn owner(&self, key: purlin_core::hash::KeyHash) -> Option<purlin_core::node::NodeIdx> {
                $crate::placed::Strategy::owner(&self.placed.strategy, key)
            }

            #[inline]
            fn replicas(&self, key: purlin_core::hash::KeyHash, out: &mut [purlin_core::node::NodeIdx]) -> usize {
                $crate::placed::Strategy::replicas(&self.placed.strategy, &self.placed.roster.seats, key, out)
            }

            #[inline]
            fn node(&self, index: purlin_core::node::NodeIdx) -> Option<&T> {
                self.placed.roster.node(index)
            }

            fn len(&self) -> usize {
                self.placed.roster.len()
            }

            fn epoch(&self) -> purlin_core::node::Epoch {
                self.placed.epoch
            }
        }

        impl<T $(, $extra: $bound)*> $name<T $(, $extra)*> {
            /// The same at another epoch: for a placement that was built anew to take the place of one of
            /// a lower epoch.
            #[must_use]
            pub fn with_epoch(mut self, epoch: purlin_core::node::Epoch) -> Self {
                self.placed.epoch = epoch;
                self
            }
        }

        impl<T: $crate::Identity $(, $extra: $bound)*> $crate::Preference for $name<T $(, $extra)*> {
            fn owner_where(
                &self,
                key: purlin_core::hash::KeyHash,
                accept: &mut dyn FnMut(purlin_core::node::NodeIdx) -> bool,
            ) -> Option<purlin_core::node::NodeIdx> {
                $crate::placed::Strategy::owner_where(&self.placed.strategy, &self.placed.roster.seats, key, accept)
            }
        }

        impl<T: $crate::Identity $(, $extra: $bound)*> $crate::Membership for $name<T $(, $extra)*> {
            fn add(&mut self, member: $crate::Member<T>) -> Result<purlin_core::node::NodeIdx, $crate::Refused<T>> {
                self.placed.add(member)
            }

            fn remove(&mut self, id: purlin_core::node::NodeId) -> Result<$crate::Member<T>, $crate::MembershipError> {
                self.placed.remove(id)
            }

            fn set_weight(
                &mut self,
                id: purlin_core::node::NodeId,
                weight: purlin_core::node::Weight,
            ) -> Result<purlin_core::node::Weight, $crate::MembershipError> {
                self.placed.set_weight(id, weight)
            }

            fn roster(&self) -> &$crate::Roster<T> {
                &self.placed.roster
            }

            fn check_invariants(&self) {
                $crate::placed::Strategy::check(&self.placed.strategy, &self.placed.roster.seats);
            }
        }
    };
}

pub(crate) use placement;
