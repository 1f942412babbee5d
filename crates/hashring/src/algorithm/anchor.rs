//! AnchorHash: nodes as the working part of a fixed set of buckets.

#[cfg(test)]
mod tests;

use crate::bucket::preference::{Drawn, Order};
use crate::bucket::{reduce, rehash};
use crate::buckets::{admit_unweighted, all_unweighted, keyed};
use crate::error::{BuildError, MembershipError};
use crate::member::{Identity, IntoMember};
use crate::placed::{Change, Placed, Strategy, placement};
use crate::roster::{Roster, Seats};
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx};
use purlin_core::random::SplitMix64;

/// AnchorHash: a fixed number of buckets, of which the nodes are the working ones.
///
/// Mendelson, Vargaftik, Barabash, Lorenz, Keslassy and Orda, "AnchorHash: A Scalable Consistent
/// Hash", IEEE/ACM Transactions on Networking 2021 (arXiv:1812.09674), the in-place version of
/// Algorithm 3. Take it where the greatest number of nodes is known and often half of them or more
/// are away; otherwise [`Memento`](crate::Memento) answers faster, in less memory, without a limit.
///
/// * **Lookup**: a key is hashed among all buckets, and again while its bucket has no node: `1 +
///   ln(capacity / nodes)` times on average.
/// * **Limit**: as many nodes as buckets; more are refused as [`MembershipError::TooManyNodes`].
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
/// * **Memory**: 16 bytes a bucket, used or not.
/// * **History**: a node that comes takes the index freed last and the keys of the node that had
///   it. So who owns what depends on the order of changes, and all machines must make the same ones
///   in the same order. It depends on the capacity, too.
///
/// ```
/// use purlin_hashring::{Anchor, Identity, Membership, PlacementExt};
///
/// let mut nodes = Anchor::builder().capacity(4).build(["a", "b", "c"])?;
/// nodes.remove("b".id())?;
/// assert_ne!(nodes.node_of("user:42"), Some(&"b"));
/// nodes.add(purlin_hashring::Member::new("d"))?;
/// nodes.add(purlin_hashring::Member::new("e"))?;
/// assert!(nodes.add(purlin_hashring::Member::new("f")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Anchor<T> {
    placed: Placed<T, Core>,
    options: AnchorBuilder,
}

impl Anchor<()> {
    /// The options.
    pub const fn builder() -> AnchorBuilder {
        AnchorBuilder {
            seed: 0,
            capacity: AnchorBuilder::DEFAULT_CAPACITY,
        }
    }
}

impl<T: Identity> Anchor<T> {
    /// A placement of these members in 1,024 buckets.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity, a weight other than 1, or more
    /// members than buckets.
    pub fn new(
        members: impl IntoIterator<Item = impl IntoMember<Node = T>>,
    ) -> Result<Self, BuildError> {
        Anchor::builder().build(members)
    }

    /// How many nodes there can be.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.placed.strategy.capacity()
    }
}

impl<T> Anchor<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> AnchorBuilder {
        self.options
    }
}

placement!(Anchor);

/// Options of an [`Anchor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AnchorBuilder {
    pub(crate) seed: u64,
    pub(crate) capacity: u32,
}

impl AnchorBuilder {
    /// The capacity unless set. It does not follow the number of members: machines that begin with
    /// different ones must still agree once they have the same.
    pub const DEFAULT_CAPACITY: u32 = 1024;

    /// The largest capacity: 256 MiB.
    pub const MAX_CAPACITY: u32 = 1 << 24;

    /// Another seed, another placement. 0 unless set. All machines must use the same.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The number of buckets, 1 to 16,777,216: the most nodes there will ever be. Twice the usual
    /// number of nodes is a good choice; lookups take longer the more there are.
    pub const fn capacity(self, capacity: u32) -> Self {
        Self { capacity, ..self }
    }

    /// Builds it over these members, the first of which has index 0. O(nodes log nodes + capacity).
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] for a capacity out of bounds; [`BuildError::Member`] for two members
    /// of one identity, a weight other than 1, or more members than buckets.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Anchor<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Anchor<T>, BuildError> {
        if !(1..=Self::MAX_CAPACITY).contains(&self.capacity) {
            return Err(BuildError::Option {
                option: "capacity",
                value: u64::from(self.capacity),
                bound: "1 to 16777216",
            });
        }
        let placed = Placed::over(roster, epoch, |seats| {
            all_unweighted(seats, NAME)?;
            if seats.bound() > self.capacity as usize {
                return Err(BuildError::Member {
                    position: self.capacity as usize,
                    reason: too_many(self.capacity),
                });
            }
            let salt = SplitMix64::mix(self.seed);
            Ok(Core::new(salt, self.capacity, seats))
        })?;
        Ok(Anchor {
            placed,
            options: self,
        })
    }
}

