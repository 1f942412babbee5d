//! Hashing: equal keys go to one endpoint.

mod follow;
mod placement;

pub use placement::HashPlacement;

use super::random::any_admitted;
use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::{Draws, entropy};
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeId, NodeIdx};
use purlin_core::time::Instant;
use purlin_hashring::{Maglev, Rendezvous, Ring, SlotTable};

/// Equal keys go to one endpoint, for caches, sessions without cookies, and whatever else wants to
/// find its own again: consistent hashing, by a placement of
/// [`purlin-hashring`](purlin_hashring).
///
/// * **A key moves only if it must.** One that comes takes its share from all others, and nothing
///   else moves; one that goes, is closed or excluded leaves its keys to the next in each key's order
///   of preference, and they return with it. [`Maglev`] moves some more.
/// * **All processes agree** that have the same endpoints, weights and placement: what an endpoint
///   owns follows from its identity.
/// * **Without a key** a request goes to any open endpoint, by weight.
/// * **Slow start** does not apply: a key that went to its endpoint now and then would be of use to
///   nobody. The same holds in Envoy.
///
/// | | pick | change of one endpoint |
/// |---|---|---|
/// | [`slot_table`](Self::slot_table) | O(1), closed or not; O(endpoints) if the next is closed too | O(slots + endpoints) |
/// | [`ring`](Self::ring) | O(1), and O(1) for each that is closed | O(points), by moving memory |
/// | [`maglev`](Self::maglev) | O(1), and O(1) for each that is closed | O(slots log slots) |
/// | [`rendezvous`](Self::rendezvous) | O(endpoints) | O(endpoints) |
///
/// Endpoints that come and go one by one change a copy of the placement; many at once build it anew.
/// Changes of status change nothing. Picks wait for nobody.
///
/// ```
/// use purlin_lb::policy::Hashed;
/// use purlin_lb::{Cluster, Identity, Instant, Request, Upstream};
///
/// let caches = Cluster::new(Hashed::slot_table(), ["a", "b", "c"].map(Upstream::new))?;
/// let pick = |key: &str| {
///     let lease = caches.pick_at(Instant::ORIGIN, &Request::new().key(key))?;
///     Ok::<_, purlin_lb::Unavailable>(*lease.node())
/// };
/// let before = pick("user:42")?;
/// assert_eq!(pick("user:42")?, before);
///
/// // Its keys go elsewhere while it is out, and return with it.
/// caches.eject(before.id())?;
/// assert_ne!(pick("user:42")?, before);
/// caches.readmit_at(Instant::ORIGIN, before.id())?;
/// assert_eq!(pick("user:42")?, before);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// What does not fit a placement has an answer nevertheless: see [`HashPlacement`].
#[derive(Clone, Debug)]
pub struct Hashed<M = SlotTable<NodeId>> {
    /// Shared by all versions between which it did not change.
    placement: Arc<M>,
    /// By index in the placement; [`NOWHERE`] for an index that nobody has.
    positions: Vec<u32>,
    draws: Draws,
}

/// No position: those are below it.
const NOWHERE: u32 = u32::MAX;

impl Hashed {
    /// By a [`SlotTable`] of 65,536 slots, with the next endpoint of each slot at hand. The one to
    /// take unless you know better; for more than some 500 endpoints give it more slots, see
    /// [`over`](Self::over).
    #[must_use]
    pub fn slot_table() -> Self {
        Self::of(SlotTable::builder().replicas(2).build::<NodeId>([]))
    }
}

impl Hashed<Ring<NodeId>> {
    /// By a [`Ring`] of 160 points for each unit of weight.
    #[must_use]
    pub fn ring() -> Self {
        Self::of(Ring::builder().build::<NodeId>([]))
    }
}

impl Hashed<Maglev<NodeId>> {
    /// By a [`Maglev`] table of 65,537 slots: shares are even to a slot.
    #[must_use]
    pub fn maglev() -> Self {
        Self::of(Maglev::builder().build::<NodeId>([]))
    }
}

