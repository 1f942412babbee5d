use super::{KeyLocks, Store};
use crate::load::LoadError;
use crate::policy::{Adaptive, Policy};
use crate::sync::Cache;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;

/// A cache that loads what it does not have from a [`Store`]. See [`store`](super) for an example and for what all wrappers keep.
pub struct ReadThrough<K, V, St, P = Adaptive, S = RandomState> {
    pub(super) cache: Cache<K, V, P, S>,
    pub(super) store: St,
    pub(super) locks: KeyLocks<K>,
}

/// Why a load brought no value.
enum Missing<E> {
    /// The store has none.
    Absent,
    Failed(Arc<E>),
}

impl<K, V, St, P, S> ReadThrough<K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// This cache in front of this store. The cache should be empty, or agree with the store.
    #[must_use]
    pub fn new(cache: Cache<K, V, P, S>, store: St) -> Self {
        let locks = KeyLocks::new();
        Self {
            cache,
            store,
            locks,
        }
    }

    /// The value of a key, from the cache or else from the store; none if the store has none. Blocks while it is loaded.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get_with`]: the store failed for whoever loaded it.
    pub fn get(&self, key: &K) -> Result<Option<V>, LoadError<St::Error>> {
        self.get_or(key, || {
            let _locked = self.locks.lock(key);
            self.store.load(key)
        })
    }

    /// The same with another way to load.
    pub(super) fn get_or(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<Option<V>, St::Error>,
    ) -> Result<Option<V>, LoadError<St::Error>> {
        if let Some(value) = self.cache.get(key) {
            return Ok(Some(value));
        }
        let loaded = self.cache.try_load(key.clone(), || match load() {
            Ok(found) => found.ok_or(Missing::Absent),
            Err(error) => Err(Missing::Failed(Arc::new(error))),
        });
        match loaded {
            Ok(value) => Ok(Some(value)),
            Err(LoadError::Failed(missing)) => match &*missing {
                Missing::Absent => Ok(None),
                Missing::Failed(error) => Err(LoadError::Failed(Arc::clone(error))),
            },
            Err(LoadError::Panicked) => Err(LoadError::Panicked),
            Err(LoadError::Reentrant) => Err(LoadError::Reentrant),
        }
    }

    /// The values of many keys, in their order; what is not in the cache is loaded by one
    /// [`load_many`](Store::load_many).
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get_all_with`].
    ///
    /// # Panics
    ///
    /// If `load_many` does not answer for each key.
    pub fn get_many(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<V>>, LoadError<St::Error>> {
        self.cache.try_get_all_with(keys, |missing| {
            let _locked = self.locks.lock_all(missing);
            let values = self.store.load_many(missing)?;
            assert_eq!(values.len(), missing.len(), "a value or none for each key");
            let found = missing.iter().cloned().zip(values);
            Ok(found
                .filter_map(|(key, value)| Some((key, value?)))
                .collect::<Vec<_>>())
        })
    }

    /// Takes a key out of the cache, so that the next read asks the store: for who learns that the store was changed by others.
    /// What is being loaded does not enter the cache any more. Returns whether the key was in the cache.
    pub fn invalidate(&self, key: &K) -> bool {
        self.cache.invalidate(key)
    }

    /// The cache.
    pub const fn cache(&self) -> &Cache<K, V, P, S> {
        &self.cache
    }

    /// The store.
    pub const fn store(&self) -> &St {
        &self.store
    }
}

impl<K, V, St, P, S> fmt::Debug for ReadThrough<K, V, St, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadThrough")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
