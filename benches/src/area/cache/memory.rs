//! What an entry takes in memory, by the policy: counted at the allocator.

use core::any::Any;

use allocation_counter::measure;
use purlin_cache::policy::Policy;
use purlin_cache::registry::Algorithm;
use purlin_cache::sync::Cache;

use crate::table::{Cell, Table};

/// Room in the caches; more would take long and tell nothing else.
pub(super) const CAPACITY: u64 = 100_000;

/// Different keys that come after a cache is full, for each entry.
const CHURN: u64 = 2;

/// The bytes of every policy's cache for so many entries, an entry.
pub(super) fn table(algorithms: &[Algorithm], capacity: u64, seed: u64) -> Table {
    let mut table = Table::new("Memory of an entry", ["policy", "full", "after churn"]);
    for algorithm in algorithms {
        let bytes = [0, CHURN].map(|churn| {
            let bytes = bytes(*algorithm, capacity, churn, seed);
            Cell::number(bytes.round(), "B")
        });
        let [full, churned] = bytes;
        table.push([Cell::text(algorithm.name()), full, churned]);
    }
    table.note(format!(
        "Of a cache with {} entries, keys and values of 8 bytes each, which are counted too: full, and after {CHURN} times as many other keys have come.",
        Cell::count(capacity)
    ))
}

fn bytes(algorithm: Algorithm, capacity: u64, churn: u64, seed: u64) -> f64 {
    let mut filled = None;
    let memory = measure(|| {
        filled = Some(match algorithm {
            // As its user has it: the shards learn together.
            Algorithm::Adaptive => fill(Cache::new(capacity), capacity * (1 + churn)),
            other => {
                let cache = Cache::builder(capacity);
                let cache = cache.policy(move |entries| other.build(entries, seed));
                fill(cache.build(), capacity * (1 + churn))
            }
        });
    });
    let (_cache, entries) =
        filled.unwrap_or_else(|| unreachable!("`measure` runs what it is given"));
    memory.bytes_current as f64 / entries as f64
}

/// The cache, whatever its type, and how many entries it has.
fn fill<P: Policy + 'static>(cache: Cache<u64, u64, P>, keys: u64) -> (Box<dyn Any>, usize) {
    for key in 0..keys {
        cache.insert(key, key);
    }
    let entries = cache.len();
    (Box::new(cache), entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_more_than_itself_and_less_than_a_cache_line_or_two() {
        let lru = bytes(Algorithm::Lru, CAPACITY, 0, 1);
        assert!((24.0..128.0).contains(&lru), "{lru}");
        let adaptive = bytes(Algorithm::Adaptive, CAPACITY, CHURN, 1);
        assert!((20.0..128.0).contains(&adaptive), "{adaptive}");
    }
}
