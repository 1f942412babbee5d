//! Does a hash spread consecutive keys as evenly as chance would?

use purlin_core::hash::{KeyHash, KeyHasher, SipHash13, SipHash24, Xxh3};

use super::hashes::SECRET;
use crate::table::{Cell, Table};

pub(super) const TITLE: &str = "Evenness of each hash over consecutive keys";

const BUCKETS: usize = 1000;
const KEYS: u64 = 1_000_000;

/// One row per hash, and one for no hash at all: the yardstick's own check.
pub(super) fn table(variants: &[&str]) -> Table {
    let columns = [
        "hash",
        "chi-squared",
        "from expectation",
        "fullest bucket",
        "emptiest bucket",
    ];
    let mut table = Table::new(TITLE, columns);
    for variant in variants {
        let spread = match *variant {
            "xxh3" => Spread::of(&Xxh3::new()),
            "siphash-1-3" => Spread::of(&SipHash13::new(SECRET)),
            _ => Spread::of(&SipHash24::new(SECRET)),
        };
        table.push(spread.row(variant));
    }
    if !variants.is_empty() {
        table.push(Spread::of(&Unhashed).row("none: the key's lowest bits"));
    }
    table.note(
        "The keys 0 to 999,999 in 1,000 buckets. Chance gives a chi-squared of 999 ± 44.7 (one standard deviation) and buckets of 1,000 ± 32: a hash \
         should look no worse, and no better either (without a hash every bucket is exactly full, for these keys).",
    )
}

/// How the keys fell.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    chi_squared: f64,
    fullest: u64,
    emptiest: u64,
}

impl Spread {
    fn of(hasher: &impl KeyHasher) -> Self {
        let mut counts = [0_u64; BUCKETS];
        for key in 0..KEYS {
            let KeyHash(hash) = hasher.hash_u64(key);
            #[expect(clippy::cast_possible_truncation, reason = "below BUCKETS")]
            let bucket = (hash % BUCKETS as u64) as usize;
            counts[bucket] += 1;
        }
        let expected = KEYS as f64 / BUCKETS as f64;
        Self {
            chi_squared: counts
                .iter()
                .map(|count| (*count as f64 - expected).powi(2) / expected)
                .sum(),
            fullest: counts.iter().copied().max().unwrap_or(0),
            emptiest: counts.iter().copied().min().unwrap_or(0),
        }
    }

    /// How many standard deviations the statistic is from its expectation.
    fn deviations(&self) -> f64 {
        let freedom = (BUCKETS - 1) as f64;
        (self.chi_squared - freedom) / (2.0 * freedom).sqrt()
    }

    fn row(&self, name: &str) -> [Cell; 5] {
        [
            Cell::text(name),
            Cell::number(self.chi_squared, ""),
            Cell::number(self.deviations(), "sd"),
            Cell::count(self.fullest),
            Cell::count(self.emptiest),
        ]
    }
}

/// The key itself.
struct Unhashed;

impl KeyHasher for Unhashed {
    fn hash_bytes(&self, key: &[u8]) -> KeyHash {
        KeyHash(
            key.first_chunk()
                .map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_hashes_look_like_chance_and_the_key_itself_does_not() {
        let ours = [
            Spread::of(&Xxh3::new()),
            Spread::of(&SipHash13::new(SECRET)),
            Spread::of(&SipHash24::new(SECRET)),
        ];
        for spread in ours {
            assert!(spread.deviations().abs() < 4.0, "{spread:?}");
        }
        let unhashed = Spread::of(&Unhashed);
        assert_eq!((unhashed.fullest, unhashed.emptiest), (1000, 1000));
        assert!(unhashed.deviations() < -20.0, "far too even: {unhashed:?}");
    }
}
