//! What a hit costs: lookups of keys that are all there.

use super::contestant::{Contestant, Visitor, everybody};
use super::requests::zipf;
use super::{REQUESTS, batch, scaled};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over, Samples, Together};

/// As many keys as fit into half of the cache, so that everybody still holds them all, or all but a few.
fn residents(capacity: u32) -> u32 {
    capacity / 2
}

fn filled<C: Contestant>(capacity: u32) -> C {
    let cache = C::new(capacity as usize);
    for key in 0..u64::from(residents(capacity)) {
        cache.insert(key, key);
    }
    cache
}

struct Alone {
    capacity: u32,
    contest: Over<u32>,
}

impl Visitor for Alone {
    fn visit<C: Contestant>(self) -> Self {
        let cache = filled::<C>(self.capacity);
        let get = move |key: &u32| cache.get(u64::from(*key));
        let contest = self.contest.enter(C::ROLE, C::NAME, get);
        Self { contest, ..self }
    }
}

/// By one thread.
pub(super) fn alone<const CAPACITY: u32>(settings: &Settings) -> Result<Contest, LabError> {
    let capacity = scaled(settings, CAPACITY);
    let requests = zipf(residents(capacity), REQUESTS, settings.seed)?;
    let start = Alone {
        capacity,
        contest: Contest::over(requests),
    };
    Ok(everybody(start).contest.build())
}

struct Both {
    capacity: u32,
    contest: Together<u32>,
}

impl Visitor for Both {
    fn visit<C: Contestant>(self) -> Self {
        let cache = filled::<C>(self.capacity);
        let get = move |key: &u32| cache.get(u64::from(*key));
        let contest = self.contest.enter(C::ROLE, C::NAME, get);
        Self { contest, ..self }
    }
}

/// By two threads that like the same keys.
pub(super) fn together<const CAPACITY: u32>(settings: &Settings) -> Result<Samples, LabError> {
    let capacity = scaled(settings, CAPACITY);
    let requests = |seed| zipf(residents(capacity), REQUESTS, seed);
    let requests = [requests(settings.seed)?, requests(!settings.seed)?];
    let start = Both {
        capacity,
        contest: Together::over(requests).in_batches_of(batch(CAPACITY)),
    };
    Ok(everybody(start).contest.measure(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who holds less than it should, and how much.
    struct Missing(Vec<(&'static str, u64)>);

    impl Visitor for Missing {
        fn visit<C: Contestant>(mut self) -> Self {
            let cache = filled::<C>(10_000);
            let keys = || 0..u64::from(residents(10_000));
            let missing = || keys().filter(|key| cache.get(*key) != Some(*key)).count();
            // What a cache puts off, it has done after some lookups.
            let missing = missing().max(missing()) as u64;
            // Caches of small sets lose a few to crowded ones, as their random hashers will have it.
            if missing * 200 > keys().end {
                self.0.push((C::NAME, missing));
            }
            self
        }
    }

    #[test]
    fn everybody_holds_half_of_what_fits() {
        assert_eq!(everybody(Missing(Vec::new())).0, []);
    }
}
