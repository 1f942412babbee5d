//! The tokens at hand of the threads of one stripe.

use crate::sync::{AtomicU64, Ordering};

/// On two lines of its own: processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Stripe {
    tokens: AtomicU64,
}

impl Stripe {
    /// Takes as many, or none.
    #[inline]
    pub(super) fn take(&self, cost: u64) -> bool {
        self.change(|tokens| tokens.checked_sub(cost)).is_some()
    }

    /// Puts tokens in, up to `capacity`, and answers how many did not fit.
    pub(super) fn put(&self, tokens: u64, capacity: u64) -> u64 {
        let fit = |held: u64| tokens.min(capacity.saturating_sub(held));
        let held = self.change(|held| Some(held + fit(held)));
        tokens - held.map_or(0, fit)
    }

    pub(super) fn stock(&self) -> u64 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// What there was before, if it was changed.
    #[inline]
    fn change(&self, change: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        // ORDERING: of one word, and nothing else is read because of it.
        let mut seen = self.tokens.load(Ordering::Relaxed);
        loop {
            let next = change(seen)?;
            match self.tokens.compare_exchange_weak(
                seen,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(seen),
                Err(actual) => seen = actual,
            }
        }
    }
}
