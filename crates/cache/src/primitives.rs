//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.

#[cfg(not(purlin_loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(purlin_loom))]
pub(crate) use std::thread::{ThreadId, current};

#[cfg(purlin_loom)]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
#[cfg(purlin_loom)]
pub(crate) use loom::thread::{ThreadId, current};
