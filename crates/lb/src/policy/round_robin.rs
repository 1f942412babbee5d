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
        Self::from(entropy())
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

impl RoundRobin {
    /// The next that admits the request. The turns of those in between are taken with it: whoever
    /// comes next goes on behind it, or it would get a request for each of them.
    #[cold]
    fn next_admitted(&self, pool: Pool<'_>, request: &Request<'_>) -> Option<usize> {
        let len = pool.len() as u64;
        let mut found = None;
        for _ in 0..TRIES {
            let turn = self.turn.next(1);
            let start = usize::try_from(turn.checked_rem(len)?).ok()?;
            let position = pool.open_from(start).find(|at| pool.admits(*at, request))?;
            let skipped = (position + pool.len() - start) % pool.len();
            found = Some(position);
            // If another thread found it as well, one of them gets it; the other takes another turn.
            if skipped == 0 || self.turn.reach(turn.saturating_add(skipped as u64 + 1)) {
                break;
            }
        }
        found
    }
}

/// Turns that may fall on a closed endpoint before the open ones are looked for, and how often
/// another thread may be there first.
const TRIES: usize = 4;

impl Balancer for RoundRobin {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let len = pool.len() as u64;
        for _ in 0..TRIES {
            let turn = self.turn.next(1).checked_rem(len)?;
            let position = usize::try_from(turn).ok()?;
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        self.next_admitted(pool, request)
    }

    /// Goes on at the position that is next: a turn taken modulo another length would be anywhere,
    /// and updates in step with requests would favour some.
    fn rebuild(&mut self, pool: Pool<'_>) {
        let len = pool.len() as u64;
        let turn = self.turn.get();
        let next = match self.len {
            // The first endpoints. Small from here on, so that the sequence never comes to the end.
            0 => turn.checked_rem(len).unwrap_or(turn),
            before => Some(turn % before).filter(|next| *next < len).unwrap_or(0),
        };
        self.turn = Counter::new(next);
        self.len = len;
    }
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new()
    }
}
