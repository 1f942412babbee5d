//! Maglev: a lookup table that nodes fill in turns.

pub(crate) mod table;
#[cfg(test)]
mod tests;

use crate::error::{BuildError, MembershipError};
use crate::member::{Identity, IntoMember};
use crate::mix;
use crate::placed::{Change, Placed, Strategy, placement};
use crate::ranges::Ranged;
use crate::roster::{Roster, Seats};
use crate::spread;
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeId, NodeIdx};
use purlin_core::placement::Placement;
use purlin_core::random::SplitMix64;
use table::{Sequence, Turns};

/// The lookup table of Google's load balancer, Maglev.
///
/// Every node has its own random order of the table's slots. Nodes take turns at claiming the first
/// slot of their order that is still free, until the table is full (Eisenbud et al., "Maglev: A
/// Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4). So every node gets
/// as many slots as it has turns, and shares are even to a slot.
///
/// The price is that a change moves more keys than it must: with 65,537 slots, 1.7 times as many at
/// 100 nodes and 6.6 times at 1,000. **`SlotTable` is the better choice** unless shares have to be
/// even to a slot: it answers as fast and moves nothing needlessly. A table that agrees with
/// Envoy's is `compat::EnvoyMaglev`.
///
/// * **Weights**: in the first round everyone has a turn, thereafter a node of weight w has one in
///   w of `max` rounds, where `max` is the greatest weight. That is Envoy's rule, in whole numbers
///   here. So a node that takes keys owns a slot at least; its share is at most 2 slots more than
///   its due, or 1 slot and the fraction nodes/slots of it less.
/// * **Lookup**: slots are equal ranges of hashes: one multiplication, one load.
/// * **Next nodes**: those of the slots that follow; see [`Preference`](crate::Preference).
/// * **Changes**: every one fills the table anew, in O(slots log slots) expected time, with unequal
///   weights O(slots (log slots + log nodes)). What comes out depends on members, weights and seed
///   alone: nodes take their turns in the order of their identities.
/// * **Memory**: 2 bytes a slot and 4 a node; while filling, 28 bytes a node more, 52 with unequal
///   weights. The permutations, nodes * slots numbers, are never stored.
/// * **Limits**: 65,535 nodes, and no more nodes than slots.
///
/// ```
/// use purlin_hashring::{Maglev, Member, Membership, Placement, PlacementExt};
///
/// let mut table = Maglev::new(["a", "b", "c"])?;
/// assert!(table.node_of("user:42").is_some());
/// table.add(Member::new("d").weight(2))?;
/// assert_eq!(table.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Maglev<T> {
    placed: Placed<T, Core>,
    options: MaglevBuilder,
}

impl Maglev<()> {
    /// Options first.
    pub fn builder() -> MaglevBuilder {
        MaglevBuilder::default()
    }
}

impl<T: Identity> Maglev<T> {
    /// A table of 65,537 slots.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity, or more than 65,535.
    pub fn new(
        members: impl IntoIterator<Item = impl IntoMember<Node = T>>,
    ) -> Result<Self, BuildError> {
        MaglevBuilder::default().build(members)
    }

    /// How many slots there are.
    #[must_use]
    pub fn table_size(&self) -> u32 {
        self.placed.strategy.size
    }

    /// The owners of the slots, in order; nothing while no member takes keys.
    ///
    /// Slot `s` of `m` holds the hashes `h` with `h * m / 2^64 == s`, rounded down.
    #[must_use]
    pub fn slots(&self) -> impl ExactSizeIterator<Item = NodeIdx> {
        let table = &self.placed.strategy.table;
        table.iter().map(|&node| NodeIdx(u32::from(node)))
    }
}

impl<T> Maglev<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> MaglevBuilder {
        self.options
    }
}

placement!(Maglev);

/// Two hashes lie in one range when they lie in one slot.
impl<T: Identity> Ranged for Maglev<T> {
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        (self.placed.strategy.end_of_slot(from), self.owner(from))
    }
}

