//! A lookup table filled by rendezvous hashing.

mod cap;
mod contest;
mod rows;
mod table;

use crate::error::BuildError;
use crate::member::{Identity, IntoMember};
use crate::placed::{Placed, placement};
use crate::ranges::Ranged;
use crate::roster::Roster;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx};
use purlin_core::placement::Placement;
use table::Table;

/// A table of slots, each owned by the node that wins it under weighted rendezvous hashing; a
/// lookup is one access. The one to take unless you know better.
///
/// The upper bits of a key's hash choose the slot. As every slot is contested like a key of
/// [`Rendezvous`](crate::Rendezvous), the table has its virtues, which a Maglev table lacks: a node
/// that comes takes just its share, a node that goes leaves just its own, weights are exact in
/// expectation.
///
/// * Lookup: O(1), one access to 2 bytes a slot: 128 KiB by default. `replicas`: O(replicas) up to
///   the configured [`replicas`](SlotTableBuilder::replicas), O(nodes) for each beyond.
/// * Change: adding, or raising a weight, O(slots + nodes); removing, or lowering, O(slots), and
///   O(nodes) for each slot that the node had. At 1,000 nodes that is some 0.1 ms; with rows of
///   replicas it is some 1 ms, with a cap 5 to 15 ms.
/// * Balance: with `m` slots a node, shares deviate by about `1 / sqrt(m)` (one standard
///   deviation); a [cap](SlotTableBuilder::max_overload_percent) bounds the largest, at the price
///   of some movement. Choose [`slots`](SlotTableBuilder::slots) once for the largest number of
///   nodes to come: another number is another placement.
/// * At most 65,535 nodes.
///
/// ```
/// use purlin_hashring::{Member, Membership, PlacementExt, SlotTable, Identity};
///
/// let mut table = SlotTable::new(["cache-1", "cache-2", "cache-3"])?;
/// assert!(table.node_of("user:42").is_some());
///
/// // Twice the share; 2/5 of all keys move, all of them to the new node.
/// table.add(Member::new("cache-4").weight(2))?;
/// table.remove("cache-1".id())?;
///
/// // Another configuration: three distinct replicas a key, and no node over 105 % of its share.
/// let table = SlotTable::builder()
///     .slots(1 << 12)
///     .replicas(3)
///     .max_overload_percent(5)
///     .build(["a", "b", "c", "d"])?;
/// let mut replicas = [Default::default(); 3];
/// assert_eq!(table.replicas_of("user:42", &mut replicas), 3);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Source: rendezvous hashing as in [`Rendezvous`](crate::Rendezvous); a table in place of a ring
/// as in Maglev (Eisenbud et al., NSDI 2016, section 3.4). The capped table is the stable
/// assignment of slots to nodes with room for so many each (Gale and Shapley, 1962), which is
/// unique here, since a node ranks slots by what makes slots rank nodes; so that it does not depend
/// on the order of changes either.
#[derive(Clone, Debug)]
pub struct SlotTable<T> {
    placed: Placed<T, Table>,
    options: SlotTableBuilder,
}

impl<T> SlotTable<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> SlotTableBuilder {
        self.options
    }
}

placement!(SlotTable);

impl<T: Identity> SlotTable<T> {
    /// Over these members: 65,536 slots, seed 0, no cap, no rows of replicas.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for the second of two members of one identity, and for one too many.
    pub fn new(members: impl IntoIterator<Item: IntoMember<Node = T>>) -> Result<Self, BuildError> {
        SlotTable::builder().build(members)
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.options.slots
    }
}

impl SlotTable<()> {
    /// Options first.
    pub const fn builder() -> SlotTableBuilder {
        SlotTableBuilder {
            seed: 0,
            slots: 1 << 16,
            replicas: 1,
            max_overload_percent: None,
        }
    }
}

/// Two hashes lie in one range when they lie in one slot.
impl<T: Identity> Ranged for SlotTable<T> {
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        (self.placed.strategy.end_of_slot(from), self.owner(from))
    }
}

/// Options of a [`SlotTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SlotTableBuilder {
    pub(crate) seed: u64,
    pub(crate) slots: usize,
    pub(crate) replicas: usize,
    pub(crate) max_overload_percent: Option<u32>,
}

impl SlotTableBuilder {
    /// Another seed, another placement. 0 by default. All machines must use the same.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many slots: a power of two from 64 to 4,194,304; 65,536 by default.
    ///
    /// 128 for each node of the largest cluster to come is a good number, 512 if there is a cap.
    /// While the table fits the processor's second-level cache, twice as many cost nothing in
    /// lookups.
    pub const fn slots(self, slots: usize) -> Self {
        Self { slots, ..self }
    }

    /// How many replicas of each slot to have at hand, the owner included: 1 to 16, 1 by default.
    /// Each beyond the first takes 2 bytes a slot. Replicas that are not at hand cost a pass
    /// over all nodes each: 3 of 100 nodes take 3 ns from rows and 0.3 us without.
    pub const fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// No node owns more than so many percent over its share of the slots, rounded down, or rounded
    /// up where the slots could not be handed out otherwise: 5 keeps the fullest node at 105 %
    /// or less. No limit by default; 1,000 is the largest.
    ///
    /// A change then moves some keys more than its share, since full nodes make room and others get
    /// room: with 512 slots a node and 10 %, a hundredth of the share; with 5 %, a twentieth
    /// among 100 nodes, a tenth among 300, a fifth among 1,000. The cap is on owners; replicas
    /// after them are not counted.
    pub const fn max_overload_percent(self, percent: u32) -> Self {
        Self {
            max_overload_percent: Some(percent),
            ..self
        }
    }

    /// Builds it over these members. O(slots * nodes * replicas), at 0.1 to 0.5 ns each where there
    /// is SIMD.
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] for options out of their bounds; [`BuildError::Member`] for the
    /// second of two members of one identity and for the 65,536th member.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<SlotTable<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<SlotTable<T>, BuildError> {
        let refuse = |option, value: usize, bound| {
            let value = value as u64;
            Err(BuildError::Option {
                option,
                value,
                bound,
            })
        };
        if !self.slots.is_power_of_two() || !(1 << 6..=1 << 22).contains(&self.slots) {
            return refuse("slots", self.slots, "a power of two from 64 to 4194304");
        }
        if !(1..=rows::MAX).contains(&self.replicas) {
            return refuse("replicas", self.replicas, "1 to 16");
        }
        if let Some(percent) = self.max_overload_percent.filter(|&percent| percent > 1000) {
            return refuse("max_overload_percent", percent as usize, "0 to 1000");
        }
        let placed = Placed::over(roster, epoch, |seats| Table::build(self, seats))?;
        Ok(SlotTable {
            placed,
            options: self,
        })
    }
}
