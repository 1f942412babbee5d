//! What `RandomExt` makes of any stream of words, against definitions that are slow and obvious.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use purlin_core::random::{Random, RandomExt, SplitMix64};
use std::collections::BTreeSet;

#[derive(Arbitrary, Debug)]
enum Draw {
    Below(u64),
    F64,
    Shuffle { len: u8 },
    Sample { population: u16, asked: u8 },
}

#[derive(Arbitrary, Debug)]
struct Input {
    /// The words of the stream; when they are used up, SplitMix64 goes on, since constant words
    /// could be rejected for ever.
    words: Vec<u64>,
    draws: Vec<Draw>,
}

/// The scripted stream. Clones repeat it, which is how the model sees the words that were used.
#[derive(Clone)]
struct Script<'a> {
    words: &'a [u64],
    then: SplitMix64,
}

impl Random for Script<'_> {
    fn next_u64(&mut self) -> u64 {
        match self.words.split_first() {
            Some((first, rest)) => {
                self.words = rest;
                *first
            }
            None => self.then.next_u64(),
        }
    }
}

impl Script<'_> {
    /// How many words of the script are left and where its continuation stands: equal after equal
    /// draws.
    fn position(&self) -> (usize, SplitMix64) {
        (self.words.len(), self.then.clone())
    }
}

/// A uniform number below `bound`: of the 2^64 words as many are rejected as the division by
/// `bound` leaves over.
fn below(words: &mut Script<'_>, bound: u64) -> u64 {
    if bound == 0 {
        words.next_u64();
        return 0;
    }
    let surplus = (1_u128 << 64) % u128::from(bound);
    loop {
        let product = u128::from(words.next_u64()) * u128::from(bound);
        if product % (1 << 64) >= surplus {
            return u64::try_from(product / (1 << 64)).expect("a word times a word has two words");
        }
    }
}

/// Fisher and Yates: from the back, each item trades places with one that is not yet settled.
fn shuffle(words: &mut Script<'_>, items: &mut [usize]) {
    let mut unsettled = items.len();
    while unsettled > 1 {
        let chosen = below(words, unsettled as u64) as usize;
        unsettled -= 1;
        items.swap(chosen, unsettled);
    }
}

fuzz_target!(|input: Input| {
    let mut random = Script {
        words: &input.words,
        then: SplitMix64::new(1),
    };
    let mut model = random.clone();
    for draw in &input.draws {
        match *draw {
            Draw::Below(bound) => {
                let drawn = random.below(bound);
                assert_eq!(drawn, below(&mut model, bound));
                assert!(drawn < bound || bound == 0);
            }
            Draw::F64 => {
                let (drawn, word) = (random.f64(), model.next_u64());
                assert!((0.0..1.0).contains(&drawn));
                assert_eq!((drawn * 2_f64.powi(53)) as u64, word / (1 << 11));
            }
            Draw::Shuffle { len } => {
                let mut items: Vec<usize> = (0..len.into()).collect();
                let mut expected = items.clone();
                random.shuffle(&mut items);
                shuffle(&mut model, &mut expected);
                assert_eq!(items, expected);
                items.sort_unstable();
                assert!(items.into_iter().eq(0..len.into()), "not a permutation");
            }
            Draw::Sample { population, asked } => {
                // Large enough for both algorithms; more would only be slower.
                let population = usize::from(population % 1_024);
                let mut out = vec![usize::MAX; asked.into()];
                let count = random.sample(population, &mut out);
                assert_eq!(count, population.min(asked.into()));
                let (sample, untouched) = out.split_at(count);
                assert!(sample.iter().all(|&index| index < population));
                assert_eq!(
                    sample.iter().collect::<BTreeSet<_>>().len(),
                    count,
                    "repeated"
                );
                assert!(untouched.iter().all(|&slot| slot == usize::MAX));
                // Which words it used is its own affair.
                model = random.clone();
            }
        }
        assert_eq!(random.position(), model.position(), "after {draw:?}");
    }
});
