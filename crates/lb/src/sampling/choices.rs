//! A few endpoints at random, to take the best of.

use super::alias::AliasTable;
use super::draws::{Draws, scaled};
use crate::error::ConfigError;
use crate::pool::Pool;
use crate::request::Request;
use purlin_core::random::{Random as _, RandomExt as _, SplitMix64};
use purlin_core::time::Instant;

/// How many endpoints a request may choose among. More than a few gain nothing: the load of the
/// fullest falls with ln ln n / ln d (Azar et al., "Balanced Allocations").
const MAX: usize = 16;

/// Draws for each choice, of which some may fall on endpoints that are closed or drawn already.
const TRIES: usize = 4;

pub(crate) fn valid(choices: usize) -> Result<usize, ConfigError> {
    if (2..=MAX).contains(&choices) {
        return Ok(choices);
    }
    Err(ConfigError::OutOfRange {
        field: "choices",
        expected: "from 2 to 16",
    })
}

/// Draws distinct endpoints: each as likely, or by weight once it has [followed](Self::follow) a
/// pool's.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    draws: Draws,
    /// By weight; `None` if each is to be as likely.
    table: Option<AliasTable>,
}

impl Sampler {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            draws: Draws::new(seed),
            table: None,
        }
    }

    /// Draws by the weights of this pool. O(endpoints).
    pub(crate) fn follow(&mut self, pool: Pool<'_>) {
        self.table = Some(AliasTable::of(pool));
    }

    /// Words of one pick. One step of the counter that threads share, however many are drawn.
    #[inline]
    pub(crate) fn words(&self) -> SplitMix64 {
        SplitMix64::new(self.draws.next())
    }

    /// Visits up to `choices` distinct endpoints that accept the request, in the order they are drawn.
    /// There may be fewer, or none, where most are closed or weigh next to nothing.
    #[inline]
    pub(crate) fn visit(
        &self,
        words: &mut SplitMix64,
        choices: usize,
        (pool, request, now): (Pool<'_>, &Request<'_>, Instant),
        mut visit: impl FnMut(usize),
    ) {
        let (mut seen, mut found) = ([0; MAX], 0);
        for _ in 0..choices * TRIES {
            let at = self.position(words.next_u64(), pool.len());
            let candidate = pool.admits(at, request) && pool.share(at, now) >= 1.0;
            if candidate && !seen[..found].contains(&at) {
                visit(at);
                seen[found] = at;
                found += 1;
                if found == choices {
                    break;
                }
            }
        }
    }

    /// The endpoint in slow start that this request is for, if it is for one: each with the part of its
    /// weight that it gets, of the parts of all.
    ///
    /// Not left to load: an endpoint that gets little has little in flight, and would draw requests
    /// until it has as many as the others. O(1) where none is in slow start.
    #[inline]
    pub(crate) fn newcomer(
        &self,
        words: &mut SplitMix64,
        (pool, request, now): (Pool<'_>, &Request<'_>, Instant),
    ) -> Option<usize> {
        if pool.is_empty() || !pool.open_set().is_warming(now) {
            return None;
        }
        (0..MAX).find_map(|_| {
            let at = self.position(words.next_u64(), pool.len());
            let share = pool.share(at, now);
            let drawn = pool.admits(at, request) && (share >= 1.0 || words.f64() < share);
            drawn.then(|| (share < 1.0).then_some(at))
        })?
    }

    #[inline]
    fn position(&self, word: u64, len: usize) -> usize {
        match &self.table {
            Some(table) => table.draw(word),
            None => scaled(word, len),
        }
    }
}
