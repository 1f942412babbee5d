//! How often every policy hits, against the size of the cache.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use purlin_cache::registry::Algorithm;
use purlin_cache::unsync::Cache;

use super::opt::opt;
use crate::plot::{Axis, Line, Plot, SERIES, Scale};
use crate::table::{Cell, Table};

/// Whoever knows the future.
pub(super) const OPT: &str = "opt";

/// More would have more than a few of Belady's heaps in memory at a time.
const THREADS_MAX: usize = 4;

/// Hit ratios on the same requests.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ratios {
    /// In the order of the tables.
    pub(super) algorithms: Vec<Algorithm>,
    /// In the order in which they were measured.
    pub(super) sizes: Vec<Size>,
}

/// Hit ratios of one size of cache.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Size {
    pub(super) capacity: u64,
    /// In the order of the algorithms.
    pub(super) ratios: Vec<f64>,
    /// The most that is possible.
    pub(super) opt: f64,
}

impl Ratios {
    /// Of these policies, of no size yet.
    pub(super) fn new(algorithms: &[Algorithm]) -> Self {
        Self {
            algorithms: algorithms.to_vec(),
            sizes: Vec::new(),
        }
    }

    /// Measures a size too, by a thread a core. What comes out does not depend on the threads.
    pub(super) fn measure(&mut self, requests: &[u64], capacity: u64, seed: u64) {
        let entries = usize::try_from(capacity).unwrap_or(usize::MAX);
        // The last one is Belady's, which takes the longest and goes first.
        let count = self.algorithms.len() + 1;
        let next = AtomicUsize::new(count);
        let work = || {
            let mut done = Vec::new();
            while let Some(job) = take(&next) {
                let hits = match self.algorithms.get(job) {
                    Some(algorithm) => hits(*algorithm, requests, entries, seed),
                    None => opt(requests, entries),
                };
                done.push((job, hits));
            }
            done
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut hits: Vec<(usize, u64)> = thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(THREADS_MAX))
                .map(|_| scope.spawn(work))
                .collect();
            let joined = others.into_iter().map(|other| {
                let done = other.join();
                done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            let own = work();
            joined.fold(own, |mut all, done| {
                all.extend(done);
                all
            })
        });
        hits.sort_unstable();
        let total = requests.len().max(1) as f64;
        let mut ratios: Vec<f64> = hits.iter().map(|(_, hits)| *hits as f64 / total).collect();
        let opt = ratios.pop().unwrap_or_default();
        self.sizes.push(Size {
            capacity,
            ratios,
            opt,
        });
    }

    /// The mean over all sizes, in the order of the algorithms.
    pub(super) fn means(&self) -> Vec<f64> {
        let means = (0..self.algorithms.len()).map(|at| self.mean(|size| size.ratios[at]));
        means.collect()
    }

    /// The mean over all sizes of the most that is possible.
    pub(super) fn mean_opt(&self) -> f64 {
        self.mean(|size| size.opt)
    }

    fn mean(&self, value: impl Fn(&Size) -> f64) -> f64 {
        self.sizes.iter().map(value).sum::<f64>() / self.sizes.len().max(1) as f64
    }

    /// A row a policy, a column a size.
    pub(super) fn table(&self, title: &str) -> Table {
        let sizes = self.sizes.iter();
        let heads = sizes.map(|size| format!("{} entries", Cell::count(size.capacity)));
        let heads = core::iter::once("policy".to_owned()).chain(heads);
        let mut table = Table::new(title, heads);
        for (at, algorithm) in self.algorithms.iter().enumerate() {
            let cells = self.sizes.iter().map(|size| percent(size.ratios[at]));
            table.push(core::iter::once(Cell::text(algorithm.name())).chain(cells));
        }
        let cells = self.sizes.iter().map(|size| percent(size.opt));
        table.push(core::iter::once(Cell::text(OPT)).chain(cells));
        table
    }

    /// A line a policy, in several charts where there are more than colours.
    pub(super) fn plots(&self, title: &str) -> impl Iterator<Item = Plot> {
        let places: Vec<usize> = (0..self.algorithms.len()).collect();
        // A colour is for the most that is possible.
        let charts: Vec<_> = places
            .chunks(SERIES - 1)
            .map(|places| self.plot(title, places))
            .collect();
        charts.into_iter()
    }

    fn plot(&self, title: &str, places: &[usize]) -> Plot {
        let line = |name: &str, value: &dyn Fn(&Size) -> f64| {
            let points = self.sizes.iter();
            let points = points.map(|size| (size.capacity as f64, 100.0 * value(size)));
            Line::new(name, points.collect())
        };
        let opt = line(OPT, &|size| size.opt);
        let policies = places
            .iter()
            .map(|at| line(self.algorithms[*at].name(), &|size| size.ratios[*at]));
        let lines = core::iter::once(opt).chain(policies).collect();
        let x = Axis::new("entries", Scale::Log10);
        let y = Axis::new("hit ratio (%)", Scale::Linear);
        Plot::lines(title, x, y, lines)
    }
}

