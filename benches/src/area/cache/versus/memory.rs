//! What an entry takes in memory, counted at the allocator, and whether a cache keeps to its capacity.

use core::ops::Range;

use allocation_counter::measure;

use super::contestant::{Contestant, Visitor, everybody};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

/// Entries there is room for.
const CAPACITY: u32 = 1_000_000;

/// Different ones that come after the cache is full.
const CHURN: u32 = 2 * CAPACITY;

/// One value a contestant.
struct Each<F> {
    counted: Result<Counted, LabError>,
    value: F,
}

/// A figure of a contestant of any type.
trait Figure {
    fn of<C: Contestant>(&self) -> f64;
}

impl<F: Figure> Visitor for Each<F> {
    fn visit<C: Contestant>(self) -> Self {
        let Self { counted, value } = self;
        // A map without eviction would be measured with three times as many entries.
        let counted = if C::EVICTS {
            counted.and_then(|counted| counted.enter(C::ROLE, C::NAME, |_| Ok(value.of::<C>())))
        } else {
            counted
        };
        Self { counted, value }
    }
}

fn each(settings: &Settings, value: impl Figure) -> Result<Samples, LabError> {
    let counted = Ok(Counted::rounds(settings, 1));
    Ok(everybody(Each { counted, value }).counted?.samples())
}

fn put<C: Contestant>(cache: &C, keys: Range<u32>) {
    keys.map(u64::from).for_each(|key| cache.insert(key, key));
}

/// How many of these keys can be found: what a cache holds in truth, whatever it says.
fn held<C: Contestant>(cache: &C, keys: Range<u32>) -> u32 {
    keys.map(|key| u32::from(cache.get(u64::from(key)).is_some()))
        .sum()
}

struct BytesAfter {
    churn: u32,
}

impl Figure for BytesAfter {
    fn of<C: Contestant>(&self) -> f64 {
        let keys = 0..CAPACITY + self.churn;
        let mut cache = None;
        let memory = measure(|| {
            let new = C::new(CAPACITY as usize);
            put(&new, keys.clone());
            cache = Some(new);
        });
        let entries = cache.map_or(0, |cache| held(&cache, keys));
        memory.bytes_current as f64 / f64::from(entries)
    }
}

/// Bytes an entry held, after as many insertions as fit.
pub(super) fn fill(settings: &Settings) -> Result<Samples, LabError> {
    each(settings, BytesAfter { churn: 0 })
}

/// The same after twice as many others have come.
pub(super) fn churn(settings: &Settings) -> Result<Samples, LabError> {
    each(settings, BytesAfter { churn: CHURN })
}

struct Allocations;

impl Figure for Allocations {
    fn of<C: Contestant>(&self) -> f64 {
        let cache = C::new(CAPACITY as usize);
        let steady = CAPACITY + CHURN / 2;
        put(&cache, 0..steady);
        let memory = measure(|| put(&cache, steady..CAPACITY + CHURN));
        memory.count_total as f64 / f64::from(CAPACITY + CHURN - steady)
    }
}

/// Allocations of an insertion into a cache that is full for long.
pub(super) fn allocations(settings: &Settings) -> Result<Samples, LabError> {
    each(settings, Allocations)
}

struct Excess;

impl Figure for Excess {
    fn of<C: Contestant>(&self) -> f64 {
        const ROOM: u32 = 10_000;
        const STEP: u32 = 1_000;
        let cache = C::new(ROOM as usize);
        let most = (0..4 * ROOM / STEP).map(|step| {
            let end = (step + 1) * STEP;
            put(&cache, end - STEP..end);
            held(&cache, 0..end)
        });
        f64::from(most.fold(0, u32::max).saturating_sub(ROOM))
    }
}

/// How many more than its capacity a cache for 10,000 holds at worst, while 40,000 different ones come.
pub(super) fn excess(settings: &Settings) -> Result<Samples, LabError> {
    each(settings, Excess)
}
