#[cfg(feature = "async")]
use super::future::Tasks;
use crate::primitives::{Condvar, Mutex, MutexGuard, ThreadId, current};
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use std::sync::PoisonError;

/// An error of whatever type the leader's loader has.
pub(crate) type SharedError = Arc<dyn Any + Send + Sync>;

/// How a flight ended.
#[derive(Clone)]
pub(crate) enum Outcome<V> {
    /// With a value: what was loaded, or what was inserted meanwhile.
    Loaded(V),
    /// Without one, by no fault: a computation that removed, a bulk load that did not bring this key.
    Absent,
    /// With the loader's error.
    Failed(SharedError),
    /// With a panic of the loader.
    Panicked,
    /// Nobody who could drive it wanted it any more.
    #[cfg(feature = "async")]
    Cancelled,
}

/// One load under way, shared by its leader and its waiters.
///
/// It is registered, superseded and landed under the lock of its key's shard; its own lock is taken last
/// and guards no code of the user but the `Clone` of a value.
pub(crate) struct Flight<V> {
    pub(super) state: Mutex<State<V>>,
    landed: Condvar,
}

pub(super) struct State<V> {
    pub(super) outcome: Option<Outcome<V>>,
    /// The thread that the load runs in, right now.
    pub(super) leader: Option<ThreadId>,
    #[cfg(feature = "async")]
    pub(super) tasks: Tasks<V>,
}

impl<V> Flight<V> {
    /// Led by this thread.
    pub(crate) fn led_here() -> Self {
        Self::new(State {
            outcome: None,
            leader: Some(current().id()),
            #[cfg(feature = "async")]
            tasks: Tasks::none(),
        })
    }

    /// Led by nobody yet: see [`lead_here`](Self::lead_here).
    pub(crate) fn led_later() -> Self {
        Self::new(State {
            outcome: None,
            leader: None,
            #[cfg(feature = "async")]
            tasks: Tasks::none(),
        })
    }

    /// From now on it is led by this thread.
    pub(crate) fn lead_here(&self) {
        self.lock().leader = Some(current().id());
    }

    pub(super) fn new(state: State<V>) -> Self {
        Self {
            state: Mutex::new(state),
            landed: Condvar::new(),
        }
    }

    /// Ends the flight, unless it has ended. [`announce`](Self::announce) it when the shard's lock is gone.
    pub(crate) fn land(&self, outcome: Outcome<V>) {
        let mut state = self.lock();
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
        }
    }

    /// Ends it with a value. Returns the value that it ended with: another one if it was superseded.
    pub(crate) fn land_value(&self, value: V) -> V
    where
        V: Clone,
    {
        let mut state = self.lock();
        if let Some(Outcome::Loaded(other)) = &state.outcome {
            return other.clone();
        }
        state.outcome = Some(Outcome::Loaded(value.clone()));
        value
    }

    /// Wakes everybody who waits for a flight that has landed. It runs wakers, and drops a future that is not
    /// needed any more: to be called outside of all locks.
    pub(crate) fn announce(&self) {
        #[cfg(feature = "async")]
        let left = {
            let mut state = self.lock();
            if state.outcome.is_none() {
                return;
            }
            state.tasks.dismiss()
        };
        self.landed.notify_all();
        #[cfg(feature = "async")]
        left.wake();
    }

    /// What it landed with, if that was a value.
    pub(crate) fn value(&self) -> Option<V>
    where
        V: Clone,
    {
        match &self.lock().outcome {
            Some(Outcome::Loaded(value)) => Some(value.clone()),
            _ => None,
        }
    }

    /// The thread that the load runs in, if it runs and has not landed.
    pub(crate) fn leader(&self) -> Option<ThreadId> {
        let state = self.lock();
        state.leader.filter(|_| state.outcome.is_none())
    }

    /// Blocks until it has landed.
    pub(super) fn wait(&self) -> Outcome<V>
    where
        V: Clone,
    {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            state = self
                .landed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A panic of a value's `Clone` leaves the state whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> fmt::Debug for Flight<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}