/// A row a policy, a column for each kind of requests, with the mean over the sizes.
pub(super) fn summary(kinds: &[(&str, Ratios)]) -> Table {
    let names = kinds.iter().map(|(name, _)| *name);
    let heads = core::iter::once("policy").chain(names).chain(["mean"]);
    let mut table = Table::new("Hit ratio, mean over the sizes", heads);
    let Some((_, first)) = kinds.first() else {
        return table;
    };
    let mut push = |name: &str, values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let cells = values.into_iter().chain([mean]).map(percent);
        table.push(core::iter::once(Cell::text(name)).chain(cells));
    };
    for (at, algorithm) in first.algorithms.iter().enumerate() {
        let means = kinds.iter().map(|(_, ratios)| ratios.means()[at]);
        push(algorithm.name(), means.collect());
    }
    let means = kinds.iter().map(|(_, ratios)| ratios.mean_opt());
    push(OPT, means.collect());
    table
}

pub(super) fn percent(ratio: f64) -> Cell {
    // Two decimals: more would be the seed's.
    Cell::number((10_000.0 * ratio).round() / 100.0, "%")
}

/// The number of a job nobody has taken, the highest first.
fn take(next: &AtomicUsize) -> Option<usize> {
    let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    taken.ok().map(|left| left - 1)
}

/// How many of the requests hit: lookups, and an insertion after each that misses.
fn hits(algorithm: Algorithm, requests: &[u64], capacity: usize, seed: u64) -> u64 {
    // A cache that everything fits evicts nothing, and sees no policy.
    let capacity = capacity.min(requests.len());
    let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
    let mut cache: Cache<u64, (), _, _> = Cache::builder(capacity as u64)
        .policy(move |entries| algorithm.build(entries, seed))
        .hasher(hasher)
        .build_unsync();
    let hits = requests.iter().filter(|key| {
        let hit = cache.get(*key).is_some();
        if !hit {
            cache.insert(**key, ());
        }
        hit
    });
    hits.count() as u64
}

#[cfg(test)]
mod tests {
    use purlin_cache::registry::VARIANTS;
    use purlin_core::random::SplitMix64;

    use super::*;
    use crate::workload::{Keys as _, StackDistance};

    fn all() -> Vec<Algorithm> {
        VARIANTS.iter().map(|variant| variant.algorithm).collect()
    }

    fn of(algorithm: Algorithm, ratios: &Ratios) -> f64 {
        let at = ratios.algorithms.iter().position(|it| *it == algorithm);
        ratios.sizes[0].ratios[at.expect("measured")]
    }

    #[test]
    fn nobody_hits_more_often_than_who_knows_the_future() {
        let mut ratios = Ratios::new(&all());
        let requests: Vec<u64> = (0..20_000).map(|at| at % 1_000).collect();
        ratios.measure(&requests, 500, 1);
        let size = &ratios.sizes[0];
        assert!(
            size.ratios.iter().all(|ratio| *ratio <= size.opt),
            "{ratios:?}"
        );
        // All but the first 500 hits of each of 19 rounds.
        assert!((0.45..0.5).contains(&size.opt), "{}", size.opt);
        assert!(of(Algorithm::Lru, &ratios).abs() < f64::EPSILON);
        assert!(of(Algorithm::Lirs, &ratios) > 0.4);
    }

    #[test]
    fn lru_hits_as_often_as_the_depths_say() {
        const ITEMS: u64 = 1_000;
        let mut keys = StackDistance::new(ITEMS, 0.8, SplitMix64::new(1)).expect("in range");
        let requests = keys.take_keys(100_000);
        let mut ratios = Ratios::new(&[Algorithm::Lru]);
        ratios.measure(&requests, 100, 1);
        let sum = |depths: u64| -> f64 { (1..=depths).map(|it| (it as f64).powf(-0.8)).sum() };
        let expected = sum(100) / sum(ITEMS);
        let measured = of(Algorithm::Lru, &ratios);
        assert!((measured - expected).abs() < 0.01, "{measured}, {expected}");
    }

    #[test]
    fn with_room_for_all_everybody_is_as_good_and_with_none_nobody_hits() {
        let mut ratios = Ratios::new(&all());
        let requests: Vec<u64> = (0..1_000).map(|at| at * at % 101).collect();
        ratios.measure(&requests, 101, 1);
        ratios.measure(&requests, u64::MAX, 1);
        ratios.measure(&requests, 0, 1);
        for (size, some) in ratios.sizes.iter().zip([true, true, false]) {
            assert_eq!(size.opt > 0.9, some);
            let same = |ratio: &f64| (ratio - size.opt).abs() < f64::EPSILON;
            assert!(size.ratios.iter().all(same), "{size:?}");
        }
    }

    #[test]
    fn the_same_seed_hits_the_same() {
        let requests: Vec<u64> = (0..20_000).map(|at| at * at % 4_001).collect();
        let measure = || {
            let mut ratios = Ratios::new(&all());
            ratios.measure(&requests, 300, 7);
            ratios
        };
        assert_eq!(measure(), measure());
    }
}