/// Options of a [`Maglev`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MaglevBuilder {
    pub(crate) seed: u64,
    pub(crate) table_size: u64,
}

impl Default for MaglevBuilder {
    fn default() -> Self {
        Self {
            seed: 0,
            table_size: table::DEFAULT_SIZE,
        }
    }
}

impl MaglevBuilder {
    /// Another seed gives another placement. 0 unless set.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The number of slots: a prime, at most 5,000,011. 65,537 unless set.
    ///
    /// The paper recommends 100 slots a node or more: shares are then even to 1 % (each is one of
    /// two neighbouring numbers of slots).
    pub fn table_size(self, table_size: u64) -> Self {
        Self { table_size, ..self }
    }

    /// Fills the table.
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] if the table size is not prime or too large; [`BuildError::Member`]
    /// for two members of one identity, for more members than 65,535 or than slots.
    ///
    /// ```
    /// use purlin_hashring::Maglev;
    ///
    /// let table = Maglev::builder().table_size(251).build(["a", "b"])?;
    /// assert_eq!(table.slots().len(), 251);
    /// assert!(Maglev::builder().table_size(250).build(["a", "b"]).is_err());
    /// # Ok::<(), purlin_hashring::BuildError>(())
    /// ```
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Maglev<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Maglev<T>, BuildError> {
        let size = u32::try_from(self.table_size).unwrap_or(u32::MAX);
        if !table::is_table_size(size.into()) {
            return Err(BuildError::Option {
                option: "table_size",
                value: self.table_size,
                bound: table::SIZE_BOUND,
            });
        }
        let placed = Placed::over(roster, epoch, |seats| Core::new(self.seed, size, seats))?;
        Ok(Maglev {
            placed,
            options: self,
        })
    }
}

#[derive(Clone, Debug)]
struct Core {
    seed: u64,
    size: u32,
    /// The owner of each slot. Empty while no node takes keys.
    table: Vec<u16>,
    /// The nodes that take keys, in the order of their turns.
    takers: Vec<NodeIdx>,
}

impl Core {
    fn new(seed: u64, size: u32, seats: &Seats) -> Result<Self, BuildError> {
        let mut core = Self {
            seed,
            size,
            table: Vec::new(),
            takers: Vec::new(),
        };
        let limit = core.max_nodes();
        if seats.bound() > limit {
            return Err(BuildError::Member {
                position: limit,
                reason: MembershipError::TooManyNodes {
                    limit: limit as u64,
                },
            });
        }
        core.refill(seats);
        Ok(core)
    }

    fn max_nodes(&self) -> usize {
        table::MAX_NODES.min(self.size as usize)
    }

