//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.

#[cfg(not(purlin_loom))]
mod real {
    pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    use alloc::sync::Arc;

    /// A pointer that many read, without waiting, and few replace.
    #[derive(Debug)]
    pub(crate) struct Swap<T>(arc_swap::ArcSwap<T>);

    /// What was read.
    pub(crate) type Loaded<T> = arc_swap::Guard<Arc<T>>;

    impl<T> Swap<T> {
        pub(crate) fn new(first: T) -> Self {
            Self(arc_swap::ArcSwap::from_pointee(first))
        }

        #[inline]
        pub(crate) fn load(&self) -> Loaded<T> {
            self.0.load()
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            self.0.load_full()
        }

        pub(crate) fn store(&self, next: T) {
            self.0.store(Arc::new(next));
        }
    }
}

#[cfg(purlin_loom)]
mod real {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    use alloc::sync::Arc;

    /// A lock: loom knows nothing of `arc-swap`, which has its own tests.
    #[derive(Debug)]
    pub(crate) struct Swap<T>(Mutex<Arc<T>>);

    pub(crate) type Loaded<T> = Arc<T>;

    impl<T> Swap<T> {
        pub(crate) fn new(first: T) -> Self {
            Self(Mutex::new(Arc::new(first)))
        }

        pub(crate) fn load(&self) -> Loaded<T> {
            Arc::clone(&super::lock(&self.0))
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            self.load()
        }

        pub(crate) fn store(&self, next: T) {
            *super::lock(&self.0) = Arc::new(next);
        }
    }
}

pub(crate) use real::*;

/// Behind no lock of this crate is anything half-done when its holder panics: a poisoned one is as
/// good.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for who does not wait.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}
