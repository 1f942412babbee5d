//! Is a random number below a bound unbiased?

use purlin_core::random::{Random, RandomExt as _, Xoshiro256PlusPlus};

use crate::table::{Cell, Table};

/// Three quarters of the range of `u64`: where a plain remainder is at its worst, for the lowest
/// third comes up twice as often.
const BOUND: u64 = 3 << 62;
const DRAWS: u32 = 1_000_000;

/// `below` beside the two shortcuts people take.
pub(super) fn table(seed: u64) -> Table {
    let columns = [
        "method",
        "in the lowest third",
        "in the middle third",
        "in the highest third",
    ];
    let mut table = Table::new("A random number below 3 x 2^62", columns);
    let methods: [(&str, Method); 3] = [
        ("RandomExt::below", |random| random.below(BOUND)),
        ("remainder: next % bound", |random| {
            random.next_u64() % BOUND
        }),
        ("product: (next x bound) >> 64", multiply_high),
    ];
    for (name, method) in methods {
        let [low, middle, high] =
            thirds(method, seed).map(|share| Cell::number(100.0 * share, "%"));
        table.push([Cell::text(name), low, middle, high]);
    }
    table.note(
        "A million draws each; every third should have 33.33 % ± 0.05 (one standard deviation). The remainder gives the lowest third half of all draws; the \
         product hides its bias from this test, but one value in three comes up twice as often as its neighbours.",
    )
}

type Method = fn(&mut Xoshiro256PlusPlus) -> u64;

fn multiply_high(random: &mut Xoshiro256PlusPlus) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(BOUND)) >> 64) as u64
}

fn thirds(method: Method, seed: u64) -> [f64; 3] {
    let mut random = Xoshiro256PlusPlus::from_seed(seed);
    let mut counts = [0_u32; 3];
    for _ in 0..DRAWS {
        let third = (method(&mut random) / (BOUND / 3)) as usize;
        counts[third] += 1;
    }
    counts.map(|count| f64::from(count) / f64::from(DRAWS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_unbiased_and_the_remainder_is_not() {
        for share in thirds(|random| random.below(BOUND), 42) {
            assert!((share - 1.0 / 3.0).abs() < 0.0025, "{share}");
        }
        let [low, ..] = thirds(|random| random.next_u64() % BOUND, 42);
        assert!((low - 0.5).abs() < 0.0025, "{low}");
    }
}
