//! A number that is set now and then and read all the time.

use crate::sync::{AtomicU64, Ordering};

/// A number that writers, in turn, set, and picks read. A clone begins with the same number.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

// ORDERING: relaxed. Nothing else is read on the strength of a gauge; a pick that sees it late picks
// as if it had come earlier.

impl Gauge {
    pub(crate) fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl Clone for Gauge {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}
