//! A value that many threads read and few replace.

use crate::sync::{AtomicPtr, Mutex, MutexGuard, Ordering};
use alloc::sync::Arc;
use core::fmt;
use std::sync::{PoisonError, TryLockError};

/// One placement that many threads read while some thread changes it: each change makes a new one,
/// and publishes it when it is whole (read, copy, update).
///
/// A clone is a handle to the same. Readers hold snapshots, which never change under them and go
/// when the last reader lets go; so a reader that holds on to an old one holds its memory. Any
/// number of threads may call anything at any time. Placements are what it is for, alone or in a
/// [`bounded::Assigner`](crate::bounded::Assigner), but nothing depends on that.
///
/// [`update`](Self::update) clones the placement and with it the nodes: keep what cannot or should
/// not be cloned, a connection for one, in an `Arc`.
///
/// * [`load`](Self::load): a lock that is held for the time of copying or swapping a pointer, never
///   longer.
/// * [`Reader::load`]: one atomic load; it never waits for anybody.
/// * [`update`](Self::update): a clone of the placement, and the change.
///
/// ```
/// use purlin_hashring::{Member, Membership, PlacementExt, Shared, SlotTable};
///
/// let table = Shared::new(SlotTable::new(["cache-1", "cache-2"])?);
/// let mut reader = table.reader();
/// let before = table.load();
///
/// table.update(|table| table.add(Member::new("cache-3")))?;
/// assert!(reader.load().node_of("user:42").is_some());
/// assert_eq!(reader.load().roster().len(), 3);
/// assert_eq!(before.roster().len(), 2, "a snapshot stays as it is");
///
/// // What fails changes nothing.
/// let duplicate = table.update(|table| {
///     table.add(Member::new("cache-4"))?;
///     table.add(Member::new("cache-1"))
/// });
/// assert!(duplicate.is_err());
/// assert_eq!(reader.load().roster().len(), 3);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Shared<P>(Arc<State<P>>);

struct State<P> {
    address: Address<P>,
    current: Mutex<Arc<P>>,
    /// Whose turn it is to make the next snapshot.
    turn: Mutex<()>,
}

/// Where the present snapshot is. Changes under the lock of `current` only.
///
/// On a cache line of its own: readers look at it all the time, and locks and counts nearby change
/// all the time.
#[repr(align(64))]
struct Address<P>(AtomicPtr<P>);

impl<P> Shared<P> {
    /// Shares this one.
    #[must_use]
    pub fn new(first: P) -> Self {
        let first = Arc::new(first);
        Self(Arc::new(State {
            address: Address(AtomicPtr::new(Arc::as_ptr(&first).cast_mut())),
            current: Mutex::new(first),
            turn: Mutex::new(()),
        }))
    }

    /// The present snapshot.
    #[must_use]
    pub fn load(&self) -> Arc<P> {
        Arc::clone(&lock(&self.0.current))
    }

    /// For a loop or a thread that reads often.
    #[must_use]
    pub fn reader(&self) -> Reader<P> {
        Reader {
            shared: self.clone(),
            snapshot: self.load(),
        }
    }

    /// Changes a clone of the present snapshot, publishes it, and answers what `change` does.
    ///
    /// Writers take turns, so each change starts from the one before and none is lost. `change` may
    /// `load`, but not `update` or `replace` the same `Shared`: it would wait for itself.
    ///
    /// # Errors
    ///
    /// Those of `change`. Nothing is published then, nor when `change` panics.
    pub fn update<R, E>(&self, change: impl FnOnce(&mut P) -> Result<R, E>) -> Result<R, E>
    where
        P: Clone,
    {
        let turn = lock(&self.0.turn);
        let mut next = P::clone(&self.load());
        let answer = change(&mut next)?;
        let former = self.publish(next);
        drop(turn);
        // If this was the last hold on the former snapshot, it goes while nobody waits.
        drop(former);
        Ok(answer)
    }

    /// Publishes another one and answers the former.
    pub fn replace(&self, next: P) -> Arc<P> {
        let _turn = lock(&self.0.turn);
        self.publish(next)
    }

    fn publish(&self, next: P) -> Arc<P> {
        let next = Arc::new(next);
        let mut current = lock(&self.0.current);
        // ORDERING: see `Reader::load`.
        let address = Arc::as_ptr(&next).cast_mut();
        self.0.address.0.store(address, Ordering::Relaxed);
        core::mem::replace(&mut *current, next)
    }

    fn try_load(&self) -> Option<Arc<P>> {
        match self.0.current.try_lock() {
            Ok(current) => Some(Arc::clone(&current)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Arc::clone(&poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Behind neither lock is anything ever half-done: a pointer, or nothing. So a poisoned one is as
/// good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Another handle to the same.
impl<P> Clone for Shared<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: fmt::Debug> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.load()).finish()
    }
}

/// Reads a [`Shared`] in a hot loop. Each thread has its own; made by [`Shared::reader`].
///
/// It holds the snapshot it saw last, and with it that snapshot's memory, until its next
/// [`load`](Self::load).
pub struct Reader<P> {
    shared: Shared<P>,
    snapshot: Arc<P>,
}

impl<P> Reader<P> {
    /// The present snapshot; or the one seen before, if at this very moment somebody holds the lock
    /// to copy or swap a pointer.
    ///
    /// One atomic load and a comparison while nothing is published, and it never waits. Snapshots
    /// never go back in time. Who must see a publication that it knows to have happened calls
    /// [`Shared::load`].
    #[inline]
    pub fn load(&mut self) -> &P {
        // While this reader holds its snapshot no other can have its address: equal means the same.
        //
        // ORDERING: the address is compared and not followed. What it stands for is taken under the
        // lock.
        let newest = self.shared.0.address.0.load(Ordering::Relaxed);
        if !core::ptr::eq(newest, Arc::as_ptr(&self.snapshot)) {
            self.catch_up();
        }
        &self.snapshot
    }

    #[cold]
    fn catch_up(&mut self) {
        if let Some(newest) = self.shared.try_load() {
            self.snapshot = newest;
        }
    }
}

impl<P> Clone for Reader<P> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            snapshot: Arc::clone(&self.snapshot),
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for Reader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.snapshot).finish()
    }
}

#[cfg(all(test, not(purlin_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reader_does_not_wait_for_the_lock() {
        let shared = Shared::new(1);
        let mut reader = shared.reader();
        shared.replace(2);
        let held = lock(&shared.0.current);
        assert_eq!(*reader.load(), 1, "goes on with what it has");
        drop(held);
        assert_eq!(*reader.load(), 2);
    }
}
