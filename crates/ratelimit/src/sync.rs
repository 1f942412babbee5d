//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.

#[cfg(all(target_has_atomic = "64", not(purlin_loom)))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(all(target_has_atomic = "64", not(purlin_loom)))]
pub(crate) use core::sync::atomic::Ordering;
#[cfg(all(feature = "std", not(purlin_loom)))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

#[cfg(all(target_has_atomic = "64", purlin_loom))]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(all(target_has_atomic = "64", purlin_loom))]
pub(crate) use loom::sync::atomic::Ordering;
#[cfg(all(feature = "std", purlin_loom))]
pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// Lets the others go on, for an instant.
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) fn spin() {
    #[cfg(purlin_loom)]
    loom::thread::yield_now();
    #[cfg(not(purlin_loom))]
    core::hint::spin_loop();
}
