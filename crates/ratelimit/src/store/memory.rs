//! A store in memory.

use super::{CasStore, Read};
use crate::sync::{Mutex, MutexGuard};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use purlin_core::time::{UnixTime, WallClock};
use std::sync::PoisonError;

/// A [`CasStore`] in the memory of this process: for tests, and to begin with. It tells the time by
/// its clock and holds at most so many keys; those whose time is over make room.
///
/// A call is O(log keys), one that has to make room O(keys).
pub struct MemoryStore<C> {
    clock: C,
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: BTreeMap<Vec<u8>, Entry>,
    /// Of all keys, so that no version comes twice.
    version: u64,
}

struct Entry {
    version: u64,
    value: Vec<u8>,
    until: UnixTime,
}

/// There is no room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is full")]
pub struct StoreFull;

impl<C: WallClock> MemoryStore<C> {
    /// An empty store for `capacity` keys.
    #[must_use]
    pub fn new(clock: C, capacity: usize) -> Self {
        let entries = Mutex::new(Entries::default());
        Self {
            clock,
            capacity,
            entries,
        }
    }

    /// How many keys there are whose time is not over. O(keys).
    #[must_use]
    pub fn len(&self) -> usize {
        let now = self.clock.unix_now();
        let entries = self.lock();
        let mut live = 0;
        for entry in entries.by_key.values() {
            live += usize::from(entry.until > now);
        }
        live
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A panic under the lock leaves the map whole.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: WallClock> CasStore for MemoryStore<C> {
    type Version = u64;
    type Error = StoreFull;

    fn get(&self, key: &[u8]) -> Result<Read<u64>, StoreFull> {
        let now = self.clock.unix_now();
        let entries = self.lock();
        let entry = entries.by_key.get(key).filter(|entry| entry.until > now);
        let entry = entry.map(|entry| (entry.version, entry.value.clone()));
        let now = Some(now);
        Ok(Read { entry, now })
    }

    fn swap(
        &self,
        key: &[u8],
        expected: Option<&u64>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreFull> {
        let now = self.clock.unix_now();
        let mut entries = self.lock();
        let there = entries.by_key.get(key).filter(|entry| entry.until > now);
        if there.map(|entry| &entry.version) != expected {
            return Ok(false);
        }
        if entries.by_key.len() >= self.capacity && !entries.by_key.contains_key(key) {
            entries.by_key.retain(|_, entry| entry.until > now);
            if entries.by_key.len() >= self.capacity {
                return Err(StoreFull);
            }
        }
        entries.version += 1;
        let entry = Entry {
            version: entries.version,
            value: value.to_vec(),
            until: now.saturating_add(ttl),
        };
        entries.by_key.insert(key.to_vec(), entry);
        Ok(true)
    }
}

impl<C: fmt::Debug> fmt::Debug for MemoryStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("clock", &self.clock)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
