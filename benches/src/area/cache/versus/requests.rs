//! Requests whose popularity follows Zipf's law.

use purlin_core::random::{RandomExt as _, SplitMix64};

use crate::error::LabError;
use crate::workload::{Keys as _, Zipf};

/// Near what is measured of web traffic, and what benchmarks of caches take.
const EXPONENT: f64 = 0.99;

/// So many requests for keys of `0..keys`.
///
/// Popularity has nothing to do with the order of the keys, so that the popular ones are not side by side in a
/// cache that is filled in that order.
pub(super) fn zipf(keys: u32, requests: usize, seed: u64) -> Result<Vec<u32>, LabError> {
    let mut by_rank: Vec<u32> = (0..keys).collect();
    SplitMix64::new(u64::from(keys)).shuffle(&mut by_rank);
    let mut ranks = Zipf::new(u64::from(keys), EXPONENT, SplitMix64::new(seed))?;
    let named = (0..requests).map(|_| {
        let rank = usize::try_from(ranks.next_key()).unwrap_or(usize::MAX); // below `keys`
        by_rank[rank]
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_streams_of_one_key_space_agree_on_what_is_popular() {
        let most_popular = |seed| {
            let mut counts = vec![0; 1_000];
            for key in zipf(1_000, 20_000, seed).expect("valid") {
                counts[key as usize] += 1;
            }
            (0..1_000).max_by_key(|key| counts[*key])
        };
        assert_eq!(most_popular(1), most_popular(2));
    }
}
