use crate::policy::Slot;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

/// A small counter for each slot, which the hits of many threads raise. One byte a slot.
#[derive(Debug, Default)]
pub(crate) struct Counters(Vec<AtomicU8>);

impl Counters {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets the counter of a slot; the array grows as far as it must.
    pub(crate) fn set(&mut self, slot: Slot, count: u8) {
        if self.0.len() <= slot.index() {
            self.0.resize_with(slot.index() + 1, AtomicU8::default);
        }
        *self.0[slot.index()].get_mut() = count;
    }

    pub(crate) fn get(&self, slot: Slot) -> u8 {
        self.0[slot.index()].load(Ordering::Relaxed)
    }

    /// Adds one, up to `most`. Of two threads that do so at once, one may go uncounted: a count is a
    /// hint and no sum, and a store is cheaper than an exchange, and there on every target.
    #[inline]
    pub(crate) fn raise(&self, slot: Slot, most: u8) {
        let counter = &self.0[slot.index()];
        // ORDERING: the byte stands for nothing but itself.
        let count = counter.load(Ordering::Relaxed);
        // A full counter is not written, so that the cache lines of hot entries stay with all cores.
        if count < most {
            counter.store(count + 1, Ordering::Relaxed);
        }
    }

    /// Takes one off; `false` when there was none.
    pub(crate) fn lower(&mut self, slot: Slot) -> bool {
        let count = self.0[slot.index()].get_mut();
        let some = *count > 0;
        *count = count.saturating_sub(1);
        some
    }
}

impl Clone for Counters {
    fn clone(&self) -> Self {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Self(counts.map(AtomicU8::new).collect())
    }
}
