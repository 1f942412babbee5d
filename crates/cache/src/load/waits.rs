use super::{Flight, Outcome};
use crate::primitives::{Mutex, MutexGuard, ThreadId, current};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::PoisonError;

/// Which thread of a cache is blocked on which flight: to see who would wait for himself.
#[derive(Debug)]
pub(crate) struct Waits<V> {
    blocked: Mutex<Vec<(ThreadId, Arc<Flight<V>>)>>,
}

impl<V> Waits<V> {
    pub(crate) fn new() -> Self {
        Self {
            blocked: Mutex::new(Vec::new()),
        }
    }

    /// Blocks until the flight has landed. `None`, at once, if that would be never because its leader waits,
    /// directly or through others, for this thread.
    pub(crate) fn wait(&self, flight: &Arc<Flight<V>>) -> Option<Outcome<V>>
    where
        V: Clone,
    {
        let me = current().id();
        let mut blocked = self.lock();
        if closes_circle(&blocked, me, flight) {
            return None;
        }
        blocked.push((me, Arc::clone(flight)));
        drop(blocked);
        let _here = Blocked { waits: self, me };
        Some(flight.wait())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ThreadId, Arc<Flight<V>>)>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Registered as waiting, also while a value's `Clone` panics.
struct Blocked<'a, V> {
    waits: &'a Waits<V>,
    me: ThreadId,
}

impl<V> Drop for Blocked<'_, V> {
    fn drop(&mut self) {
        let mut blocked = self.waits.lock();
        // The flight may be the last of its kind, with a value in it: it is dropped after the lock.
        let at = blocked.iter().position(|(thread, _)| *thread == self.me);
        let _flight = at.map(|at| blocked.swap_remove(at));
        drop(blocked);
    }
}

/// Whether `me`, waiting for this flight, would wait for itself. Each waits for one flight, and each flight
/// for one thread, so it is a walk along a chain, which has no circle yet.
fn closes_circle<'a, V>(
    blocked: &'a [(ThreadId, Arc<Flight<V>>)],
    me: ThreadId,
    mut flight: &'a Arc<Flight<V>>,
) -> bool {
    for _ in 0..=blocked.len() {
        // One that has landed holds nobody up, though its waiters may not have woken yet.
        let Some(leader) = flight.leader() else {
            return false;
        };
        if leader == me {
            return true;
        }
        let Some((_, next)) = blocked.iter().find(|(thread, _)| *thread == leader) else {
            return false;
        };
        flight = next;
    }
    false
}
