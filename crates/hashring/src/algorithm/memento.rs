//! MementoHash: a bucket hash that remembers the nodes that are gone.

#[cfg(test)]
pub(crate) mod tests;

use crate::bucket::preference::{Drawn, Order};
use crate::bucket::{flip, rehash};
use crate::buckets::{admit_unweighted, all_unweighted, keyed};
use crate::error::{BuildError, MembershipError};
use crate::member::{Identity, IntoMember};
use crate::placed::{Change, Placed, Strategy, placement};
use crate::roster::{Roster, Seats};
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx};
use purlin_core::random::SplitMix64;

/// MementoHash: the time and memory of a bucket hash while all nodes are there, and any of them may
/// leave.
///
/// Coluzzi, Brocco, Antonucci and Leidi, "MementoHash: A Stateful, Minimal Memory, Best Performing
/// Consistent Hash Algorithm", 2023 (arXiv:2306.09783), over [`flip`] in place of jump hash. Take
/// it for nodes of equal weight that come and go without an upper limit on their number.
///
/// * **Lookup**: [`flip`] while no node is gone, a few ns. A key whose bucket is gone is hashed
///   again among those that were left when it went: `ln(buckets / nodes)` times more on average.
/// * **Weights**: all nodes have weight 1. Other weights, 0 included, are refused as
///   [`MembershipError::Unweighted`].
/// * **Next nodes and replicas**: the buckets that [`flip`](crate::bucket::flip) gives for one key
///   derived from this one after the other, without those that have no node. After 4 draws for each
///   bucket (64 at least), rendezvous hashing orders who is left.
/// * **Changes**: O(1), and O(nodes) by moving memory for the list of members. Nothing moves that
///   must not: a node that leaves gives its keys to all others evenly, one that comes takes its
///   share. The same holds of replicas, but for a node that is added beyond the highest index, or
///   removed from there while there are no gaps: one key in about `nodes^2 / 3` then changes a
///   second of three replicas.
/// * **Memory**: nothing until a node goes that is not the last, then 4 bytes for each index up to
///   the highest.
/// * **History**: a node that comes takes the index freed last and the keys of the node that had
///   it. So who owns what depends on the order of changes, and all machines must make the same ones
///   in the same order.
///
/// # How it works
///
/// For each bucket that is gone, the state holds how many were `left` after it went. All these
/// numbers differ, and are read as places: when the bucket at one place goes, the one at the last
/// place, number `left`, is put there. A key of a gone bucket `b` takes a place below `left(b)` at
/// random. While the place's own bucket was gone before `b`, which is when its number is not below
/// `left(b)`, the place to look at is that number. As no two gone buckets have one number,
/// different places lead to different buckets, and never in a circle: so the key goes to each
/// bucket that was there after `b` had gone with the same probability. It goes on from there if
/// that one is gone too.
///
/// ```
/// use purlin_hashring::{Identity, Membership, Memento, PlacementExt};
///
/// let mut nodes = Memento::new(["a", "b", "c", "d"])?;
/// let before: Vec<_> = (0..1000_u32).map(|k| *nodes.node_of(k.to_le_bytes()).unwrap()).collect();
/// nodes.remove("b".id())?;
/// for (k, before) in (0..1000_u32).zip(before) {
///     let after = *nodes.node_of(k.to_le_bytes()).unwrap();
///     assert!(after == before || before == "b");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memento<T> {
    placed: Placed<T, Core>,
    options: MementoBuilder,
}

impl Memento<()> {
    /// The options.
    pub const fn builder() -> MementoBuilder {
        MementoBuilder { seed: 0 }
    }
}

impl<T: Identity> Memento<T> {
    /// A placement over these members.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity or a weight other than 1.
    pub fn new(
        members: impl IntoIterator<Item = impl IntoMember<Node = T>>,
    ) -> Result<Self, BuildError> {
        Memento::builder().build(members)
    }
}

impl<T> Memento<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> MementoBuilder {
        self.options
    }
}

