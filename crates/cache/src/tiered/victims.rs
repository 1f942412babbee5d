use crate::listener::RemovalCause;
use crate::primitives::{Mutex, MutexGuard, ThreadId, current};
use alloc::vec::Vec;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::PoisonError;

type ByThread<K, V> = HashMap<ThreadId, Vec<(K, V)>, RandomState>;

/// What leaves the first tier by operations under way. A listener runs in the thread of the operation: that is how it
/// is known whose victim it is.
pub(super) struct Victims<K, V> {
    collecting: Mutex<ByThread<K, V>>,
}

impl<K, V> Victims<K, V> {
    pub(super) fn new() -> Self {
        Self {
            collecting: Mutex::new(HashMap::default()),
        }
    }

    /// Keeps the victims of this thread, from now on.
    pub(super) fn collect(&self) -> Collecting<'_, K, V> {
        let me = current().id();
        self.lock().insert(me, Vec::new());
        Collecting { victims: self, me }
    }

    /// From the listener. What leaves for another reason, or by an operation past the pair, is dropped.
    pub(super) fn push(&self, key: &K, value: V, cause: RemovalCause)
    where
        K: Clone,
    {
        if matches!(cause, RemovalCause::Size | RemovalCause::Rejected) {
            let victim = (key.clone(), value);
            let mut collecting = self.lock();
            if let Some(victims) = collecting.get_mut(&current().id()) {
                victims.push(victim);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByThread<K, V>> {
        self.collecting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when dropped; by a panic, without victims.
pub(super) struct Collecting<'a, K, V> {
    victims: &'a Victims<K, V>,
    me: ThreadId,
}

impl<K, V> Collecting<'_, K, V> {
    pub(super) fn finish(self) -> Vec<(K, V)> {
        self.take()
    }

    fn take(&self) -> Vec<(K, V)> {
        self.victims.lock().remove(&self.me).unwrap_or_default()
    }
}

impl<K, V> Drop for Collecting<'_, K, V> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
