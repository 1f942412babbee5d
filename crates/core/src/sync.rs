//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.

#[cfg(not(purlin_loom))]
pub(crate) use alloc::sync::Arc;
#[cfg(not(purlin_loom))]
pub(crate) use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(purlin_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(purlin_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(purlin_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
