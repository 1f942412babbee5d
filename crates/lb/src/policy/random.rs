//! Random: any endpoint.

use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::{Draws, entropy, scaled};
use purlin_core::time::Instant;

/// Any endpoint that is open, each as likely, whatever their weights. Threads and processes need
/// agree on nothing.
///
/// O(1) while half of the endpoints are open; O(endpoints / 64 + open) at worst, when few are.
///
/// ```
/// use purlin_lb::policy::Random;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(Random::new(), ["a", "b", "c"].map(Upstream::new))?;
/// let lease = cluster.pick_at(Instant::ORIGIN, &Request::new())?;
/// assert!(["a", "b", "c"].contains(lease.node()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    draws: Draws,
}

impl Random {
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
        }
    }
}

/// Draws that may fall on a closed endpoint before the open ones are counted off.
const TRIES: usize = 4;

impl Balancer for Random {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        for _ in 0..TRIES {
            let position = scaled(self.draws.next(), pool.len());
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        any_admitted(pool, request, self.draws.next())
    }
}

/// One of all that admit the request, each as likely.
pub(super) fn any_admitted(pool: Pool<'_>, request: &Request<'_>, draw: u64) -> Option<usize> {
    any_of(
        || pool.open_from(0).filter(|at| pool.admits(*at, request)),
        draw,
    )
}

/// One of what is found, each as likely. It is gone through twice, and may change in between.
fn any_of<I: Iterator<Item = usize>>(found: impl Fn() -> I, draw: u64) -> Option<usize> {
    let count = found().count();
    // If some have closed since they were counted, the last that is left.
    found().take(scaled(draw, count) + 1).last()
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[test]
    fn finds_one_although_others_close_while_it_looks() {
        for (counted, left) in [(&[3, 7, 9][..], &[3][..]), (&[3, 7], &[9]), (&[], &[3])] {
            for draw in [0, u64::MAX / 2, u64::MAX] {
                let next = Cell::new(counted);
                let found = || next.replace(left).iter().copied();
                assert_eq!(any_of(found, draw), left.first().copied());
            }
        }
    }
}
