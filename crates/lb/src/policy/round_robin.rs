//! Round robin: one after the other.

use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::{Counter, entropy};
use purlin_core::time::Instant;

/// One endpoint after the other, whatever their weights; those that are closed are left out, and
/// nobody gets their share.
///
/// O(1) while half of the endpoints are open, O(endpoints / 64) at worst. All threads share one
/// sequence, so any 2 n requests in a row go to each of n endpoints at least once. It begins at a
/// random endpoint, and goes on through updates.
///
/// ```
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(RoundRobin::from(0), ["a", "b", "c"].map(Upstream::new))?;
/// let picks = [(); 4].map(|()| cluster.pick_at(Instant::ORIGIN, &Request::new()));
/// let nodes = picks.map(|lease| *lease.expect("they are open").node());
/// assert_eq!(nodes, ["a", "b", "c", "a"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RoundRobin {
    turn: Counter,
    /// Of the membership that the turn belongs to.
    len: u64,
}

impl RoundRobin {
    /// Begins anywhere.
    #[must_use]
    pub fn new() -> Self {
        // Not near the end, where the sequence would stumble.
        Self::from(entropy() >> 8)
    }

    /// Begins at that turn: at the endpoint of that number, modulo how many there are.
    #[must_use]
    pub fn from(turn: u64) -> Self {
        Self {
            turn: Counter::new(turn),
            len: 0,
        }
    }
}

/// Turns that may fall on a closed endpoint before the open ones are looked for.
const TRIES: usize = 4;

impl Balancer for RoundRobin {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let len = pool.len() as u64;
        let mut turn = self.turn.next(1).checked_rem(len)?;
        for _ in 0..TRIES {
            let position = usize::try_from(turn).ok()?;
            if pool.accepts(position, request, now) {
                return Some(position);
            }
            turn = self.turn.next(1) % len;
        }
        let start = usize::try_from(turn).ok()?;
        pool.open_from(start).find(|at| pool.admits(*at, request))
    }

    /// Goes on at the position that is next: a turn taken modulo another length would be anywhere,
    /// and updates in step with requests would favour some.
    fn rebuild(&mut self, pool: Pool<'_>) {
        let len = pool.len() as u64;
        let turn = self.turn.get();
        let next = turn.checked_rem(self.len).unwrap_or(turn);
        self.turn = Counter::new(if self.len > 0 && next >= len { 0 } else { next });
        self.len = len;
    }
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new()
    }
}
