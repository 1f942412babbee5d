//! What an entry takes in memory, counted at the allocator, and whether a cache keeps to its capacity.

use core::ops::Range;

use allocation_counter::measure;

use super::contestant::{Contestant, Visitor, everybody};
use super::{MILLION, scaled};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

/// Different entries that come after the cache is full, for each that fits.
const CHURN: u32 = 2;

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
    /// Entries there is room for.
    capacity: u32,
    insertions: u32,
}

impl Figure for BytesAfter {
    fn of<C: Contestant>(&self) -> f64 {
        let keys = 0..self.insertions;
        let mut cache = None;
        let memory = measure(|| {
            let new = C::new(self.capacity as usize);
            put(&new, keys.clone());
            cache = Some(new);
        });
        let entries = cache.map_or(0, |cache| held(&cache, keys));
        memory.bytes_current as f64 / f64::from(entries)
    }
}

/// Bytes an entry held, after as many insertions as fit.
pub(super) fn fill(settings: &Settings) -> Result<Samples, LabError> {
    let capacity = scaled(settings, MILLION);
    let figure = BytesAfter {
        capacity,
        insertions: capacity,
    };
    each(settings, figure)
}

/// The same after twice as many others have come.
pub(super) fn churn(settings: &Settings) -> Result<Samples, LabError> {
    let capacity = scaled(settings, MILLION);
    let figure = BytesAfter {
        capacity,
        insertions: capacity * (1 + CHURN),
    };
    each(settings, figure)
}

struct Allocations {
    /// Entries there is room for.
    capacity: u32,
}

impl Figure for Allocations {
    fn of<C: Contestant>(&self) -> f64 {
        let cache = C::new(self.capacity as usize);
        let (steady, end) = (2 * self.capacity, 3 * self.capacity);
        put(&cache, 0..steady);
        let memory = measure(|| put(&cache, steady..end));
        memory.count_total as f64 / f64::from(end - steady)
    }
}

/// Allocations of an insertion into a cache that is full for long.
pub(super) fn allocations(settings: &Settings) -> Result<Samples, LabError> {
    let capacity = scaled(settings, MILLION);
    each(settings, Allocations { capacity })
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
