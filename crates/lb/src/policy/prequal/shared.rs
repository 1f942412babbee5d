//! What the picks and the probes of a policy share.

use super::outstanding::{Outstanding, Target};
use super::probed::{ProbePool, Probed};
use super::recent::Recent;
use super::{Answer, Config};
use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::scaled;
use crate::state::State;
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;

/// Answers below which a choice among them is none.
const FEW: usize = 2;

/// Draws that may fall on closed endpoints, or on such as were drawn already.
const TRIES: usize = 4;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) outstanding: Outstanding,
    words: SplitMix64,
    /// The latest time there was.
    now: Instant,
    pool: ProbePool,
    recent: Recent,
    /// Endpoints that were open at the last request.
    open: usize,
    /// Parts of a probe, and of a removal, that requests have not yet made whole.
    owed: f64,
    spare: f64,
    /// When probes were asked for last.
    asked_at: Instant,
}

impl Shared {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            config: Config::default(),
            outstanding: Outstanding::new(),
            words: SplitMix64::new(seed),
            now: Instant::ORIGIN,
            pool: ProbePool::new(),
            recent: Recent::new(),
            open: 0,
            owed: 0.0,
            spare: 0.0,
            asked_at: Instant::ORIGIN,
        }
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let max_age = self.config.max_age;
        self.pool.expire(self.now, max_age);
        self.outstanding.expire(self.now, max_age);
    }

    /// The endpoint of the best answer, of those that accept the request and do not fail.
    pub(super) fn choose(
        &mut self,
        pool: Pool<'_>,
        request: &Request<'_>,
        now: Instant,
    ) -> Option<usize> {
        if self.pool.len() < FEW {
            return None;
        }
        let hot_from = self.hot_from();
        let mut tried = 0;
        while let Some((at, probed)) = self.pool.best(hot_from, tried) {
            tried |= 1 << at;
            if let Some(position) = place(pool, probed.target)
                && !avoided(pool.state(position), now)
                && pool.accepts(position, request, now)
            {
                self.pool.use_up(at);
                return Some(position);
            }
        }
        None
    }

    /// An endpoint at random that accepts the request and does not fail.
    pub(super) fn any(
        &mut self,
        pool: Pool<'_>,
        request: &Request<'_>,
        now: Instant,
    ) -> Option<usize> {
        let mut failing = None;
        for _ in 0..TRIES {
            let position = scaled(self.words.next_u64(), pool.len());
            if pool.accepts(position, request, now) {
                if !avoided(pool.state(position), now) {
                    return Some(position);
                }
                failing = Some(position);
            }
        }
        failing
    }

    pub(super) fn word(&mut self) -> u64 {
        self.words.next_u64()
    }

    /// What a request leaves behind: an answer fewer, and more probes.
    pub(super) fn follow_up(&mut self, pool: Pool<'_>) {
        self.open = pool.open_len();
        let hot_from = self.hot_from();
        for _ in 0..whole(&mut self.spare, self.config.removals()) {
            self.pool.remove_one(hot_from);
        }
        let probes = whole(&mut self.owed, self.config.probes_per_request);
        for asked in 0..probes.min(self.open) {
            self.ask_one(pool, asked);
        }
    }

    /// Asks any open endpoint but the last so many that were asked.
    fn ask_one(&mut self, pool: Pool<'_>, asked: usize) {
        let outstanding = &self.outstanding;
        let is_new =
            |at: &usize| pool.is_open(*at) && !outstanding.is_among_last(asked, pool.id(*at));
        let words = &mut self.words;
        let drawn = (0..TRIES)
            .map(|_| scaled(words.next_u64(), pool.len()))
            .find(is_new);
        let start = scaled(words.next_u64(), pool.len());
        if let Some(position) = drawn.or_else(|| pool.open_from(start).find(is_new)) {
            self.ask(Target {
                endpoint: pool.id(position),
                position,
            });
        }
    }

    fn ask(&mut self, target: Target) {
        let most = self.config.size;
        self.outstanding.ask(target, self.now, most);
        self.asked_at = self.now;
    }

    pub(super) fn answered(&mut self, now: Instant, answer: Answer) {
        self.advance(now);
        let Some(target) = self.outstanding.settle(answer.number) else {
            return;
        };
        self.recent.push(answer.rif);
        let uses = self.uses();
        let probed = Probed {
            target,
            rif: answer.rif,
            latency: answer.latency,
            received: self.now,
            uses,
        };
        self.pool.insert(probed, self.config.size);
    }

    /// When the pool grows old for want of requests.
    pub(super) fn idle_at(&self) -> Option<Instant> {
        let every = self.config.keep_warm?;
        let some = self.pool.len() > 0;
        some.then(|| self.asked_at.saturating_add(every))
    }

    /// Asks those in the pool once more, if it is time.
    pub(super) fn ask_again(&mut self, now: Instant) {
        self.advance(now);
        if self.idle_at().is_some_and(|due| due <= self.now) {
            for probed in self.pool.iter() {
                let most = self.config.size;
                self.outstanding.ask(probed.target, self.now, most);
            }
            self.asked_at = self.now;
        }
    }

    /// From how many requests in flight on an endpoint is hot.
    fn hot_from(&self) -> Option<u32> {
        self.recent.quantile(self.config.quantile(self.open))
    }

    /// For how many requests an answer may be used, at random so that the mean is right: as many as
    /// keep the pool in balance when every request brings some answers and takes one away.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped, and not negative"
    )]
    fn uses(&mut self) -> u32 {
        // Answers of endpoints that are in the pool already do not make it larger.
        let new = 1.0 - (self.config.size as f64 / self.open.max(1) as f64).min(1.0);
        let gain = new.mul_add(self.config.probes_per_request, -self.config.removals());
        if gain <= 0.0 {
            return u32::MAX;
        }
        let uses = (2.0 / gain).clamp(1.0, 1e6);
        let chance = self.words.next_u64() as f64 / 2_f64.powi(64);
        (uses + chance) as u32
    }
}

/// Adds to the parts, and answers how many are whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small, and not negative"
)]
fn whole(parts: &mut f64, more: f64) -> usize {
    *parts += more;
    let count = parts.floor();
    *parts -= count;
    count as usize
}

/// Where the endpoint is now.
fn place(pool: Pool<'_>, target: Target) -> Option<usize> {
    let at = target.position;
    if at < pool.len() && pool.id(at) == target.endpoint {
        return Some(at);
    }
    pool.find(target.endpoint)
}

fn avoided(state: &State, now: Instant) -> bool {
    Estimator::none().avoids(state, now)
}
