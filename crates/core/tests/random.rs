//! Generators and what is drawn from them: exact where that can be computed, chi-squared with fixed
//! seeds elsewhere.
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

use core::iter;
use proptest::prelude::*;
use purlin_core::random::{Random, RandomExt, SplitMix64, Xoshiro256PlusPlus};
use std::collections::BTreeMap;

/// Gives out the words it was made of; drawing more is a failure of the test.
struct Script(Vec<u64>);

impl Script {
    fn new(words: &[u64]) -> Self {
        Self(words.iter().rev().copied().collect())
    }
}

impl Random for Script {
    fn next_u64(&mut self) -> u64 {
        self.0.pop().expect("more words were drawn than scripted")
    }
}

/// Counts outcomes that should be equally likely and returns chi-squared.
fn chi_squared<T: Ord>(draws: u32, outcomes: u32, mut draw: impl FnMut() -> T) -> f64 {
    let mut counts = BTreeMap::<T, u32>::new();
    for _ in 0..draws {
        *counts.entry(draw()).or_default() += 1;
    }
    let expected = f64::from(draws) / f64::from(outcomes);
    assert!(
        counts.len() <= outcomes as usize,
        "{} outcomes, not {outcomes}",
        counts.len()
    );
    let missing =
        f64::from(outcomes) - f64::from(u32::try_from(counts.len()).expect("checked above"));
    let off = |&count: &u32| (f64::from(count) - expected).powi(2) / expected;
    counts.values().map(off).sum::<f64>() + missing * expected
}

/// The value that chi-squared with this many degrees of freedom exceeds once in 1000 (Wilson and
/// Hilferty, 1931).
fn critical(freedom: u32) -> f64 {
    let spread = 2.0 / (9.0 * f64::from(freedom));
    f64::from(freedom) * (1.0 - spread + 3.090_232 * spread.sqrt()).powi(3)
}

/// The first of the words that `below` maps to `result`, whether rejected or not: the least `w`
/// with `w * bound >= result * 2^64`.
fn first_word(result: u128, bound: u64) -> u128 {
    (result << 64).div_ceil(u128::from(bound))
}

proptest! {
    /// Exactly uniform: of the words that map to a result, all are accepted but the first where the result has one more than its share.
    #[test]
    fn every_result_below_a_bound_has_the_same_number_of_words(
        bound in prop_oneof![1..20_u64, (0..64_u32).prop_map(|bit| 1 << bit), any::<u64>().prop_map(|b| b.max(1)), (u64::MAX - 3)..=u64::MAX],
        position in any::<u64>(),
    ) {
        let result = position % bound;
        let share = (1_u128 << 64) / u128::from(bound);
        let (first, end) = (first_word(result.into(), bound), first_word(u128::from(result) + 1, bound));
        let has_extra = end - first > share;
        prop_assert_eq!(end - first, share + u128::from(has_extra));

        let word = |word: u128| u64::try_from(word).expect("a word below 2^64");
        if has_extra {
            let mut script = Script::new(&[word(first), word(end - 1)]);
            prop_assert_eq!(script.below(bound), result);
            prop_assert!(script.0.is_empty(), "the surplus word was accepted");
        }
        let first = first + u128::from(has_extra);
        for accepted in [first, u128::midpoint(first, end - 1), end - 1] {
            prop_assert_eq!(Script::new(&[word(accepted)]).below(bound), result);
        }
    }

    #[test]
    fn f64_is_the_high_53_bits_as_a_fraction(word in any::<u64>()) {
        let drawn = Script::new(&[word]).f64();
        prop_assert!((0.0..1.0).contains(&drawn));
        // Scaling by a power of two is exact.
        let numerator = drawn * 2_f64.powi(53);
        prop_assert_eq!(format!("{numerator}"), (word >> 11).to_string());
    }

    #[test]
    fn shuffling_only_reorders(items in prop::collection::vec(any::<u8>(), 0..50), seed in any::<u64>()) {
        let mut shuffled = items.clone();
        SplitMix64::new(seed).shuffle(&mut shuffled);
        let sorted = |mut items: Vec<u8>| { items.sort_unstable(); items };
        prop_assert_eq!(sorted(shuffled), sorted(items));
    }

    #[test]
    fn samples_are_distinct_and_in_range(population in 0..60_usize, asked in 0..70_usize, seed in any::<u64>()) {
        const UNTOUCHED: usize = usize::MAX;
        let mut out = vec![UNTOUCHED; asked];
        let count = SplitMix64::new(seed).sample(population, &mut out);
        prop_assert_eq!(count, asked.min(population));
        let (sample, rest) = out.split_at(count);
        prop_assert!(rest.iter().all(|&slot| slot == UNTOUCHED));
        prop_assert!(sample.iter().all(|&index| index < population));
        let distinct: std::collections::BTreeSet<_> = sample.iter().collect();
        prop_assert_eq!(distinct.len(), count);
    }
}

#[test]
fn below_the_smallest_and_the_largest_bound() {
    for word in [0, 1, u64::MAX] {
        assert_eq!(Script::new(&[word]).below(0), 0);
        assert_eq!(Script::new(&[word]).below(1), 0);
    }
    // 2^64 mod (2^64 - 1) = 1: only the word 0 is surplus.
    assert_eq!(Script::new(&[0, 1]).below(u64::MAX), 0);
    assert_eq!(Script::new(&[u64::MAX]).below(u64::MAX), u64::MAX - 1);
}

