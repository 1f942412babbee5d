//! nginx's smooth weighted round robin.

use super::places::Places;
use super::weighted_random::TRIES;
use crate::balancer::Balancer;
use crate::pool::Pool;
use crate::request::Request;
use crate::sync::{Mutex, lock};
use alloc::vec::Vec;
use purlin_core::time::Instant;

/// Each endpoint in turn as often as its weight asks, as evenly spread as can be: nginx's sequence,
/// pick by pick.
///
/// With each request every endpoint earns its weight; the one that has most gets the request and
/// pays the sum of all weights. After any number of requests each endpoint is less than one request
/// off what it is due where weights lie within a factor of ten or so; where they differ a
/// hundredfold, one and a half has been seen. Source: nginx, commit 52327e06, which gives weights
/// 5, 1, 1 the sequence a a b a c a a.
///
/// A pick is O(endpoints) under a lock: for a few dozen endpoints whose order matters. For more,
/// [`WeightedRoundRobin`](super::WeightedRoundRobin) is off by a few requests, and O(1).
///
/// A fresh one begins with the heaviest endpoint, as nginx does. What each endpoint has earned stays
/// its own through updates, in requests: where the sum of weights changes, credits change with it. A
/// closed or excluded endpoint neither earns nor pays; the others keep their shares.
///
/// ```
/// use purlin_lb::policy::SmoothWeightedRoundRobin;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let upstreams = [Upstream::new("a").weight(5), Upstream::new("b"), Upstream::new("c")];
/// let cluster = Cluster::new(SmoothWeightedRoundRobin::new(), upstreams)?;
/// let picks = [(); 7].map(|()| cluster.pick_at(Instant::ORIGIN, &Request::new()));
/// let nodes = picks.map(|lease| *lease.expect("they are open").node());
/// assert_eq!(nodes, ["a", "a", "b", "a", "c", "a", "a"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SmoothWeightedRoundRobin {
    accounts: Mutex<Accounts>,
}

#[derive(Clone, Debug, Default)]
struct Accounts {
    places: Places,
    /// By position: what an endpoint has earned and not paid.
    credits: Vec<i64>,
    /// The sum of all weights.
    total: u64,
}

impl SmoothWeightedRoundRobin {
    /// Nobody has earned anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            accounts: Mutex::new(Accounts::default()),
        }
    }

    /// What each endpoint has earned and not paid, by position: the `current_weight` of nginx.
    /// O(endpoints).
    #[must_use]
    pub fn credits(&self) -> Vec<i64> {
        lock(&self.accounts).credits.clone()
    }
}

impl Balancer for SmoothWeightedRoundRobin {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let credits = &mut lock(&self.accounts).credits;
        for _ in 0..TRIES {
            let position = turn(credits, pool, request)?;
            // One in slow start pays for the turns that chance takes from it, or it would get half of
            // half where it should get a third.
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        turn(credits, pool, request)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        lock(&self.accounts).renew(pool);
    }
}

/// All that admit the request earn; the richest, the first of equals, pays what all of them earned.
fn turn(credits: &mut [i64], pool: Pool<'_>, request: &Request<'_>) -> Option<usize> {
    let mut earned: i64 = 0;
    let mut richest: Option<usize> = None;
    for position in pool.open_from(0).filter(|at| pool.admits(*at, request)) {
        let weight = i64::from(pool.weight(position).get());
        earned = earned.saturating_add(weight);
        credits[position] = credits[position].saturating_add(weight);
        if richest.is_none_or(|best| credits[position] > credits[best]) {
            richest = Some(position);
        }
    }
    let richest = richest?;
    credits[richest] = credits[richest].saturating_sub(earned);
    Some(richest)
}

impl Accounts {
    fn renew(&mut self, pool: Pool<'_>) {
        let weights = (0..pool.len()).map(|position| u64::from(pool.weight(position).get()));
        let (total, former) = (weights.sum(), self.total);
        let places = self.places.renew(pool).into_iter();
        self.credits = places
            .map(|place| place.map_or(0, |at| converted(self.credits[at], former, total)))
            .collect();
        self.total = total;
        self.balance();
    }

    /// Those who went took what they had or owed with them. Only differences count, so the rest is
    /// spread over those that are there, or it would grow with each update.
    fn balance(&mut self) {
        let sum: i128 = self.credits.iter().map(|credit| i128::from(*credit)).sum();
        let mean = sum / self.credits.len().max(1) as i128;
        for credit in &mut self.credits {
            *credit = clamped(i128::from(*credit) - mean);
        }
    }
}

/// As many requests' worth of another sum of weights, to the nearest; at most one request.
fn converted(credit: i64, former: u64, total: u64) -> i64 {
    if former == total || former == 0 {
        return credit;
    }
    let (former, total) = (i128::from(former), i128::from(total));
    let scaled = i128::from(credit) * total;
    let half = if credit < 0 { -former / 2 } else { former / 2 };
    clamped(((scaled + half) / former).clamp(-total, total))
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn clamped(credit: i128) -> i64 {
    credit.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// It goes on from where this one is.
impl Clone for SmoothWeightedRoundRobin {
    fn clone(&self) -> Self {
        Self {
            accounts: Mutex::new(lock(&self.accounts).clone()),
        }
    }
}

impl Default for SmoothWeightedRoundRobin {
    fn default() -> Self {
        Self::new()
    }
}
