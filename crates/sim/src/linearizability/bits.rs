//! Sets of small numbers that are mostly a full prefix, a few stragglers, and nothing after.

const WORD: usize = u64::BITS as usize;

/// A set of numbers below a fixed bound.
///
/// It knows where its full prefix ends and where its empty tail begins, so that
/// [`trimmed`](Self::trimmed) costs no more than the part between.
#[derive(Debug)]
pub(super) struct Bits {
    words: Vec<u64>,
    /// All words before this one are full.
    full: usize,
    /// All words from this one on are empty.
    end: usize,
    len: usize,
}

impl Bits {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            words: vec![0; bound.div_ceil(WORD)],
            full: 0,
            end: 0,
            len: 0,
        }
    }

    /// How many numbers are in the set.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds `number`, which must not be in the set.
    pub(super) fn insert(&mut self, number: usize) {
        self.len += 1;
        let word = number / WORD;
        self.words[word] |= 1 << (number % WORD);
        self.end = self.end.max(word + 1);
        while self.full < self.end && self.words[self.full] == u64::MAX {
            self.full += 1;
        }
    }

    /// Takes out `number`, which must be in the set.
    pub(super) fn remove(&mut self, number: usize) {
        self.len -= 1;
        let word = number / WORD;
        self.words[word] &= !(1 << (number % WORD));
        self.full = self.full.min(word);
        while self.end > 0 && self.words[self.end - 1] == 0 {
            self.end -= 1;
        }
    }

    pub(super) fn trimmed(&self) -> Trimmed {
        Trimmed {
            full: self.full,
            words: self.words[self.full..self.end].into(),
        }
    }
}

/// A frozen [`Bits`] without its full prefix and its empty tail. Equal sets are equal values.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Trimmed {
    /// How many full words come first.
    full: usize,
    words: Box<[u64]>,
}

impl Trimmed {
    pub(super) fn is_subset(&self, other: &Self) -> bool {
        // Whatever is below `other.full` is in `other`.
        (other.full..self.end()).all(|index| self.word(index) & !other.word(index) == 0)
    }

    fn end(&self) -> usize {
        self.full + self.words.len()
    }

    fn word(&self, index: usize) -> u64 {
        match index.checked_sub(self.full) {
            None => u64::MAX,
            Some(rest) => self.words.get(rest).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{Bits, Trimmed};

    fn bits(numbers: &HashSet<usize>) -> Trimmed {
        let mut bits = Bits::new(300);
        for &number in numbers {
            bits.insert(number);
        }
        bits.trimmed()
    }

    /// A full prefix and some numbers around its end, as in a search.
    fn numbers() -> impl Strategy<Value = HashSet<usize>> {
        let extra = proptest::collection::hash_set(0..300_usize, 0..6);
        (0..260_usize, extra).prop_map(|(prefix, extra)| (0..prefix).chain(extra).collect())
    }

    proptest! {
        #[test]
        fn subsets_are_those_of_sets(a in numbers(), b in numbers(), cut in 0..300_usize) {
            prop_assert_eq!(bits(&a).is_subset(&bits(&b)), a.is_subset(&b));
            let part: HashSet<_> = a.iter().copied().filter(|&number| number != cut).collect();
            prop_assert!(bits(&part).is_subset(&bits(&a)));
            prop_assert_eq!(bits(&a).is_subset(&bits(&part)), a == part);
        }

        #[test]
        fn the_way_does_not_matter(a in numbers(), b in numbers()) {
            let mut way = Bits::new(300);
            for &number in a.union(&b) {
                way.insert(number);
            }
            for &number in b.difference(&a) {
                way.remove(number);
            }
            prop_assert_eq!(way.trimmed(), bits(&a));
            prop_assert_eq!(way.len(), a.len());
        }
    }

    #[test]
    fn only_the_middle_is_kept() {
        let straggler: HashSet<_> = (0..256).filter(|&number| number != 130).collect();
        let trimmed = bits(&straggler);
        assert_eq!((trimmed.full, trimmed.words.len()), (2, 2));
        assert_eq!(bits(&HashSet::new()).words.len(), 0);
        assert_eq!(bits(&(0..256).collect()).words.len(), 0);
    }
}