#[test]
fn below_is_uniform() {
    let mut random = Xoshiro256PlusPlus::from_seed(1);
    for bound in [2, 3, 10, 100] {
        let chi = chi_squared(100_000, bound, || random.below(bound.into()));
        assert!(chi < critical(bound - 1), "bound {bound}: {chi}");
    }
    // A bound whose plain modulus would favour the lower third twofold.
    let bound = 3 << 62;
    let chi = chi_squared(100_000, 3, || random.below(bound) >> 62);
    assert!(chi < critical(2), "thirds: {chi}");
}

#[test]
fn f64_reaches_both_ends() {
    assert_eq!(Script::new(&[0]).f64().to_bits(), 0.0_f64.to_bits());
    assert_eq!(
        Script::new(&[u64::MAX]).f64().to_bits(),
        1.0_f64.next_down().to_bits()
    );
}

#[test]
fn all_orders_of_four_are_equally_likely() {
    let mut random = Xoshiro256PlusPlus::from_seed(2);
    let chi = chi_squared(120_000, 24, || {
        let mut items = [0, 1, 2, 3];
        random.shuffle(&mut items);
        items
    });
    assert!(chi < critical(23), "{chi}");
}

#[test]
fn shuffling_one_or_nothing_draws_nothing() {
    Script::new(&[]).shuffle::<u8>(&mut []);
    Script::new(&[]).shuffle(&mut ["one"]);
}

/// `K` of `population`: all ordered choices, of which there are `outcomes`, equally often.
fn sample_is_uniform<const K: usize>(population: usize, outcomes: u32) {
    let mut random = Xoshiro256PlusPlus::from_seed(3);
    let chi = chi_squared(outcomes * 2_000, outcomes, || {
        let mut out = [0; K];
        assert_eq!(random.sample(population, &mut out), K);
        out
    });
    assert!(chi < critical(outcomes - 1), "{K} of {population}: {chi}");
}

#[test]
fn ordered_samples_are_equally_likely_by_floyd() {
    sample_is_uniform::<1>(5, 5);
    sample_is_uniform::<2>(4, 4 * 3);
    sample_is_uniform::<2>(6, 6 * 5);
}

#[test]
fn ordered_samples_are_equally_likely_by_selection() {
    sample_is_uniform::<2>(3, 3 * 2);
    sample_is_uniform::<3>(5, 5 * 4 * 3);
    sample_is_uniform::<4>(4, 4 * 3 * 2);
}

#[test]
fn sampling_nothing_draws_nothing() {
    assert_eq!(Script::new(&[]).sample(0, &mut [7, 7]), 0);
    assert_eq!(Script::new(&[]).sample(9, &mut []), 0);
    assert_eq!(Script::new(&[]).sample(0, &mut []), 0);
}

#[test]
fn seeding_from_a_word_spreads_it_by_split_mix() {
    let mut words = SplitMix64::new(99);
    let state = [(); 4].map(|()| words.next_u64());
    let by_state = Xoshiro256PlusPlus::from_state(state).expect("not all zero");
    assert_eq!(by_state, Xoshiro256PlusPlus::from_seed(99));
    assert_eq!(Xoshiro256PlusPlus::from_state([0; 4]), None);
}

#[test]
fn mix_is_the_generator_at_a_counter() {
    let golden = 0x9e37_79b9_7f4a_7c15_u64;
    for seed in [0, 5, u64::MAX] {
        assert_eq!(
            SplitMix64::mix(golden.wrapping_add(seed)),
            SplitMix64::new(seed).next_u64()
        );
    }
}

#[cfg(target_has_atomic = "64")]
mod shared {
    use super::*;
    use purlin_core::random::SharedRandom;
    use std::collections::BTreeSet;

    #[test]
    fn one_thread_gets_the_stream_of_split_mix() {
        for seed in [0, 42, u64::MAX] {
            let (shared, mut reference) = (SharedRandom::new(seed), SplitMix64::new(seed));
            let mut owned = SharedRandom::new(seed);
            for _ in 0..1_000 {
                let expected = reference.next_u64();
                assert_eq!(shared.next_u64(), expected);
                assert_eq!(Random::next_u64(&mut owned), expected);
            }
            assert_eq!((&shared).below(u64::MAX), reference.below(u64::MAX));
        }
    }

    #[test]
    fn threads_share_the_stream_and_no_word_comes_twice() {
        const THREADS: usize = 4;
        const EACH: usize = 20_000;
        let shared = SharedRandom::new(7);
        let drawn: Vec<u64> = std::thread::scope(|scope| {
            let draw = || {
                iter::repeat_with(|| shared.next_u64())
                    .take(EACH)
                    .collect::<Vec<_>>()
            };
            let threads: Vec<_> = iter::repeat_with(|| scope.spawn(draw))
                .take(THREADS)
                .collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().expect("drawing does not panic"));
            joined.flatten().collect()
        });
        let mut stream = SplitMix64::new(7);
        let expected: BTreeSet<u64> = iter::repeat_with(|| stream.next_u64())
            .take(THREADS * EACH)
            .collect();
        assert_eq!(drawn.len(), expected.len());
        assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
