//! Whose turn it is.
//!
//! The limiter says when a waiter's slot comes; every waiter has a timer for that. The queue only
//! sees to it that those whose timers went off in another order, or late, still go in the order of
//! their slots. The first in it never sleeps here: it comes by its own timer, or was woken when it
//! became the first. So an entry holds a waker only while earlier ones are awaited.

use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use alloc::collections::BTreeMap;
use core::fmt;
use core::task::Waker;
use purlin_core::time::Instant;
use std::sync::PoisonError;

/// The waiters of one limiter by their slots.
pub(super) struct Queue {
    /// How many wait: to know without the lock that nobody does.
    waiting: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// With a waker where the slot has come and an earlier one is awaited.
    entries: BTreeMap<Place, Option<Waker>>,
    entered: u64,
}

/// A place in the queue: the slot, and among equal slots the order of coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    ready: Instant,
    number: u64,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            waiting: AtomicU64::new(0),
            inner: Mutex::new(Inner::default()),
        }
    }

    /// Whether nobody waits who came before this call.
    pub(super) fn is_empty(&self) -> bool {
        // ORDERING: nothing is read because of it. Who entered before, in the order of
        // happens-before, is seen; who enters meanwhile is in no order to us.
        self.waiting.load(Ordering::Relaxed) == 0
    }

    pub(super) fn enter(&self, ready: Instant) -> Place {
        let mut inner = self.lock();
        let number = inner.entered;
        inner.entered += 1;
        let place = Place { ready, number };
        inner.entries.insert(place, None);
        self.count(&inner);
        place
    }

    /// Leaves the queue if it is this place's turn; otherwise names the one that is awaited, and
    /// wakes `waker` when there is nobody before it any more. For a place whose slot has come.
    pub(super) fn turn(&self, place: Place, waker: &Waker) -> Result<(), Place> {
        // Wakers run foreign code: cloned and dropped outside of the lock.
        let waker = waker.clone();
        let mut inner = self.lock();
        let first = inner.first();
        let replaced = match inner.entries.get_mut(&place) {
            Some(entry) if first != Some(place) => entry.replace(waker),
            // The first, or one that was overtaken.
            _ => {
                self.remove(inner, place);
                return Ok(());
            }
        };
        drop(inner);
        drop(replaced);
        first.map_or(Ok(()), Err)
    }

    /// Takes out those before `place` who did not come though their slots have, if `awaited` is
    /// still the first of them: nobody came meanwhile.
    pub(super) fn overtake(&self, place: Place, awaited: Place) {
        let mut inner = self.lock();
        if inner.first() != Some(awaited) {
            return;
        }
        while let Some(first) = inner.entries.first_entry() {
            if *first.key() >= place || first.get().is_some() {
                break;
            }
            first.remove();
        }
        self.went(inner);
    }

    /// Takes a place out that is not waited for any more.
    pub(super) fn leave(&self, place: Place) {
        self.remove(self.lock(), place);
    }

    fn remove(&self, mut inner: MutexGuard<'_, Inner>, place: Place) {
        let waker = inner.entries.remove(&place);
        self.went(inner);
        drop(waker);
    }

    /// After somebody went: whoever is the first now need not sleep.
    fn went(&self, mut inner: MutexGuard<'_, Inner>) {
        let first = inner.entries.first_entry();
        let waker = first.and_then(|mut first| first.get_mut().take());
        self.count(&inner);
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn count(&self, inner: &Inner) {
        let waiting = u64::try_from(inner.entries.len()).unwrap_or(u64::MAX);
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic half-way runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self) {
        let inner = self.lock();
        let waiting = self.waiting.load(Ordering::Relaxed);
        assert_eq!(waiting, inner.entries.len() as u64);
        let first = inner.entries.values().next();
        assert!(
            first.is_none_or(Option::is_none),
            "the first in the queue sleeps, and nobody will wake it"
        );
        assert!(
            inner
                .entries
                .keys()
                .all(|place| place.number < inner.entered)
        );
    }
}

impl Inner {
    fn first(&self) -> Option<Place> {
        self.entries.keys().next().copied()
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
