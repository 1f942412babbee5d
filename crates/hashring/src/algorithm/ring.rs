//! The ring: consistent hashing as it was first drawn.

mod circle;
mod packing;
mod points;

use crate::error::BuildError;
use crate::member::{Identity, IntoMember};
use crate::placed::{Placed, placement};
use crate::ranges::Ranged;
use crate::roster::Roster;
use circle::Circle;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx};

/// A consistent-hash ring: every node has many points on a circle of hashes, and a key belongs to
/// the node of the first point at or after it.
///
/// Each node owns ranges of hashes, which can be listed ([`Ranged`]) and compared
/// ([`diff`](crate::diff)). That makes it the placement for data that has to be moved when the
/// members change; where nothing has to be moved range by range, [`Rendezvous`](crate::Rendezvous)
/// and [`SlotTable`](crate::SlotTable) are more even.
///
/// * Evenness: with the default of 160 points for each unit of weight, shares differ from the ideal
///   by 8 % (standard deviation), as the inverse square root of the number of points.
/// * Lookup: O(1), a bucket by the first bits of the key and then one comparison with six points.
///   `replicas`: a walk along the circle, of about as many points as replicas while these are few,
///   and that for each replica where members have localities.
/// * Change: O(points) by moving memory, about 25 microseconds for 1,000 nodes. Adding a node, or
///   raising its weight, moves keys to that node only; removing it, or lowering its weight, moves
///   keys of that node only. The same holds of replica sets.
/// * Memory: 5 to 9 bytes a point.
///
/// Positions have 32 bits, the upper ones of a [`KeyHash`]. Two points at one position are told
/// apart by the identities of their nodes, so the answers do not depend on the order of changes.
///
/// Source: Karger et al., "Consistent hashing and random trees", STOC 1997; weights by points as in
/// DeCandia et al., "Dynamo", SOSP 2007.
///
/// ```
/// use purlin_hashring::{Member, Membership, PlacementExt, Ring};
///
/// let mut stores = Ring::new(["store-1", "store-2", "store-3"])?;
/// let before = *stores.node_of("user:42").expect("there are nodes");
///
/// stores.add(Member::new("store-4").weight(2))?;
/// let after = *stores.node_of("user:42").expect("there are nodes");
/// assert!(after == before || after == "store-4");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ring<T> {
    placed: Placed<T, Circle>,
    options: RingBuilder,
}

impl<T> Ring<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> RingBuilder {
        self.options
    }
}

placement!(Ring);

impl<T: Identity> Ring<T> {
    /// Over these members, with seed 0 and 160 points for each unit of weight.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for the second of two members of one identity, and for the first
    /// whose weight takes more points than the ring may have.
    pub fn new(members: impl IntoIterator<Item: IntoMember<Node = T>>) -> Result<Self, BuildError> {
        Ring::builder().build(members)
    }

    /// How many points there are.
    #[must_use]
    pub fn points(&self) -> usize {
        self.placed.strategy.len()
    }
}

impl Ring<()> {
    /// Options first.
    pub const fn builder() -> RingBuilder {
        RingBuilder {
            seed: 0,
            points_per_weight: 160,
            max_points: 1 << 24,
        }
    }
}

/// Two hashes lie in one range when no point is between them.
impl<T: Identity> Ranged for Ring<T> {
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        self.placed.strategy.next_boundary(from)
    }
}

/// Options of a [`Ring`]. All machines must use the same.
///
/// ```
/// use purlin_hashring::{BuildError, Member, Ring};
///
/// let ring = Ring::builder().points_per_weight(40).build([Member::new("a").weight(3), Member::new("b")])?;
/// assert_eq!(ring.points(), 4 * 40);
///
/// let refused = Ring::builder().max_points(1_000).build([Member::new("a").weight(1_000_000)]);
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "member 0: the ring would have 160000000 points, its limit is 1000: \
///      use smaller weights or fewer points per weight"
/// );
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct RingBuilder {
    pub(crate) seed: u64,
    pub(crate) points_per_weight: u32,
    pub(crate) max_points: u32,
}

impl RingBuilder {
    /// Another seed, another placement. 0 by default.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many points a node of weight 1 has: 160 by default, at least 1. Four times as many halve
    /// the unevenness, for four times the memory.
    pub const fn points_per_weight(mut self, points: u32) -> Self {
        self.points_per_weight = points;
        self
    }

    /// How many points there may be in all: 2^24 by default, 2^28 at most. What bounds the memory
    /// when weights come from outside.
    pub const fn max_points(mut self, points: u32) -> Self {
        self.max_points = points;
        self
    }

    /// Builds it over these members. O(points).
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] for options out of their bounds; [`BuildError::Member`] for the
    /// second of two members of one identity, and for the first whose weight takes more points
    /// than the ring may have.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Ring<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Ring<T>, BuildError> {
        let placed = Placed::over(roster, epoch, |seats| Circle::new(self, seats))?;
        Ok(Ring {
            placed,
            options: self,
        })
    }
}