placement!(Memento);

/// Options of a [`Memento`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MementoBuilder {
    pub(crate) seed: u64,
}

impl MementoBuilder {
    /// Another seed, another placement. 0 unless set. All machines must use the same.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed }
    }

    /// Builds it over these members, the first of which has index 0. O(nodes log nodes).
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity or a weight other than 1.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Memento<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Memento<T>, BuildError> {
        let placed = Placed::over(roster, epoch, |seats| {
            all_unweighted(seats, NAME)?;
            Ok(Core::new(SplitMix64::mix(self.seed), seats))
        })?;
        Ok(Memento {
            placed,
            options: self,
        })
    }
}

const NAME: &str = "memento";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Core {
    salt: u64,
    /// All, those that are gone included.
    buckets: u32,
    working: u32,
    /// By bucket: how many were left when it had gone; 0 for those that work. Empty if all do.
    /// (The last bucket to go leaves 0 too, but then there is nothing to look up.)
    left: Vec<u32>,
}

impl Core {
    fn new(salt: u64, seats: &Seats) -> Self {
        let mut core = Self {
            salt,
            buckets: 0,
            working: 0,
            left: Vec::new(),
        };
        for (gone, &bucket) in (1..).zip(seats.gaps()) {
            core.left.resize(seats.bound(), 0);
            core.left[bucket.get()] = count(seats.bound() - gone);
        }
        core.count(seats);
        core
    }

    fn count(&mut self, seats: &Seats) {
        self.buckets = count(seats.bound());
        self.working = count(seats.active());
    }

    #[inline(always)]
    fn left(&self, bucket: u32) -> u32 {
        self.left.get(bucket as usize).copied().unwrap_or(0)
    }

    /// Where a key belongs whose bucket may be gone.
    #[inline]
    fn settle(&self, key: KeyHash, mut bucket: u32) -> u32 {
        loop {
            let left = self.left(bucket);
            if left == 0 {
                return bucket;
            }
            bucket = rehash(key, bucket, left);
            loop {
                let earlier = self.left(bucket);
                if earlier < left {
                    break;
                }
                bucket = earlier;
            }
        }
    }
}

/// A number of indices, which the roster keeps below 2^32.
fn count(indices: usize) -> u32 {
    u32::try_from(indices).unwrap_or(u32::MAX)
}

impl Core {
    /// The order of preference of a key, if there is an owner.
    #[inline(always)]
    fn order<'a>(
        &'a self,
        seats: &'a Seats,
        key: KeyHash,
    ) -> Option<Order<'a, impl Fn(u32) -> bool>> {
        Some(Order {
            seats,
            key: keyed(key, self.salt),
            owner: self.owner(key)?,
            works: |bucket| self.left(bucket) == 0,
        })
    }
}

impl Strategy for Core {
    fn admit(&self, _: &Seats, change: &Change) -> Result<(), MembershipError> {
        admit_unweighted(change, NAME)
    }

    fn apply(&mut self, seats: &Seats, change: &Change) {
        let is_gap = change.after.is_none() && seats.gaps().last() == Some(&change.index);
        if is_gap {
            self.left.resize(seats.bound(), 0);
            self.left[change.index.get()] = count(seats.active());
        } else if seats.gaps().is_empty() {
            self.left.clear();
        } else if let Some(left) = self.left.get_mut(change.index.get()) {
            *left = 0;
        }
        self.count(seats);
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        if self.working == 0 {
            return None;
        }
        let key = keyed(key, self.salt);
        Some(NodeIdx(self.settle(key, flip(key, self.buckets)?)))
    }

    fn owner_where(
        &self,
        seats: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.order(seats, key)?.first::<Drawn>(accept)
    }

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        self.order(seats, key)
            .map_or(0, |order| order.replicas::<Drawn>(out))
    }

    fn check(&self, seats: &Seats) {
        assert_eq!(
            *self,
            Self::new(self.salt, seats),
            "the state of the members"
        );
    }
}