impl Hashed<Rendezvous<NodeId>> {
    /// By [`Rendezvous`] hashing: no table at all, for some dozens of endpoints.
    #[must_use]
    pub fn rendezvous() -> Self {
        Self::of(Rendezvous::builder().build::<NodeId>([]))
    }
}

impl<M: HashPlacement> Hashed<M> {
    /// By this placement: for options of its own, such as a seed, or another size. Members that it
    /// has already go when a cluster is built.
    ///
    /// ```
    /// use purlin_hashring::SlotTable;
    /// use purlin_lb::{NodeId, policy::Hashed};
    ///
    /// // 128 slots for each of up to 2,000 endpoints.
    /// let large = Hashed::over(SlotTable::builder().slots(1 << 18).replicas(2).build::<NodeId>([])?);
    /// # Ok::<(), purlin_hashring::BuildError>(())
    /// ```
    #[must_use]
    pub fn over(placement: M) -> Self {
        Self {
            positions: follow::nowhere(&placement),
            placement: Arc::new(placement),
            draws: Draws::new(entropy()),
        }
    }

    fn of(placement: Result<M, purlin_hashring::BuildError>) -> Self {
        match placement {
            Ok(placement) => Self::over(placement),
            Err(refused) => unreachable!("a placement of nobody, with its defaults: {refused}"),
        }
    }

    /// The same with this seed for requests without a key: the same picks each time. Keys have no
    /// part in it.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self {
            draws: Draws::new(seed),
            ..self
        }
    }

    /// The placement, of the identities of endpoints.
    #[must_use]
    pub fn placement(&self) -> &M {
        &self.placement
    }

    /// The key of a request, or any.
    #[inline]
    pub(super) fn key_of(&self, request: &Request<'_>) -> KeyHash {
        request.hash().unwrap_or_else(|| KeyHash(self.draws.next()))
    }

    /// Where the owner of a key is, open or not.
    #[inline]
    pub(super) fn owner(&self, key: KeyHash) -> Option<usize> {
        self.position(self.placement.owner(key)?)
    }

    /// The first position in the key's order of preference that `accept` accepts.
    pub(super) fn first_where(
        &self,
        key: KeyHash,
        mut accept: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let mut accepts = |index| self.position(index).is_some_and(&mut accept);
        self.position(self.placement.owner_where(key, &mut accepts)?)
    }

    /// The first in the key's order of preference that admits the request; if there is none, one of
    /// those that the placement has no room for.
    #[cold]
    pub(super) fn first_admitted(
        &self,
        pool: Pool<'_>,
        request: &Request<'_>,
        key: KeyHash,
    ) -> Option<usize> {
        if pool.open_len() == 0 {
            return None;
        }
        self.first_where(key, |position| pool.admits(position, request))
            .or_else(|| any_admitted(pool, request, key.0))
    }

    #[inline]
    fn position(&self, index: NodeIdx) -> Option<usize> {
        let position = *self.positions.get(index.get())?;
        (position != NOWHERE).then_some(position as usize)
    }
}

impl<M: HashPlacement> Balancer for Hashed<M> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _now: Instant) -> Option<usize> {
        let key = self.key_of(request);
        match self.owner(key) {
            Some(owner) if pool.admits(owner, request) => Some(owner),
            _ => self.first_admitted(pool, request, key),
        }
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.follow(pool);
    }

    fn check_invariants(&self, pool: Pool<'_>) {
        for (position, member) in follow::wanted(pool, &*self.placement) {
            let Some(index) = self.placement.roster().find(member.node) else {
                continue;
            };
            let seat = self.placement.roster().get(index);
            assert_eq!(seat.map(|seat| seat.weight), Some(member.weight), "weight");
            assert_eq!(self.position(index), Some(position), "the place of {index}");
        }
        let placed = self.positions.iter().filter(|at| **at != NOWHERE).count();
        assert_eq!(placed, self.placement.len(), "nobody else has a place");
    }
}

impl Default for Hashed {
    fn default() -> Self {
        Self::slot_table()
    }
}
