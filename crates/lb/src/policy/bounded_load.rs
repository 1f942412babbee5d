//! Consistent hashing with bounded loads.

mod tally;

use super::hashed::{HashPlacement, Hashed};
use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::pool::Pool;
use crate::request::Request;
use alloc::sync::Arc;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_hashring::SlotTable;
use tally::{Loads, Tally};

/// Equal keys go to one endpoint, as [`Hashed`] sends them, until it has more than its share of what
/// is in flight; then to the next in the key's order of preference that has room.
///
/// With `m` requests in flight, an endpoint of weight `w` gets the next one if it has less than
/// `ceil(c * (m + 1) * w / W)`, where `W` is the weight of all that are open. As `c` is 1 at least,
/// these capacities sum up to more than `m`: somebody has room. So a key that everybody asks for
/// spreads over a few endpoints, the same few every time, and all other keys stay where they are.
///
/// | `c` | effect |
/// |---|---|
/// | 100 % | as even as can be; many keys leave their owner |
/// | 125 % | room for chance: the default |
/// | 200 % and more | only what is really hot leaves its owner |
///
/// * **What is in flight** is what the leases of the cluster count, requests without a key included;
///   nothing is counted twice. An endpoint that has nothing gets the request without further ado.
///   Else each pick looks at 16 endpoints in turn, and `m` is the sum of what was seen of each last.
/// * **Exactness**: with up to 16 endpoints and one thread, `m` is exact and no endpoint is ever
///   above its capacity. With `n` endpoints what was seen of one is up to `n / 16` such picks old,
///   and so is `m`. Of several threads that pick at once each may find the same room: they overfill
///   it by one each at most.
/// * **Exclusion**: where a request excludes all that have room, it goes to the first in its order of
///   preference that it does not exclude.
/// * **Cost**: that of [`Hashed`], 16 endpoints to look at where the owner is busy, and one more for
///   each that is full; O(endpoints) where dozens are.
///
/// ```
/// use purlin_lb::policy::{BoundedLoad, Hashed};
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let policy = BoundedLoad::new(Hashed::slot_table()).factor_percent(150)?;
/// let cluster = Cluster::new(policy, ["a", "b", "c", "d"].map(Upstream::new))?;
///
/// let hot = Request::new().key("the one video everybody wants");
/// let leases: Vec<_> = (0..100).map(|_| cluster.pick_at(Instant::ORIGIN, &hot)).collect::<Result<_, _>>()?;
/// let owner = leases[0].endpoint();
/// assert_eq!(owner.in_flight(), 38, "150 % of a quarter of 100, rounded up");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", SODA 2018, as
/// applied to requests in flight by HAProxy (`hash-balance-factor`) and Envoy
/// (`hash_balance_factor`).
#[derive(Clone, Debug)]
pub struct BoundedLoad<M = SlotTable<NodeId>> {
    hashed: Hashed<M>,
    percent: u32,
    /// Of one version of the membership. A clone is told of another before it picks.
    tally: Arc<Tally>,
}

impl<M: HashPlacement> BoundedLoad<M> {
    /// Over this policy, with a factor of 125 %.
    #[must_use]
    pub fn new(hashed: Hashed<M>) -> Self {
        Self {
            hashed,
            percent: 125,
            tally: Arc::new(Tally::default()),
        }
    }

    /// The most that an endpoint may have relative to its share: `c` in percent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] below 100: there would not be room for everything.
    pub fn factor_percent(mut self, percent: u32) -> Result<Self, ConfigError> {
        if percent < 100 {
            return Err(ConfigError::OutOfRange {
                field: "factor_percent",
                expected: "100 or more",
            });
        }
        self.percent = percent;
        Ok(self)
    }

    /// The policy for which this bounds the loads.
    #[must_use]
    pub const fn hashed(&self) -> &Hashed<M> {
        &self.hashed
    }

    /// How many requests the endpoint at that position may have once it gets the next one; 0 if it is
    /// not open. O(endpoints): all are looked at.
    ///
    /// # Panics
    ///
    /// Beyond the last position.
    #[must_use]
    pub fn capacity(&self, pool: Pool<'_>, position: usize) -> u64 {
        let loads = self.tally.look_at_all(pool);
        if !pool.is_open(position) || loads.weight == 0 {
            return 0;
        }
        let capacity = self.claim(pool, position, loads).div_ceil(parts(loads));
        u64::try_from(capacity).unwrap_or(u64::MAX)
    }

    /// Whether the endpoint, which is open, has less than its capacity.
    ///
    /// For a whole number that is the same as being below the capacity before it is rounded up, and
    /// takes no division.
    fn has_room(&self, pool: Pool<'_>, position: usize, loads: Loads) -> bool {
        let in_flight = u128::from(pool.state(position).in_flight());
        in_flight * parts(loads) < self.claim(pool, position, loads)
    }

    /// The capacity times [`parts`]. Below 2^128: its factors are below 2^32, 2^64 and 2^32.
    fn claim(&self, pool: Pool<'_>, position: usize, loads: Loads) -> u128 {
        let weight = u128::from(pool.weight(position).get());
        u128::from(self.percent) * (u128::from(loads.in_flight) + 1) * weight
    }

    /// Where the request goes unless its owner has nothing to do.
    fn pick_with_room(&self, pool: Pool<'_>, request: &Request<'_>, key: KeyHash) -> Option<usize> {
        if pool.open_len() == 0 {
            return None;
        }
        let find = |loads| {
            let has_room =
                |position| pool.admits(position, request) && self.has_room(pool, position, loads);
            self.hashed.first_where(key, has_room)
        };
        find(self.tally.look(pool))
            // What was seen may be too little by now. Of all at once somebody has room.
            .or_else(|| find(self.tally.look_at_all(pool)))
            .or_else(|| self.hashed.first_admitted(pool, request, key))
    }
}

/// What a capacity is counted in. Below 2^7 * 2^64.
fn parts(loads: Loads) -> u128 {
    100 * u128::from(loads.weight)
}

impl<M: HashPlacement> Balancer for BoundedLoad<M> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _now: Instant) -> Option<usize> {
        let key = self.hashed.key_of(request);
        match self.hashed.owner(key) {
            // A capacity is 1 at least.
            Some(owner) if pool.admits(owner, request) && pool.state(owner).in_flight() == 0 => {
                Some(owner)
            }
            _ => self.pick_with_room(pool, request, key),
        }
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.hashed.rebuild(pool);
        self.tally = Arc::new(Tally::of(pool));
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.hashed.flipped(pool, position);
        self.tally.flipped(pool, position);
    }

    fn check_invariants(&self, pool: Pool<'_>) {
        self.hashed.check_invariants(pool);
        self.tally.check_invariants(pool);
    }
}

impl Default for BoundedLoad {
    fn default() -> Self {
        Self::new(Hashed::default())
    }
}
