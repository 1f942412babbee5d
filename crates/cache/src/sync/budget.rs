use crate::shard::Budget;
use core::sync::atomic::{AtomicU64, Ordering};

/// The budget of all shards together, on a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct SharedBudget {
    used: AtomicU64,
    capacity: AtomicU64,
}

impl SharedBudget {
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            capacity: AtomicU64::new(capacity),
        }
    }

    #[inline]
    pub(super) fn capacity(&self) -> u64 {
        self.capacity.load(Ordering::Relaxed)
    }

    pub(super) fn set_capacity(&self, capacity: u64) {
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    /// Whether more is in use than there is, as after the capacity has shrunk.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.capacity()
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn left(&self) -> u64 {
        self.capacity()
            .saturating_sub(self.used.load(Ordering::Relaxed))
    }
}

impl Budget for &SharedBudget {
    #[inline]
    fn take(&mut self, weight: u64) -> bool {
        // ORDERING: the number is all there is; entries are handed over by the shards' locks.
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(weight)
                    .filter(|sum| *sum <= self.capacity())
            });
        taken.is_ok()
    }

    #[inline]
    fn give(&mut self, weight: u64) {
        self.used.fetch_sub(weight, Ordering::Relaxed);
    }
}