const NAME: &str = "anchor";

fn too_many(capacity: u32) -> MembershipError {
    MembershipError::TooManyNodes {
        limit: u64::from(capacity),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Core {
    salt: u64,
    /// N in the paper.
    working: u32,
    buckets: Vec<Bucket>,
    places: Vec<Place>,
}

/// What lookups need of a bucket, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// How many worked after it had been removed; 0 while it works. A in the paper.
    left: u32,
    /// The bucket that took its place when it was removed; while it works, itself. K in the paper.
    successor: u32,
}

/// The working buckets as a list, and where in it a bucket last was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The bucket in this place. W in the paper.
    bucket: u32,
    /// The place of the bucket of this number. L in the paper.
    of: u32,
}

impl Core {
    /// `INITANCHOR`, with the buckets that have no node yet removed from the end, then the gaps as
    /// they came to be. The paper's stack R of removed buckets is the roster's list of gaps,
    /// with the buckets above its bound below that.
    fn new(salt: u64, capacity: u32, seats: &Seats) -> Self {
        let bound = u32::try_from(seats.bound()).unwrap_or(capacity);
        let bucket = |number| Bucket {
            left: if number < bound { 0 } else { number },
            successor: number,
        };
        let mut core = Self {
            salt,
            working: bound,
            buckets: (0..capacity).map(bucket).collect(),
            places: (0..capacity)
                .map(|number| Place {
                    bucket: number,
                    of: number,
                })
                .collect(),
        };
        for gap in seats.gaps() {
            core.remove(gap.0);
        }
        core
    }

    fn capacity(&self) -> u32 {
        // It was given as such.
        u32::try_from(self.buckets.len()).unwrap_or(u32::MAX)
    }

    #[inline(always)]
    fn works(&self, bucket: u32) -> bool {
        self.buckets
            .get(bucket as usize)
            .is_some_and(|bucket| bucket.left == 0)
    }

    /// `ADDBUCKET`, of the bucket removed last.
    fn add(&mut self, bucket: u32) {
        let (at, end) = (bucket as usize, self.working as usize);
        self.buckets[at] = Bucket {
            left: 0,
            successor: bucket,
        };
        let moved = self.places[end].bucket;
        self.places[moved as usize].of = self.working;
        let place = self.places[at].of;
        self.places[place as usize].bucket = bucket;
        self.working += 1;
    }

    /// `REMOVEBUCKET`.
    fn remove(&mut self, bucket: u32) {
        self.working -= 1;
        let (at, end) = (bucket as usize, self.working as usize);
        let (place, last) = (self.places[at].of, self.places[end].bucket);
        self.places[place as usize].bucket = last;
        self.places[last as usize].of = place;
        self.buckets[at] = Bucket {
            left: self.working,
            successor: last,
        };
    }

    /// `GETBUCKET`, while there is a working bucket.
    #[inline]
    fn bucket(&self, key: KeyHash) -> Option<u32> {
        let mut number = reduce(key.0, self.capacity());
        loop {
            let left = self.buckets.get(number as usize)?.left;
            if left == 0 {
                return Some(number);
            }
            number = rehash(key, number, left);
            loop {
                let other = self.buckets.get(number as usize)?;
                if other.left < left {
                    break;
                }
                number = other.successor;
            }
        }
    }
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
            works: |bucket| self.works(bucket),
        })
    }
}

impl Strategy for Core {
    fn admit(&self, _: &Seats, change: &Change) -> Result<(), MembershipError> {
        if change.before.is_none() && change.index.0 >= self.capacity() {
            return Err(too_many(self.capacity()));
        }
        admit_unweighted(change, NAME)
    }

    fn apply(&mut self, _: &Seats, change: &Change) {
        match (change.before, change.after) {
            (None, Some(_)) => self.add(change.index.0),
            (Some(_), None) => self.remove(change.index.0),
            _ => {}
        }
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        if self.working == 0 {
            return None;
        }
        self.bucket(keyed(key, self.salt)).map(NodeIdx)
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
        let anew = Self::new(self.salt, self.capacity(), seats);
        assert_eq!(*self, anew, "the state of the members");
    }
}
