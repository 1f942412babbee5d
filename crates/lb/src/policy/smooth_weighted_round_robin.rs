//! nginx's smooth weighted round robin.

use super::weighted_random::TRIES;
use crate::balancer::Balancer;
use crate::pool::Places;
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
    book: Mutex<Book>,
}

#[derive(Clone, Debug, Default)]
struct Book {
    places: Places,
    /// By position.
    accounts: Vec<Account>,
    /// The sum of all weights.
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    /// What the endpoint has earned and not paid.
    credit: i64,
    weight: u32,
}

impl SmoothWeightedRoundRobin {
    /// Nobody has earned anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            book: Mutex::new(Book::default()),
        }
    }

    /// What each endpoint has earned and not paid, by position: the `current_weight` of nginx.
    /// O(endpoints).
    #[must_use]
    pub fn credits(&self) -> Vec<i64> {
        let book = lock(&self.book);
        book.accounts.iter().map(|account| account.credit).collect()
    }
}

impl Balancer for SmoothWeightedRoundRobin {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let accounts = &mut lock(&self.book).accounts;
        for _ in 0..TRIES {
            let position = turn(accounts, pool, request)?;
            // One in slow start pays for the turns that chance takes from it, or it would get half of
            // half where it should get a third.
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        turn(accounts, pool, request)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        lock(&self.book).renew(pool);
    }
}

/// All that admit the request earn; the richest, the first of equals, pays what all of them earned.
fn turn(accounts: &mut [Account], pool: Pool<'_>, request: &Request<'_>) -> Option<usize> {
    let mut earned: i64 = 0;
    let mut richest: Option<(usize, i64)> = None;
    for position in pool.open_from(0).filter(|at| pool.admits(*at, request)) {
        let account = &mut accounts[position];
        let weight = i64::from(account.weight);
        earned = earned.saturating_add(weight);
        account.credit = account.credit.saturating_add(weight);
        if richest.is_none_or(|(_, most)| account.credit > most) {
            richest = Some((position, account.credit));
        }
    }
    let (position, credit) = richest?;
    accounts[position].credit = credit.saturating_sub(earned);
    Some(position)
}

impl Book {
    fn renew(&mut self, pool: Pool<'_>) {
        let weights: Vec<u32> = (0..pool.len())
            .map(|position| pool.weight(position).get())
            .collect();
        let (total, former) = (
            weights.iter().map(|weight| u64::from(*weight)).sum(),
            self.total,
        );
        let places = self.places.renew(pool).into_iter();
        let kept = |at: usize| converted(self.accounts[at].credit, former, total);
        self.accounts = places
            .zip(weights)
            .map(|(place, weight)| Account {
                credit: place.map_or(0, kept),
                weight,
            })
            .collect();
        self.total = total;
        self.balance();
    }

    /// Those who went took what they had or owed with them. Only differences count, so the rest is
    /// spread over those that are there, or it would grow with each update.
    fn balance(&mut self) {
        let credits = self
            .accounts
            .iter()
            .map(|account| i128::from(account.credit));
        let mean = credits.sum::<i128>() / self.accounts.len().max(1) as i128;
        for account in &mut self.accounts {
            account.credit = clamped(i128::from(account.credit) - mean);
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
            book: Mutex::new(lock(&self.book).clone()),
        }
    }
}

impl Default for SmoothWeightedRoundRobin {
    fn default() -> Self {
        Self::new()
    }
}
