//! The shards behind their locks.

use super::Cache;
use super::guarded::{Guarded, Writing};
use crate::policy::Policy;
use crate::primitives::{RwLockReadGuard, RwLockWriteGuard};
use core::hash::{BuildHasher, Hash};
use std::sync::PoisonError;

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    pub(super) fn write(&self, hash: u64) -> Writing<'_, K, V, P> {
        self.write_at(self.shards.home(hash))
    }

    /// The shard, for one thread. After a panic of a key's `Hash` in the middle of a change it is emptied.
    #[inline]
    pub(super) fn write_at(&self, at: usize) -> Writing<'_, K, V, P> {
        let lock = self.shards.lock(at);
        Writing::new(match lock.write() {
            Ok(guarded) => guarded,
            Err(poisoned) => {
                let repaired = self.repair(poisoned.into_inner());
                #[cfg(not(purlin_loom))]
                lock.clear_poison();
                repaired
            }
        })
    }

    #[cold]
    fn repair<'a>(
        &self,
        mut guarded: RwLockWriteGuard<'a, Guarded<K, V, P>>,
    ) -> RwLockWriteGuard<'a, Guarded<K, V, P>> {
        if guarded.is_torn() {
            guarded.shard.clear(self.new_policy(), &mut &self.budget);
        }
        guarded
    }

    /// The shard, for many threads.
    #[inline]
    pub(super) fn read(&self, hash: u64) -> RwLockReadGuard<'_, Guarded<K, V, P>> {
        self.read_at(self.shards.home(hash))
    }

    #[inline]
    pub(super) fn read_at(&self, at: usize) -> RwLockReadGuard<'_, Guarded<K, V, P>> {
        match self.shards.lock(at).read() {
            Ok(shard) => shard,
            Err(poisoned) => self.read_poisoned(at, poisoned),
        }
    }

    #[cold]
    fn read_poisoned<'a>(
        &'a self,
        at: usize,
        poisoned: PoisonError<RwLockReadGuard<'a, Guarded<K, V, P>>>,
    ) -> RwLockReadGuard<'a, Guarded<K, V, P>> {
        drop(poisoned);
        drop(self.write_at(at)); // which repairs it
        self.shards
            .lock(at)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = RwLockReadGuard<'_, Guarded<K, V, P>>> {
        (0..self.shards.count()).map(|at| self.read_at(at))
    }

    pub(super) fn new_policy(&self) -> P {
        (self.policy)(self.shards.expected(self.budget.capacity()))
    }
}
