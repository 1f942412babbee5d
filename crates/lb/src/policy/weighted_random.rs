//! Weighted random: any endpoint, heavier ones more often.

use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::alias::AliasTable;
use crate::sampling::draws::{Draws, entropy};
use purlin_core::time::Instant;

/// Any endpoint that is open, each as likely as its weight is of all open ones' weight. Threads and
/// processes need agree on nothing.
///
/// O(1): a draw by Walker's alias method, 8 bytes an endpoint. Draws that fall on closed endpoints
/// are repeated, 32 times at most; after that the open ones are counted off, O(endpoints / 64 +
/// open). Rebuilding is O(endpoints). Lock-free.
///
/// Over k requests an endpoint of share p is off by some `sqrt(k p (1 - p))` requests;
/// [`WeightedRoundRobin`](super::WeightedRoundRobin) by a few, however many they are.
///
/// ```
/// use purlin_lb::policy::WeightedRandom;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let upstreams = [Upstream::new("big").weight(9), Upstream::new("small")];
/// let cluster = Cluster::new(WeightedRandom::seeded(1), upstreams)?;
/// let big = |_: &u32| {
///     let lease = cluster.pick_at(Instant::ORIGIN, &Request::new());
///     lease.is_ok_and(|lease| *lease.node() == "big")
/// };
/// assert!((850..950).contains(&(0..1_000).filter(big).count()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightedRandom {
    draws: Draws,
    table: AliasTable,
}

impl WeightedRandom {
    /// With a seed of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// With this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            draws: Draws::new(seed),
            table: AliasTable::default(),
        }
    }
}

/// Draws that may fall on closed endpoints before the open ones are counted off. With half of the
/// weight open that never happens; with a tenth, one time in 30.
pub(super) const TRIES: usize = 32;

impl Balancer for WeightedRandom {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        for _ in 0..TRIES {
            let position = self.table.draw(self.draws.next());
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        any_by_weight(pool, request, self.draws.next())
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.table = AliasTable::of(pool);
    }
}

/// One of all that admit the request, each as likely as its weight asks.
#[cold]
pub(super) fn any_by_weight(pool: Pool<'_>, request: &Request<'_>, word: u64) -> Option<usize> {
    let admitted = || pool.open_from(0).filter(|at| pool.admits(*at, request));
    let weight = |position: &usize| u64::from(pool.weight(*position).get());
    let total: u64 = admitted().map(|position| weight(&position)).sum();
    let mut left = part(word, total);
    let mut last = None;
    for position in admitted() {
        last = Some(position);
        match left.checked_sub(weight(&position)) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    // If some have closed since they were summed up, the last that is left.
    last
}

/// A word taken for a fraction of 2^64, of `total`.
pub(super) fn part(word: u64, total: u64) -> u64 {
    ((u128::from(word) * u128::from(total)) >> 64) as u64
}

impl Default for WeightedRandom {
    fn default() -> Self {
        Self::new()
    }
}
