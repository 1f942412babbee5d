//! How often everybody hits on recorded requests, with the capacity alone chosen.
//!
//! A request is a lookup, and an insertion if it misses. Ours is the mean of five seeds of its hasher, on which
//! depends what shares a shard and what is sampled; the others, whose hashers take none, are run once.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use purlin_cache::sync::Cache;

use super::contestant::Contestant;
use super::parts::{PARTS, Part, capacities};
use super::rivals::{
    FoyerLfu, FoyerS3Fifo, Lru, MiniMoka, Moka, QuickCache, Senba, Sharded, TinyUfo,
};
use crate::area::cache::opt::opt;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Role, Samples};

const SEEDS: u64 = 5;

/// What is to be gained counts from this on.
const GAP_MIN: f64 = 0.01;

/// The rivals, in the order of [`Cell::rivals`].
const RIVALS: [&str; 8] = [
    QuickCache::NAME,
    Moka::NAME,
    MiniMoka::NAME,
    FoyerS3Fifo::NAME,
    FoyerLfu::NAME,
    TinyUfo::NAME,
    ALL_IN_ONE_LRU,
    Sharded::<Senba, 1>::NAME,
];

/// `schnellru` would keep the same.
const ALL_IN_ONE_LRU: &str = "lru";

/// The place of the plain LRU among [`RIVALS`].
const LRU: usize = 6;

/// Hit ratios of one size of cache on one stretch of requests.
#[derive(Debug)]
struct Cell {
    part: Part,
    ours: f64,
    rivals: [f64; RIVALS.len()],
    /// Of whoever knows the future. Of heads only: it takes long.
    best_possible: Option<f64>,
}

/// By the names of [`RIVALS`], or ours.
#[derive(Debug, Clone, Copy)]
enum Who {
    Ours,
    Rival(usize),
}

impl Cell {
    fn measure(part: Part, requests: &[u64], capacity: usize, seed: u64) -> Self {
        let ours = (0..SEEDS).map(|round| ours(requests, capacity, seed.wrapping_add(round)));
        Self {
            part,
            ours: ours.sum::<f64>() / SEEDS as f64,
            rivals: [
                rival::<QuickCache>(requests, capacity),
                rival::<Moka>(requests, capacity),
                rival::<MiniMoka>(requests, capacity),
                rival::<FoyerS3Fifo>(requests, capacity),
                rival::<FoyerLfu>(requests, capacity),
                rival::<TinyUfo>(requests, capacity),
                rival::<Sharded<Lru, 1>>(requests, capacity),
                rival::<Sharded<Senba, 1>>(requests, capacity),
            ],
            best_possible: (!part.tail)
                .then(|| opt(requests, capacity) as f64 / requests.len() as f64),
        }
    }

    fn of(&self, who: Who) -> f64 {
        match who {
            Who::Ours => self.ours,
            Who::Rival(at) => self.rivals[at],
        }
    }

    fn best_rival(&self) -> f64 {
        self.rivals.iter().copied().fold(0.0, f64::max)
    }

    /// How much of what is possible beyond LRU somebody reaches.
    fn gap_closed(&self, who: Who) -> Option<f64> {
        let lru = self.rivals[LRU];
        let gap = self.best_possible? - lru;
        (gap > GAP_MIN).then(|| (self.of(who) - lru) / gap)
    }
}

fn hit_ratio(requests: &[u64], mut hits: impl FnMut(u64) -> bool) -> f64 {
    let hits = requests.iter().filter(|key| hits(**key));
    hits.count() as f64 / requests.len() as f64
}

/// Ours by default, but for the seed.
fn ours(requests: &[u64], capacity: usize, seed: u64) -> f64 {
    let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
    let cache = Cache::builder(capacity as u64).hasher(hasher).build();
    hit_ratio(requests, |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, key);
        }
        hit
    })
}

fn rival<C: Contestant>(requests: &[u64], capacity: usize) -> f64 {
    let cache = C::new(capacity);
    hit_ratio(requests, |key| cache.get_or_insert(key))
}

/// All cells, measured once in a process for all rows.
static MEASURED: Mutex<Option<Measured>> = Mutex::new(None);

