use crate::policy::Slot;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// A value for each slot that has been set.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerSlot<T>(Vec<T>);

impl<T: Copy> PerSlot<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Grows as far as it must; the slots between have the same value until they are set.
    pub(crate) fn set(&mut self, slot: Slot, value: T) {
        match self.0.get_mut(slot.index()) {
            Some(place) => *place = value,
            None => self.0.resize(slot.index() + 1, value),
        }
    }
}

impl<T> Index<Slot> for PerSlot<T> {
    type Output = T;

    fn index(&self, slot: Slot) -> &T {
        &self.0[slot.index()]
    }
}

impl<T> IndexMut<Slot> for PerSlot<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        &mut self.0[slot.index()]
    }
}
