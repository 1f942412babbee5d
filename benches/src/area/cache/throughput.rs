//! What a request of a concurrent cache takes, by its policy.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::hint::black_box;
use core::iter;
use core::time::Duration;

use purlin_cache::policy::{
    Arc as ArcPolicy, Clock, Fifo, Lfu, Lirs, Lru, Policy, Random, S3Fifo, Sieve, Slru, TinyLfu,
    TwoQ, WTinyLfu,
};
use purlin_cache::registry::Algorithm;
use purlin_cache::sync::Cache;

use super::workload::{KEYS, WORKLOADS};
use crate::error::LabError;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::harness::{self, Effort};
use crate::versus::{Contest, Role, Series, Together};

/// Room in the caches, for a tenth of the keys that are asked for.
const CAPACITY: u64 = 10_000;

const REQUESTS: usize = 1 << 18;

/// Recorded requests that are timed, at most.
const RECORDED: usize = 1 << 20;

/// Requests that are served at once, so that the dynamic call is paid once for them.
const CHUNK: usize = 16;

/// How long the turn of a cache lasts: until its entries are back in the processor's caches, and many times as long.
const BATCH_TOGETHER: Duration = Duration::from_millis(1);

type Chunk = [u64; CHUNK];

/// A cache at work on some requests, whatever its type.
type Serve = dyn Fn(&[u64]) + Send + Sync;

/// How many rounds two threads go: enough for two digits.
const ROUNDS_TOGETHER: usize = 31;

/// The time of every policy, by one thread; and by two at once, if `together`.
pub(super) fn table(
    algorithms: &[Algorithm],
    settings: &Settings,
    effort: Effort,
    together: bool,
) -> Result<Table, LabError> {
    let requests = made(settings.seed)?;
    let caches = warm(algorithms, CAPACITY, &requests, settings.seed);
    let mut columns = vec![by_one(algorithms, &caches, &requests, settings, effort)];
    let mut heads = vec!["policy", "one thread"];
    let mut note = format!(
        "A lookup and, where it misses, an insertion: Zipf 0.99 over {} keys, room for {}. A policy that hits less often inserts more often, which takes the longer.",
        Cell::count(KEYS),
        Cell::count(CAPACITY)
    );
    if together {
        let inputs = [requests, made(!settings.seed)?];
        columns.push(by_two(algorithms, caches, inputs, settings.seed));
        heads.push("two threads");
        note.push_str(
            " With two threads it is the time per request of both together: half of one's where neither hinders the other; none is shown where other programs needed the cores.",
        );
    }
    Ok(rows(algorithms, heads, &columns).note(note))
}

/// The time of every policy on recorded requests, of which there must be one, by one thread.
pub(super) fn recorded(
    algorithms: &[Algorithm],
    requests: &[u64],
    capacity: u64,
    settings: &Settings,
    effort: Effort,
) -> Table {
    let requests = chunks(&requests[..requests.len().min(RECORDED)]);
    let caches = warm(algorithms, capacity, &requests, settings.seed);
    let columns = [by_one(algorithms, &caches, &requests, settings, effort)];
    rows(algorithms, vec!["policy", "one thread"], &columns).note(format!(
        "A lookup and, where it misses, an insertion, with room for {}: the first {} requests of the trace, again and again. A policy that hits less often inserts more often, which takes the longer.",
        Cell::count(capacity),
        Cell::count((requests.len() * CHUNK) as u64)
    ))
}

fn rows(algorithms: &[Algorithm], heads: Vec<&'static str>, columns: &[Vec<Series>]) -> Table {
    let mut table = Table::new("Throughput", heads);
    for (at, algorithm) in algorithms.iter().enumerate() {
        let times = columns.iter().map(|column| per_request(&column[at]));
        table.push(iter::once(Cell::text(algorithm.name())).chain(times));
    }
    table
}

/// A cache for every policy, which has seen the requests.
fn warm(algorithms: &[Algorithm], capacity: u64, requests: &[Chunk], seed: u64) -> Vec<Arc<Serve>> {
    let caches = algorithms.iter().map(|algorithm| {
        let cache = cache(*algorithm, capacity, seed);
        requests.iter().for_each(|requests| cache(requests));
        cache
    });
    caches.collect()
}