struct Measured {
    seed: u64,
    fast: bool,
    cells: Arc<[Cell]>,
}

fn cells(settings: &Settings) -> Result<Arc<[Cell]>, LabError> {
    let mut measured = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*measured
        && (known.seed, known.fast) == (settings.seed, settings.fast)
    {
        return Ok(Arc::clone(&known.cells));
    }
    let cells: Arc<[Cell]> = measure(settings)?.into();
    *measured = Some(Measured {
        seed: settings.seed,
        fast: settings.fast,
        cells: Arc::clone(&cells),
    });
    Ok(cells)
}

/// By two threads, which take one stretch after the other.
fn measure(settings: &Settings) -> Result<Vec<Cell>, LabError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut cells = Vec::new();
        while let Some(part) = PARTS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let requests = part.requests(settings)?;
            for capacity in capacities(&requests) {
                cells.push(Cell::measure(*part, &requests, capacity, settings.seed));
            }
        }
        Ok::<_, LabError>(cells)
    };
    thread::scope(|scope| {
        let second = scope.spawn(work);
        let mut cells = work()?;
        cells.extend(
            second
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
        );
        Ok(cells)
    })
}

/// A value for everybody.
fn everybody(settings: &Settings, value: impl Fn(Who) -> f64) -> Result<Samples, LabError> {
    let mut counted = Counted::rounds(settings, 1).ours("purlin", |_| Ok(value(Who::Ours)))?;
    for (at, name) in RIVALS.iter().enumerate() {
        counted = counted.enter(Role::Rival, name, |_| Ok(value(Who::Rival(at))))?;
    }
    Ok(counted.samples())
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// The mean hit ratio over all cells, heads or tails.
pub(super) fn means<const TAILS: bool>(settings: &Settings) -> Result<Samples, LabError> {
    let cells = cells(settings)?;
    everybody(settings, |who| mean_of(&cells, TAILS, who))
}

/// How much higher it is than the one of the rival for whom it is highest.
pub(super) fn leads<const TAILS: bool>(settings: &Settings) -> Result<Samples, LabError> {
    let cells = cells(settings)?;
    let rivals = (0..RIVALS.len()).map(|at| mean_of(&cells, TAILS, Who::Rival(at)));
    let best = rivals.fold(0.0, f64::max);
    everybody(settings, |who| mean_of(&cells, TAILS, who) - best)
}

fn mean_of(cells: &[Cell], tails: bool, who: Who) -> f64 {
    let cells = cells.iter().filter(|cell| cell.part.tail == tails);
    mean(cells.map(|cell| cell.of(who)))
}

/// The worst cell, each beside the rival who is best in it.
pub(super) fn worst(settings: &Settings) -> Result<Samples, LabError> {
    let cells = cells(settings)?;
    let lead = |who| {
        cells
            .iter()
            .map(move |cell| cell.of(who) - cell.best_rival())
    };
    everybody(settings, |who| lead(who).fold(f64::INFINITY, f64::min))
}

/// The mean share of what is possible beyond LRU, on the heads.
pub(super) fn gap_closed(settings: &Settings) -> Result<Samples, LabError> {
    let cells = cells(settings)?;
    everybody(settings, |who| {
        mean(cells.iter().filter_map(|cell| cell.gap_closed(who)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_beats_the_best_possible_and_a_loop_starves_lru() {
        let requests: Vec<u64> = (0..20_000).map(|at| at % 1_000).collect();
        let part = Part {
            trace: "a loop",
            tail: false,
        };
        let cell = Cell::measure(part, &requests, 500, 1);
        let best = cell.best_possible.expect("of a head");
        // All but the first 500 hits of each of 19 rounds.
        assert!((0.45..0.50).contains(&best), "{best}");
        assert!(
            cell.rivals
                .iter()
                .chain([&cell.ours])
                .all(|ratio| *ratio <= best)
        );
        assert!(cell.rivals[LRU].abs() < f64::EPSILON);
        assert_eq!(cell.gap_closed(Who::Rival(LRU)), Some(0.0));
    }
}
