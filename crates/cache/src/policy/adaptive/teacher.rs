//! How policies share what they learn: behind a lock that nobody waits for where there are threads, and
//! not at all where there are none.

use super::learner::Learner;
use super::queues::Rule;

#[cfg(feature = "std")]
pub(super) use shared::Teacher;
#[cfg(not(feature = "std"))]
pub(super) use single::Teacher;

#[cfg(feature = "std")]
mod shared {
    use super::{Learner, Rule};
    use alloc::sync::Arc;
    use core::sync::atomic::{AtomicU8, Ordering};
    use std::sync::{Mutex, PoisonError};

    /// A learner for all shards of a cache.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Teacher(Arc<Inner>);

    #[derive(Debug)]
    struct Inner {
        ruling: AtomicU8,
        learner: Mutex<Learner>,
    }

    impl Teacher {
        pub(in super::super) fn new(learner: Learner) -> Self {
            Self(Arc::new(Inner {
                ruling: AtomicU8::new(learner.ruling()),
                learner: Mutex::new(learner),
            }))
        }

        pub(in super::super) fn mask(&self) -> u64 {
            let learner = self.0.learner.lock();
            learner.unwrap_or_else(PoisonError::into_inner).mask()
        }

        pub(in super::super) fn rule(&self) -> Rule {
            Learner::rule(self.0.ruling.load(Ordering::Relaxed))
        }

        /// Of requests at once one is looked at: a sample of the sample.
        pub(in super::super) fn observe(&self, hash: u64) {
            if let Ok(mut learner) = self.0.learner.try_lock()
                && learner.observe(hash)
            {
                // ORDERING: a hint; whoever sees it late follows the old rule a little longer.
                self.0.ruling.store(learner.ruling(), Ordering::Relaxed);
            }
        }
    }
}

#[cfg(not(feature = "std"))]
mod single {
    use super::{Learner, Rule};

    /// A learner for one policy.
    #[derive(Debug)]
    pub(in super::super) struct Teacher(Learner);

    impl Teacher {
        pub(in super::super) fn new(learner: Learner) -> Self {
            Self(learner)
        }

        pub(in super::super) fn mask(&self) -> u64 {
            self.0.mask()
        }

        pub(in super::super) fn rule(&self) -> Rule {
            Learner::rule(self.0.ruling())
        }

        pub(in super::super) fn observe(&mut self, hash: u64) {
            self.0.observe(hash);
        }
    }
}
