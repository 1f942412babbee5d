//! Nodes as the buckets of a bucket hash.

use crate::bucket::preference::{Order, Ranked};
use crate::bucket::{BucketHash, Flip};
use crate::error::{BuildError, MembershipError};
use crate::member::{Identity, IntoMember};
use crate::placed::{Change, Placed, Strategy, placement};
use crate::roster::{Roster, Seats};
use core::marker::PhantomData;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx, Weight};
use purlin_core::random::SplitMix64;

/// Nodes as the buckets of a [`BucketHash`], in the order in which they were added: no state beyond
/// their number.
///
/// For numbered shards that only grow, or shrink from the end. Where any node may leave,
/// [`Memento`](crate::Memento) is the same and can.
///
/// * **Lookup**: that of the bucket hash, nothing else.
/// * **Removal**: the node added last only; any other is refused as [`MembershipError::NotLast`].
/// * **Weights**: all nodes have weight 1. Other weights, 0 included, are refused as
///   [`MembershipError::Unweighted`].
/// * **Next nodes and replicas**: the ranking of [`choose_k`](crate::bucket::choose_k); beyond 32
///   ranks, the rest of the nodes by rendezvous hashing.
/// * **Changes**: O(1), and O(nodes) by moving memory for the list of members. Keys move only to or
///   from the node that comes or goes. Replicas move as little.
/// * **History**: nodes are placed by their number, not by their identity. So who owns what depends
///   on the order in which they were added, which must be the same on all machines.
///
/// ```
/// use purlin_hashring::bucket::{self, Jump};
/// use purlin_hashring::{Buckets, Identity, KeyHash, Membership, Placement};
///
/// let mut shards = Buckets::new(["shard-0", "shard-1", "shard-2"])?;
/// let owner = shards.owner(KeyHash(99)).expect("there are shards");
/// assert_eq!(Some(owner.0), bucket::flip(KeyHash(99), 3));
/// assert!(shards.remove("shard-0".id()).is_err());
/// shards.remove("shard-2".id())?;
///
/// let legacy = Buckets::builder().hash::<Jump>().build(["shard-0", "shard-1"])?;
/// assert_eq!(legacy.owner(KeyHash(99)).map(|node| node.0), bucket::jump(KeyHash(99), 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Buckets<T, H: BucketHash = Flip> {
    placed: Placed<T, Core<H>>,
    options: BucketsBuilder<H>,
}

impl Buckets<()> {
    /// The options; by [`Flip`] unless another bucket hash is chosen.
    pub const fn builder() -> BucketsBuilder {
        BucketsBuilder {
            seed: 0,
            hash: PhantomData,
        }
    }
}

impl<T: Identity> Buckets<T> {
    /// A placement by [`Flip`] over these members, which become buckets 0, 1, 2 and so on.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity or a weight other than 1.
    pub fn new(
        members: impl IntoIterator<Item = impl IntoMember<Node = T>>,
    ) -> Result<Self, BuildError> {
        Buckets::builder().build(members)
    }
}

impl<T, H: BucketHash> Buckets<T, H> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> BucketsBuilder<H> {
        self.options
    }
}

placement!(Buckets, H: BucketHash);

/// Options of [`Buckets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct BucketsBuilder<H = Flip> {
    pub(crate) seed: u64,
    pub(crate) hash: PhantomData<H>,
}

impl<H: BucketHash> BucketsBuilder<H> {
    /// Another seed, another placement. With 0, which it is unless set, keys go into the bucket
    /// hash as they are. All machines must use the same.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Places by another bucket hash.
    pub const fn hash<G: BucketHash>(self) -> BucketsBuilder<G> {
        BucketsBuilder {
            seed: self.seed,
            hash: PhantomData,
        }
    }

    /// Builds it over these members, which become buckets 0, 1, 2 and so on. O(nodes log nodes).
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two members of one identity or a weight other than 1.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Buckets<M::Node, H>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Buckets<T, H>, BuildError> {
        let placed = Placed::over(roster, epoch, |seats| {
            all_unweighted(seats, H::NAME)?;
            let mut core = Core {
                salt: SplitMix64::mix(self.seed),
                buckets: 0,
                hash: PhantomData,
            };
            core.count(seats);
            Ok(core)
        })?;
        Ok(Buckets {
            placed,
            options: self,
        })
    }
}

#[derive(Clone, Debug)]
struct Core<H> {
    salt: u64,
    buckets: u32,
    hash: PhantomData<fn() -> H>,
}

impl<H> Core<H> {
    fn count(&mut self, seats: &Seats) {
        // The roster keeps it below 2^32.
        self.buckets = u32::try_from(seats.bound()).unwrap_or(u32::MAX);
    }
}

impl<H: BucketHash> Core<H> {
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
            works: |_| true,
        })
    }
}

impl<H: BucketHash> Strategy for Core<H> {
    fn admit(&self, seats: &Seats, change: &Change) -> Result<(), MembershipError> {
        let last = seats.bound().wrapping_sub(1);
        if change.after.is_none()
            && change.index.get() != last
            && let Some((_, last)) = seats.iter().last()
        {
            return Err(MembershipError::NotLast {
                id: change.id(),
                last: last.id,
                algorithm: H::NAME,
            });
        }
        admit_unweighted(change, H::NAME)
    }

    fn apply(&mut self, seats: &Seats, _: &Change) {
        self.count(seats);
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        H::bucket(keyed(key, self.salt), self.buckets).map(NodeIdx)
    }

    fn owner_where(
        &self,
        seats: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.order(seats, key)?.first::<Ranked<H>>(accept)
    }

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        self.order(seats, key)
            .map_or(0, |order| order.replicas::<Ranked<H>>(out))
    }

    fn check(&self, seats: &Seats) {
        assert_eq!(self.buckets as usize, seats.bound(), "a bucket each");
        assert!(seats.gaps().is_empty(), "nodes leave from the end only");
    }
}

/// A key under a seed that went through the mixer, which leaves 0 as it is.
#[inline(always)]
pub(crate) const fn keyed(key: KeyHash, salt: u64) -> KeyHash {
    KeyHash(key.0 ^ salt)
}

/// Refuses every weight but 1.
pub(crate) fn admit_unweighted(
    change: &Change,
    algorithm: &'static str,
) -> Result<(), MembershipError> {
    match change.after {
        Some(seat) if seat.weight != Weight::ONE => Err(MembershipError::Unweighted {
            id: seat.id,
            weight: seat.weight,
            algorithm,
        }),
        _ => Ok(()),
    }
}

/// Refuses members of another weight than 1.
pub(crate) fn all_unweighted(seats: &Seats, algorithm: &'static str) -> Result<(), BuildError> {
    let other = seats.iter().find(|(_, seat)| seat.weight != Weight::ONE);
    other.map_or(Ok(()), |(index, seat)| {
        Err(BuildError::Member {
            position: index.get(),
            reason: MembershipError::Unweighted {
                id: seat.id,
                weight: seat.weight,
                algorithm,
            },
        })
    })
}
