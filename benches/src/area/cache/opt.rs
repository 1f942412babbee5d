//! The best that can be done, by whoever knows the future: Belady's OPT.

use alloc::collections::BinaryHeap;
use std::collections::HashMap;

/// How many of the requests hit in a cache of so many entries that always keeps those whose next
/// use is the soonest.
///
/// No policy hits more often. It may refuse a newcomer, as one with an admission filter does: one whose
/// next use is farther away than that of every entry. Belady's MIN as he wrote it has to take every newcomer in and
/// hits less often, by little unless the cache is very small.
/// L. A. Belady: "A study of replacement algorithms for a virtual-storage computer", IBM Systems
/// Journal 1966.
///
/// O(n log n) in time, and about 17 bytes a request and 32 a key in memory.
///
/// ```
/// use purlin_benches::area::cache::opt::opt;
///
/// // A loop over three keys: two of them stay, and the third never gets in.
/// assert_eq!(opt(&[1, 2, 3, 1, 2, 3, 1, 2, 3], 2), 4);
/// ```
#[must_use]
pub fn opt(requests: &[u64], capacity: usize) -> u64 {
    let next_use = next_uses(requests);
    // An entry is known by the position of its next request, which is that of no other. Those of the
    // past stay in the heap; they come before all that are here, so that none is ever its greatest
    // while something is here.
    let mut by_next_use = BinaryHeap::new();
    let mut present = vec![false; requests.len()];
    let (mut entries, mut hits) = (0, 0);
    for (now, &next) in next_use.iter().enumerate() {
        if present[now] {
            hits += 1;
            entries -= 1;
        }
        // What is never asked for again need not stay.
        if next == NEVER {
            continue;
        }
        by_next_use.push(next);
        present[next] = true;
        entries += 1;
        if entries > capacity
            && let Some(farthest) = by_next_use.pop()
        {
            present[farthest] = false;
            entries -= 1;
        }
    }
    hits
}

const NEVER: usize = usize::MAX;

/// The position of each request's next one of the same key.
fn next_uses(requests: &[u64]) -> Vec<usize> {
    let mut latest = HashMap::new();
    let mut next_use = vec![NEVER; requests.len()];
    for (at, key) in requests.iter().enumerate().rev() {
        if let Some(next) = latest.insert(key, at) {
            next_use[at] = next;
        }
    }
    next_use
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_core::random::{RandomExt, SplitMix64};

    /// The best of all that can be done: after each miss any entry may leave, or the newcomer.
    fn best(requests: &[u64], entries: &[u64], capacity: usize) -> u64 {
        let Some((key, rest)) = requests.split_first() else {
            return 0;
        };
        if entries.contains(key) {
            return 1 + best(rest, entries, capacity);
        }
        let refused = best(rest, entries, capacity);
        let mut with = entries.to_vec();
        with.push(*key);
        if with.len() <= capacity {
            return refused.max(best(rest, &with, capacity));
        }
        let replaced = (0..entries.len()).map(|leaves| {
            let mut with = with.clone();
            with.swap_remove(leaves);
            best(rest, &with, capacity)
        });
        replaced.fold(refused, u64::max)
    }

    #[test]
    fn nothing_does_better_and_something_does_as_well() {
        let mut random = SplitMix64::new(1);
        for _ in 0..400 {
            let keys = 2 + random.below(5);
            let requests: Vec<u64> = (0..random.below(12)).map(|_| random.below(keys)).collect();
            for capacity in 0..4 {
                let expected = best(&requests, &[], capacity);
                assert_eq!(
                    opt(&requests, capacity),
                    expected,
                    "{requests:?} in {capacity}"
                );
            }
        }
    }

    #[test]
    fn with_room_for_all_only_the_first_request_of_a_key_misses() {
        let requests: Vec<u64> = (0..10_000).map(|at| at * at % 101).collect();
        let mut keys = requests.clone();
        keys.sort_unstable();
        keys.dedup();
        let hits = (requests.len() - keys.len()) as u64;
        assert_eq!(opt(&requests, keys.len()), hits);
        assert!(opt(&requests, keys.len() - 1) < hits);
    }
}
