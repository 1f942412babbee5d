//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.
//!
//! Reference counts are not among them: the protocols here do not rest on their order.

#[cfg(all(feature = "std", not(purlin_loom)))]
pub(crate) use core::sync::atomic::AtomicPtr;
#[cfg(not(purlin_loom))]
pub(crate) use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(all(feature = "std", not(purlin_loom)))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(purlin_loom)]
pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(all(feature = "std", purlin_loom))]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicPtr};
