//! A cache at work: what is not found is put in, and something else leaves.
//!
//! Requests are for ten times as many keys as there is room for. Each cache is full when it is timed: of keys that nobody
//! asks for at first, then of what the last part of the requests leaves. The maps that never evict have
//! seen the same part; they hold more, and miss less.

use super::contestant::{Contestant, Visitor, everybody};
use super::requests::zipf;
use super::{REQUESTS, batch, scaled};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over, Samples, Together};

/// Keys that are asked for, for each that fits.
const CROWD: u32 = 10;

/// Requests for each entry that bring a cache into the state it is timed in, and how many are enough for any.
const WARM_UP: usize = 40;
const MOST_WARM_UP: usize = 2_000_000;

/// Enough that a cache has forgotten the first when they begin anew: in expectation at least 1.5 different
/// keys for each that fits.
fn requests(capacity: u32) -> usize {
    REQUESTS.max(8 * capacity as usize)
}

fn warm<C: Contestant>(capacity: u32, requests: &[u32]) -> C {
    let cache = C::new(capacity as usize);
    if C::EVICTS {
        let strangers = u64::from(CROWD * capacity)..;
        for key in strangers.take(capacity as usize) {
            cache.insert(key, key);
        }
    }
    let warm_up = (WARM_UP * capacity as usize).min(MOST_WARM_UP);
    for key in &requests[requests.len().saturating_sub(warm_up)..] {
        cache.get_or_insert(u64::from(*key));
    }
    cache
}

struct Alone {
    capacity: u32,
    requests: alloc::rc::Rc<[u32]>,
    contest: Over<u32>,
}

impl Visitor for Alone {
    fn visit<C: Contestant>(self) -> Self {
        let cache = warm::<C>(self.capacity, &self.requests);
        let get_or_insert = move |key: &u32| cache.get_or_insert(u64::from(*key));
        let contest = self.contest.enter(C::ROLE, C::NAME, get_or_insert);
        Self { contest, ..self }
    }
}

/// By one thread.
pub(super) fn alone<const CAPACITY: u32>(settings: &Settings) -> Result<Contest, LabError> {
    let capacity = scaled(settings, CAPACITY);
    let requests = zipf(CROWD * capacity, requests(capacity), settings.seed)?;
    let requests: alloc::rc::Rc<[u32]> = requests.into();
    let start = Alone {
        capacity,
        contest: Contest::over_shared(requests.clone()),
        requests,
    };
    Ok(everybody(start).contest.build())
}

struct Both {
    capacity: u32,
    requests: Vec<u32>,
    contest: Together<u32>,
}

impl Visitor for Both {
    fn visit<C: Contestant>(self) -> Self {
        let cache = warm::<C>(self.capacity, &self.requests);
        let get_or_insert = move |key: &u32| cache.get_or_insert(u64::from(*key));
        let contest = self.contest.enter(C::ROLE, C::NAME, get_or_insert);
        Self { contest, ..self }
    }
}

/// By two threads that like the same keys.
pub(super) fn together<const CAPACITY: u32>(settings: &Settings) -> Result<Samples, LabError> {
    let capacity = scaled(settings, CAPACITY);
    let stream = |seed| zipf(CROWD * capacity, requests(capacity), seed);
    let [first, second] = [stream(settings.seed)?, stream(!settings.seed)?];
    let start = Both {
        capacity,
        requests: first.clone(),
        contest: Together::over([first, second]).in_batches_of(batch(CAPACITY)),
    };
    Ok(everybody(start).contest.measure(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_still_misses_and_evicts_when_it_is_timed() {
        const CAPACITY: u32 = 2_000;
        let requests = zipf(CROWD * CAPACITY, 8 * CAPACITY as usize, 1).expect("valid");
        let mut different = requests.clone();
        different.sort_unstable();
        different.dedup();
        assert!(
            different.len() > CAPACITY as usize * 3 / 2,
            "{}",
            different.len()
        );

        let cache = warm::<super::super::contestant::Ours>(CAPACITY, &requests);
        assert_eq!(cache.len(), CAPACITY as usize);
        let hits = requests
            .iter()
            .filter(|key| cache.get_or_insert(u64::from(**key)));
        let ratio = hits.count() as f64 / requests.len() as f64;
        assert!((0.5..0.95).contains(&ratio), "{ratio}");
    }
}