    fn refill(&mut self, seats: &Seats) {
        let mut nodes: Vec<_> = seats
            .iter_active()
            .map(|(index, seat)| (seat.id, index, seat.weight.get()))
            .collect();
        nodes.sort_unstable();
        self.takers = nodes.iter().map(|&(_, index, _)| index).collect();
        if nodes.is_empty() {
            self.table = Vec::new();
            return;
        }
        self.table.resize(self.size as usize, table::FREE);
        let mut sequences: Vec<_> = nodes
            .iter()
            .map(|&(id, index, _)| self.sequence(id, index))
            .collect();
        let heaviest = nodes.iter().map(|node| node.2).max().unwrap_or(0);
        if nodes.iter().all(|node| node.2 == heaviest) {
            return table::fill(&mut self.table, &mut sequences, (0..nodes.len()).cycle());
        }
        let mut turns = vec![0; nodes.len()];
        let next_round = |place: usize| {
            turns[place] += 1;
            // Below 2^23 turns, of a weight below 2^32.
            (turns[place] * u64::from(heaviest)).div_ceil(nodes[place].2.into())
        };
        table::fill(
            &mut self.table,
            &mut sequences,
            Turns::new(nodes.len(), next_round),
        );
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "node indices are below `MAX_NODES`"
    )]
    fn sequence(&self, id: NodeId, index: NodeIdx) -> Sequence {
        let key = mix::node_key(self.seed, id);
        Sequence {
            node: index.0 as u16,
            next: scale(key, self.size),
            skip: 1 + scale(SplitMix64::mix(key), self.size - 1),
        }
    }

    #[inline]
    fn slot(&self, key: KeyHash) -> usize {
        scale(key.0, self.size) as usize
    }

    /// The last hash of the slot that has this one: the hash before the first of the next.
    fn end_of_slot(&self, key: KeyHash) -> KeyHash {
        let next = (self.slot(key) as u128 + 1) << 64;
        let end = next.div_ceil(u128::from(self.size)) - 1;
        KeyHash(u64::try_from(end).unwrap_or(u64::MAX))
    }

    /// How many slots a walk looks at. With 16 for each node, it has by then met a node of average
    /// weight but for one key in 8 million.
    fn reach(&self) -> usize {
        16 * self.takers.len()
    }

    /// The nodes that take keys, each at least once, in the key's order of preference.
    ///
    /// The slots after the key's own are as random as the table. When that took too long, the rest
    /// is found by going over all nodes, so that even an order in which no node will do ends soon.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are fewer than 2^16 nodes"
    )]
    fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx> {
        let (before, after) = self.table.split_at(self.slot(key).min(self.table.len()));
        let slots = after.iter().chain(before).take(self.reach());
        // The low bits, since nearby slots share the high ones.
        let first = scale(key.0 << 32, self.takers.len() as u32) as usize;
        let all = self.takers[first..].iter().chain(&self.takers[..first]);
        slots.map(|&node| NodeIdx(node.into())).chain(all.copied())
    }
}

/// A fully mixed number as one below a bound: `x * bound / 2^64`.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the result is below `bound`"
)]
fn scale(x: u64, bound: u32) -> u32 {
    ((u128::from(x) * u128::from(bound)) >> 64) as u32
}

impl Strategy for Core {
    fn admit(&self, _: &Seats, change: &Change) -> Result<(), MembershipError> {
        let limit = self.max_nodes();
        if change.index.get() >= limit {
            return Err(MembershipError::TooManyNodes {
                limit: limit as u64,
            });
        }
        Ok(())
    }

    fn apply(&mut self, seats: &Seats, change: &Change) {
        if change.weight_before() != change.weight_after() {
            self.refill(seats);
        }
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        let node = self.table.get(self.slot(key))?;
        Some(NodeIdx(u32::from(*node)))
    }

    fn owner_where(
        &self,
        _: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.walk(key).find(|&node| accept(node))
    }

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        if seats.domains().is_flat() {
            let wanted = out.len().min(self.takers.len());
            let out = &mut out[..wanted];
            // The beginning of the walk, plain and fast, nearly always has them all.
            let near = self.table.iter().skip(self.slot(key)).take(self.reach());
            if spread::first_distinct(near.map(|&node| NodeIdx(node.into())), out) < wanted {
                spread::first_distinct(self.walk(key), out);
            }
            return wanted;
        }
        spread::replicas(seats, out, 0, |accept| self.owner_where(seats, key, accept))
    }

    fn check(&self, seats: &Seats) {
        assert_eq!(
            self.takers.len(),
            seats.active(),
            "all that take keys have turns"
        );
        let size = if seats.active() == 0 {
            0
        } else {
            self.size as usize
        };
        assert_eq!(self.table.len(), size, "the table has its size");
        let mut shares = vec![0_usize; seats.bound()];
        for &node in &self.table {
            shares[usize::from(node)] += 1;
        }
        for (index, seat) in seats.iter() {
            let owns = shares[index.get()] > 0;
            assert_eq!(
                owns,
                !seat.weight.is_drain(),
                "{index} owns slots if it takes keys"
            );
        }
    }
}
