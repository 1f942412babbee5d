//! Rendezvous hashing: every node competes for every key.

use crate::candidates::Candidates;
use crate::error::{BuildError, MembershipError};
use crate::member::{Identity, IntoMember};
use crate::placed::{Change, Placed, Strategy, placement};
use crate::roster::{Roster, Seats};
use crate::spread;
use purlin_core::hash::KeyHash;
use purlin_core::node::{Epoch, NodeIdx};

/// Rendezvous hashing, also known as highest random weight: each node draws a score for the key,
/// the best score owns it.
///
/// Perfectly even up to chance, weighted, minimal in movement, and without any table: 16 bytes a
/// node. Every lookup asks every node, though, so it suits up to some dozens of nodes, keys that
/// are looked up rarely, or replica choice; for more, [`SlotTable`](crate::SlotTable) remembers the
/// outcome.
///
/// * Lookup: O(nodes), by AVX2 or AVX-512 where the machine has them (feature `std`), with the same
///   result everywhere. `replicas`: O(nodes * replicas).
/// * Change: O(nodes). Adding a node, or raising its weight, moves keys to that node only; removing
///   it, or lowering its weight, moves keys of that node only. The same holds of replica sets.
///
/// Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
/// Transactions on Networking 6(1), 1998. Weights by -log2(draw) / weight in whole numbers, as in
/// Ceph's straw2.
///
/// ```
/// use purlin_hashring::{Membership, Member, Identity, PlacementExt, Rendezvous};
///
/// let mut caches = Rendezvous::new(["cache-1", "cache-2", "cache-3"])?;
/// let before = *caches.node_of("user:42").expect("there are nodes");
///
/// caches.add(Member::new("cache-4").weight(2))?;
/// let after = *caches.node_of("user:42").expect("there are nodes");
/// assert!(after == before || after == "cache-4");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rendezvous<T> {
    placed: Placed<T, Candidates>,
    options: RendezvousBuilder,
}

impl<T> Rendezvous<T> {
    /// A builder with the options of this one.
    pub const fn to_builder(&self) -> RendezvousBuilder {
        self.options
    }
}

placement!(Rendezvous);

impl<T: Identity> Rendezvous<T> {
    /// Over these members, with seed 0.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for the second of two members of one identity.
    pub fn new(members: impl IntoIterator<Item: IntoMember<Node = T>>) -> Result<Self, BuildError> {
        Rendezvous::builder().build(members)
    }
}

impl Rendezvous<()> {
    /// Options first.
    pub const fn builder() -> RendezvousBuilder {
        RendezvousBuilder { seed: 0 }
    }
}

/// Options of a [`Rendezvous`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct RendezvousBuilder {
    pub(crate) seed: u64,
}

impl RendezvousBuilder {
    /// Another seed, another placement. 0 by default. All machines must use the same.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed }
    }

    /// Builds it over these members. O(nodes log nodes).
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for the second of two members of one identity.
    pub fn build<M: IntoMember>(
        self,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Rendezvous<M::Node>, BuildError> {
        self.over(Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity>(
        self,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<Rendezvous<T>, BuildError> {
        let placed = Placed::over(roster, epoch, |seats| Ok(Candidates::new(self.seed, seats)))?;
        Ok(Rendezvous {
            placed,
            options: self,
        })
    }
}

impl Strategy for Candidates {
    fn admit(&self, _: &Seats, _: &Change) -> Result<(), MembershipError> {
        Ok(())
    }

    fn apply(&mut self, _: &Seats, change: &Change) {
        self.apply(change);
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.best(key.0)
    }

    fn owner_where(
        &self,
        _: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.best_where(key.0, accept)
    }

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        if seats.domains().is_flat() {
            return self.best_of(key.0, out);
        }
        spread::replicas(seats, out, 0, |accept| self.best_where(key.0, accept))
    }

    fn check(&self, seats: &Seats) {
        self.check(seats);
    }
}
