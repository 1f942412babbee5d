//! Flights of futures. There is no task that owns the load: whichever waiter is polled when the load can go on
//! drives it. A waiter that is never polled again, or dropped, holds nobody up.

use super::flight::State;
use super::{Flight, Outcome, SharedError};
use crate::lifetime::Life;
use crate::primitives::current;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::any::Any;
use core::pin::Pin;
use core::task::Waker;

/// A loader's future, with its error erased and the lifetime of what it brings.
pub(crate) type BoxedLoad<V> = Pin<Box<dyn Future<Output = Result<(V, Life), SharedError>> + Send>>;

/// The part of a flight that tasks have to do with.
pub(super) struct Tasks<V> {
    /// The load; not here while somebody polls it, nor where a thread loads.
    future: Option<BoxedLoad<V>>,
    /// Whether it can go on: it has been woken since it was last polled.
    ready: bool,
    /// One place for each waiting task, by the number it got when it joined.
    wakers: Vec<Option<Waker>>,
    /// Numbers of tasks that have left.
    free: Vec<usize>,
    /// How many tasks wait.
    waiting: usize,
    /// What the loader panicked with, for the one who gave it.
    panic: Option<Box<dyn Any + Send>>,
}

/// What a waiter has to do next.
pub(crate) enum Step<V> {
    /// To take this.
    Landed(Outcome<V>),
    /// To poll this, and to [`park`](Flight::park) it if it is pending.
    Drive(BoxedLoad<V>),
    /// To wait for its waker.
    Wait,
    /// To give up: it is polled by the load that it waits for.
    Reentrant,
}

/// What a flight has no use for any more. To be dropped, or woken, outside of all locks.
pub(crate) struct Dismissed<V> {
    _future: Option<BoxedLoad<V>>,
    wakers: Vec<Waker>,
}

impl<V> Dismissed<V> {
    pub(super) fn wake(self) {
        for waker in self.wakers {
            waker.wake();
        }
    }
}

impl<V> Tasks<V> {
    pub(super) const fn none() -> Self {
        Self {
            future: None,
            ready: false,
            wakers: Vec::new(),
            free: Vec::new(),
            waiting: 0,
            panic: None,
        }
    }

    pub(super) fn dismiss(&mut self) -> Dismissed<V> {
        Dismissed {
            _future: self.future.take(),
            wakers: self.take_wakers(),
        }
    }

    /// Each comes back with its waiter's next poll.
    fn take_wakers(&mut self) -> Vec<Waker> {
        self.wakers.iter_mut().filter_map(Option::take).collect()
    }

    fn seat(&mut self) -> usize {
        self.waiting += 1;
        self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        })
    }

    fn rise(&mut self, number: usize) -> Option<Waker> {
        self.waiting -= 1;
        self.free.push(number);
        self.wakers[number].take()
    }
}

impl<V> Flight<V> {
    /// Driven by its waiters, the first of which has joined as number 0.
    pub(crate) fn carrying(future: Option<BoxedLoad<V>>) -> Self {
        let mut tasks = Tasks::none();
        tasks.future = future;
        tasks.ready = true;
        tasks.seat();
        Self::new(State {
            outcome: None,
            leader: None,
            tasks,
        })
    }

    /// One more task waits. Returns its number.
    pub(crate) fn join(&self) -> usize {
        self.lock().tasks.seat()
    }

    pub(crate) fn poll(&self, number: usize, waker: &Waker) -> Step<V>
    where
        V: Clone,
    {
        // Waker and old waker are the user's code: cloned before, and dropped after, the lock is held.
        let waker = waker.clone();
        let _old;
        let mut state = self.lock();
        if let Some(outcome) = &state.outcome {
            return Step::Landed(outcome.clone());
        }
        let me = current().id();
        if state.leader == Some(me) {
            return Step::Reentrant;
        }
        _old = state.tasks.wakers[number].replace(waker);
        if !state.tasks.ready {
            return Step::Wait;
        }
        let Some(future) = state.tasks.future.take() else {
            return Step::Wait; // who polls it sees that it is ready again
        };
        state.tasks.ready = false;
        state.leader = Some(me);
        drop(state);
        Step::Drive(future)
    }

    /// Gives the load back after a poll that left it pending.
    pub(crate) fn park(&self, future: BoxedLoad<V>) {
        let mut state = self.lock();
        state.leader = None;
        if state.outcome.is_some() {
            drop(state);
            drop(future);
            return;
        }
        state.tasks.future = Some(future);
        // It was woken while it was polled. Whoever was woken with it found it gone.
        let wakers = if state.tasks.ready {
            state.tasks.take_wakers()
        } else {
            Vec::new()
        };
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A task does not wait any more. Returns false, and does nothing, if this might end the flight:
    /// [`leave_last`](Self::leave_last) does it under the shard's lock.
    pub(crate) fn try_leave(&self, number: usize) -> bool {
        let mut state = self.lock();
        let may = state.tasks.waiting > 1 || state.outcome.is_some();
        let waker = may.then(|| state.tasks.rise(number));
        drop(state);
        drop(waker);
        may
    }

    /// A task does not wait any more. If nobody is left to drive the load, the flight ends. Returns whether
    /// it does, and what to drop when the shard's lock is gone.
    pub(crate) fn leave_last(&self, number: usize) -> (bool, impl Sized + use<V>) {
        let mut state = self.lock();
        let waker = state.tasks.rise(number);
        let unmanned = state.tasks.waiting == 0 && state.outcome.is_none();
        // None where a thread loads, which goes on.
        let future = unmanned.then(|| state.tasks.future.take()).flatten();
        let cancelled = future.is_some();
        if cancelled {
            state.outcome = Some(Outcome::Cancelled);
        }
        (cancelled, (waker, future))
    }

    /// Keeps what the loader panicked with until the one who gave it asks.
    pub(crate) fn keep_panic(&self, panic: Box<dyn Any + Send>) {
        self.lock().tasks.panic = Some(panic);
    }

    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.lock().tasks.panic.take()
    }
}

/// The waker that a load is polled with.
impl<V: Send + 'static> Wake for Flight<V> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.lock();
        state.tasks.ready = true;
        if state.tasks.future.is_none() {
            return; // it is being polled, or has ended
        }
        let wakers = state.tasks.take_wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}
