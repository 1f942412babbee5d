//! Placements that know how they were made.

use super::{Algorithm, AnyPlacement, Options, RestoreError, Snapshot};
use crate::bucket::{Flip, Jump};
use crate::member::Identity;
use crate::membership::Membership;
use crate::ranges::Ranged;
use crate::{
    Anchor, AnchorBuilder, Buckets, BucketsBuilder, Maglev, MaglevBuilder, Memento, MementoBuilder,
    Rendezvous, RendezvousBuilder, Ring, RingBuilder, SlotTable, SlotTableBuilder,
};
use alloc::boxed::Box;
use core::fmt;

/// A placement that knows the [`Algorithm`] and the [`Options`] that made it, so that it can be
/// made again.
///
/// All placements of the registry are, statically and as [`AnyPlacement`]. Object-safe.
pub trait Registered: Membership + sealed::Sealed {
    /// Its algorithm.
    fn algorithm(&self) -> Algorithm;

    /// All options that its algorithm has, whether they were set or not.
    fn options(&self) -> Options;

    /// As a placement whose ranges can be listed, if it is one.
    fn as_ranged(&self) -> Option<&dyn Ranged<Node = Self::Node>>;

    /// A copy of it. (That `Box<dyn Registered>` is `Clone` rests on this.)
    fn clone_boxed(&self) -> AnyPlacement<Self::Node>
    where
        Self::Node: Clone;
}

impl<T: Clone> Clone for AnyPlacement<T> {
    fn clone(&self) -> Self {
        (**self).clone_boxed()
    }
}

/// Its algorithm and how many members it has: enough for a message.
impl<T> fmt::Debug for dyn Registered<Node = T> + Send + Sync + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.algorithm().name())
            .field("len", &self.len())
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

/// Only the placements of this crate are in its registry.
mod sealed {
    #[expect(unnameable_types, reason = "nobody is to name it")]
    pub trait Sealed {}
}

/// What `Registered` needs to know of a placement, and what makes it restorable.
macro_rules! registered {
    ($($placement:ty, $builder:ty, $algorithm:ident, $ranged:expr, |$options:ident| {$($field:ident: $value:expr),*};)*) => {$(
        impl<T: Identity + Send + Sync + 'static> Registered for $placement {
            fn algorithm(&self) -> Algorithm {
                Algorithm::$algorithm
            }

            fn options(&self) -> Options {
                let $options = self.to_builder();
                Options {
                    seed: $options.seed,
                    $($field: $value,)*
                    ..Options::default()
                }
            }

            fn as_ranged(&self) -> Option<&dyn Ranged<Node = T>> {
                let as_ranged: fn(&Self) -> Option<&dyn Ranged<Node = T>> = $ranged;
                as_ranged(self)
            }

            fn clone_boxed(&self) -> AnyPlacement<T>
            where
                T: Clone,
            {
                Box::new(self.clone())
            }
        }

        impl<T: Identity> sealed::Sealed for $placement {}

        /// Restores it; see [`Snapshot`].
        impl<T: Identity> TryFrom<Snapshot<T>> for $placement {
            type Error = RestoreError;

            fn try_from(snapshot: Snapshot<T>) -> Result<Self, RestoreError> {
                let (options, roster, epoch) = snapshot.parts(Some(Algorithm::$algorithm))?;
                Ok(<$builder>::from(&options).over(roster, epoch)?)
            }
        }
    )*};
}

registered! {
    SlotTable<T>, SlotTableBuilder, SlotTable, |table| Some(table), |options| {
        slots: u32::try_from(options.slots).ok(),
        replicas: u32::try_from(options.replicas).ok(),
        max_overload_percent: options.max_overload_percent
    };
    Ring<T>, RingBuilder, Ring, |ring| Some(ring), |options| {
        points_per_weight: Some(options.points_per_weight),
        max_points: Some(options.max_points)
    };
    Rendezvous<T>, RendezvousBuilder, Rendezvous, |_| None, |options| {};
    Maglev<T>, MaglevBuilder, Maglev, |table| Some(table), |options| { table_size: Some(options.table_size) };
    Buckets<T, Flip>, BucketsBuilder<Flip>, Flip, |_| None, |options| {};
    Buckets<T, Jump>, BucketsBuilder<Jump>, Jump, |_| None, |options| {};
    Memento<T>, MementoBuilder, Memento, |_| None, |options| {};
    Anchor<T>, AnchorBuilder, Anchor, |_| None, |options| { capacity: Some(options.capacity) };
}
