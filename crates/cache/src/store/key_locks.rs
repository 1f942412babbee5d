use crate::primitives::{Condvar, Mutex, MutexGuard, ThreadId, current};
use core::hash::Hash;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::PoisonError;

/// A lock for each key, to be held over calls of a store. Takes memory for those that are held.
#[derive(Debug)]
pub(crate) struct KeyLocks<K> {
    held: Mutex<HashMap<K, ThreadId, RandomState>>,
    freed: Condvar,
}

impl<K: Hash + Eq + Clone> KeyLocks<K> {
    pub(crate) fn new() -> Self {
        Self {
            held: Mutex::new(HashMap::default()),
            freed: Condvar::new(),
        }
    }

    /// Blocks until no other thread has the key.
    ///
    /// # Panics
    ///
    /// If this thread has it.
    pub(crate) fn lock<'a>(&'a self, key: &'a K) -> Locked<'a, K> {
        self.lock_all(core::slice::from_ref(key))
    }

    /// Blocks until no other thread has any of the keys, and takes all at once: nobody waits with a part. No key
    /// twice.
    ///
    /// # Panics
    ///
    /// If this thread has one.
    pub(crate) fn lock_all<'a>(&'a self, keys: &'a [K]) -> Locked<'a, K> {
        let me = current().id();
        // A panic of a key's `Clone` frees what it has by then; it is dropped after the guard.
        let mut locked = Locked {
            locks: self,
            keys: &[],
        };
        let mut held = self.guard();
        while let Some(holder) = keys.iter().find_map(|key| held.get(key)) {
            assert!(*holder != me, "a key came back while it is written");
            held = self
                .freed
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        for (at, key) in keys.iter().enumerate() {
            held.insert(key.clone(), me);
            locked.keys = &keys[..=at];
        }
        drop(held);
        locked
    }

    fn guard(&self) -> MutexGuard<'_, HashMap<K, ThreadId, RandomState>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frees the keys when dropped.
pub(crate) struct Locked<'a, K: Hash + Eq + Clone> {
    locks: &'a KeyLocks<K>,
    keys: &'a [K],
}

impl<K: Hash + Eq + Clone> Drop for Locked<'_, K> {
    fn drop(&mut self) {
        let mut held = self.locks.guard();
        for key in self.keys {
            held.remove(key);
        }
        drop(held);
        self.locks.freed.notify_all();
    }
}