fn by_one(
    algorithms: &[Algorithm],
    caches: &[Arc<Serve>],
    requests: &[Chunk],
    settings: &Settings,
    effort: Effort,
) -> Vec<Series> {
    let inputs: Rc<[Chunk]> = requests.into();
    let contenders = caches.iter().zip(algorithms).map(|(cache, algorithm)| {
        let cache = Arc::clone(cache);
        let contest = Contest::over_shared(Rc::clone(&inputs));
        let contest = contest.ours(algorithm.name(), move |requests| cache(requests));
        contest.build().into_ours()
    });
    let mut contenders: Vec<_> = contenders.collect();
    harness::interleave(&mut contenders, effort, settings.seed)
}

fn by_two(
    algorithms: &[Algorithm],
    caches: Vec<Arc<Serve>>,
    inputs: [Vec<Chunk>; 2],
    seed: u64,
) -> Vec<Series> {
    let mut together = Together::over(inputs).in_batches_of(BATCH_TOGETHER);
    // All are ours, but a contest has only one such.
    let roles = iter::once(Role::Ours).chain(iter::repeat(Role::Rival));
    for ((cache, algorithm), role) in caches.into_iter().zip(algorithms).zip(roles) {
        together = together.enter(role, algorithm.name(), move |requests| cache(requests));
    }
    let samples = together.measure_rounds(seed, ROUNDS_TOGETHER);
    samples.series().to_vec()
}

fn per_request(series: &Series) -> Cell {
    let median = series.median().map(|chunk| chunk / CHUNK as f64);
    Cell::maybe_number(median, "ns")
}

/// By popularity, the first of the workloads.
fn made(seed: u64) -> Result<Vec<Chunk>, LabError> {
    Ok(chunks(&WORKLOADS[0].requests(REQUESTS, seed)?))
}

/// The last one is filled up with the first requests.
fn chunks(requests: &[u64]) -> Vec<Chunk> {
    let whole = requests.len().next_multiple_of(CHUNK);
    let filled: Vec<u64> = requests.iter().copied().cycle().take(whole).collect();
    filled.as_chunks().0.to_vec()
}

/// With its policy known when it is compiled, as its user would have it.
fn cache(algorithm: Algorithm, capacity: u64, seed: u64) -> Arc<Serve> {
    match algorithm {
        Algorithm::Adaptive => serve(Cache::new(capacity)),
        Algorithm::Fifo => with(capacity, Fifo::new),
        Algorithm::Lru => with(capacity, Lru::new),
        Algorithm::Slru => with(capacity, Slru::new),
        Algorithm::Clock => with(capacity, Clock::new),
        Algorithm::Sieve => with(capacity, Sieve::new),
        Algorithm::Lfu => with(capacity, Lfu::new),
        Algorithm::TwoQ => with(capacity, TwoQ::new),
        Algorithm::S3Fifo => with(capacity, S3Fifo::new),
        Algorithm::Arc => with(capacity, ArcPolicy::new),
        Algorithm::Lirs => with(capacity, Lirs::new),
        Algorithm::TinyLfu => with(capacity, move |entries| TinyLfu::with_seed(entries, seed)),
        Algorithm::WTinyLfu => with(capacity, move |entries| WTinyLfu::with_seed(entries, seed)),
        Algorithm::Random => with(capacity, move |entries| Random::with_seed(entries, seed)),
        // A new one pays for a dynamic call until it is listed.
        other => with(capacity, move |entries| other.build(entries, seed)),
    }
}

fn with<P: Policy + Send + Sync + 'static>(
    capacity: u64,
    policy: impl Fn(usize) -> P + Send + Sync + 'static,
) -> Arc<Serve> {
    serve(Cache::builder(capacity).policy(policy).build())
}

fn serve<P: Policy + Send + Sync + 'static>(cache: Cache<u64, u64, P>) -> Arc<Serve> {
    Arc::new(move |requests| {
        for key in requests {
            if black_box(cache.get(key)).is_none() {
                cache.insert(*key, *key);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_in_order_and_the_last_chunk_is_filled_up() {
        let flat = |requests: &[u64]| chunks(requests).concat();
        let many: Vec<u64> = (0..20).collect();
        let filled: Vec<u64> = (0..20).chain(0..12).collect();
        assert_eq!(flat(&many), filled);
        assert_eq!(flat(&[7]), [7; CHUNK], "a trace of one request");
        assert_eq!(flat(&many[..CHUNK]), many[..CHUNK]);
    }
}
