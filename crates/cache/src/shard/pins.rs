use crate::policy::Slot;
use alloc::vec::Vec;

/// Which entries may not be evicted: a bit for each slot, once one has been pinned.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Pins {
    words: Vec<u64>,
    count: usize,
}

impl Pins {
    #[inline]
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.count > 0
            && self
                .words
                .get(slot.index() / 64)
                .is_some_and(|word| word & bit(slot) != 0)
    }

    pub(crate) fn insert(&mut self, slot: Slot) {
        let word = slot.index() / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.count += usize::from(self.words[word] & bit(slot) == 0);
        self.words[word] |= bit(slot);
    }

    /// Whether it was in.
    pub(crate) fn remove(&mut self, slot: Slot) -> bool {
        let was_in = self.contains(slot);
        if was_in {
            self.words[slot.index() / 64] &= !bit(slot);
            self.count -= 1;
        }
        was_in
    }

    /// How many there are.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.count = 0;
    }
}

fn bit(slot: Slot) -> u64 {
    1 << (slot.0 % 64)
}
