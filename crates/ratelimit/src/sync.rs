//! The synchronisation primitives, or loom's stand-ins for them under cfg `purlin_loom`.

#[cfg(target_has_atomic = "64")]
use core::convert::Infallible;

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

/// Changes a word in one step, or leaves it as it is where `update` fails. When another thread was
/// faster, it is asked again, for what the word is by then.
#[cfg(target_has_atomic = "64")]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "calls and returns cost a third of a decision"
)]
pub(crate) fn try_update<R, E>(
    word: &AtomicU64,
    mut update: impl FnMut(&mut u64) -> Result<R, E>,
) -> Result<R, E> {
    // ORDERING: the word is all there is, nothing else is read because of it; the order of changes of
    // one word is total.
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let mut next = seen;
        let result = update(&mut next)?;
        if next == seen {
            return Ok(result);
        }
        match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Ok(result),
            Err(actual) => seen = actual,
        }
    }
}

/// The same for what cannot fail.
#[cfg(target_has_atomic = "64")]
#[inline]
pub(crate) fn update<R>(word: &AtomicU64, mut update: impl FnMut(&mut u64) -> R) -> R {
    let Ok(result) = try_update(word, |word| Ok::<R, Infallible>(update(word)));
    result
}

/// Lets the others go on, for an instant.
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) fn spin() {
    #[cfg(purlin_loom)]
    loom::thread::yield_now();
    #[cfg(not(purlin_loom))]
    core::hint::spin_loop();
}
