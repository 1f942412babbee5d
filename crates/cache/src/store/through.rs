use super::{Change, ReadThrough, Store};
use crate::policy::{Adaptive, Policy};
use crate::sync::Cache;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem::ManuallyDrop;
use core::ops::Deref;
use foldhash::fast::RandomState;

/// A cache that writes to its [`Store`] first, then keeps the value. Reads are those of [`ReadThrough`], which this
/// dereferences to.
///
/// A write holds the lock of its key over both steps, so that writes of a key reach the store and the cache in the same order; where a
/// store call fails or panics, the key leaves the cache. So, when no write is under way, an entry has
/// the value that the store got from the last write through this wrapper.
///
/// # Examples
///
/// ```
/// use purlin_cache::store::{Store, WriteThrough};
/// use purlin_cache::sync::Cache;
/// # use std::{collections::HashMap, sync::Mutex};
/// # #[derive(Default)]
/// # struct Table(Mutex<HashMap<u32, u32>>);
/// # impl Store<u32, u32> for Table {
/// #     type Error = &'static str;
/// #     fn load(&self, key: &u32) -> Result<Option<u32>, Self::Error> {
/// #         Ok(self.0.lock().unwrap().get(key).copied())
/// #     }
/// #     fn store(&self, key: &u32, value: &u32) -> Result<(), Self::Error> {
/// #         if *value == 0 { return Err("zero is not allowed") }
/// #         self.0.lock().unwrap().insert(*key, *value);
/// #         Ok(())
/// #     }
/// #     fn remove(&self, key: &u32) -> Result<(), Self::Error> {
/// #         self.0.lock().unwrap().remove(key);
/// #         Ok(())
/// #     }
/// # }
/// let stock = WriteThrough::new(Cache::new(100), Table::default());
/// stock.insert(7, 3)?;
/// assert_eq!(stock.store().load(&7)?, Some(3));
/// assert_eq!(stock.insert(7, 0), Err("zero is not allowed"));
/// assert!(!stock.cache().contains_key(&7));
/// assert_eq!(stock.get(&7).unwrap(), Some(3)); // the store has the last word
/// # Ok::<_, &str>(())
/// ```
pub struct WriteThrough<K, V, St, P = Adaptive, S = RandomState>(ReadThrough<K, V, St, P, S>);

/// A cache that writes to its [`Store`] past the cache: for values that are seldom read soon. Reads are those of
/// [`ReadThrough`], which this dereferences to.
///
/// A write takes the key out of the cache when the store call is over, whether that succeeds or not, and supersedes what
/// is being loaded. So nothing older than a finished write is found.
///
/// # Examples
///
/// ```
/// use purlin_cache::store::{Store, WriteAround};
/// use purlin_cache::sync::Cache;
/// # use std::{collections::HashMap, sync::Mutex};
/// # #[derive(Default)]
/// # struct Table(Mutex<HashMap<u32, u32>>);
/// # impl Store<u32, u32> for Table {
/// #     type Error = core::convert::Infallible;
/// #     fn load(&self, key: &u32) -> Result<Option<u32>, Self::Error> {
/// #         Ok(self.0.lock().unwrap().get(key).copied())
/// #     }
/// #     fn store(&self, key: &u32, value: &u32) -> Result<(), Self::Error> {
/// #         self.0.lock().unwrap().insert(*key, *value);
/// #         Ok(())
/// #     }
/// #     fn remove(&self, key: &u32) -> Result<(), Self::Error> {
/// #         self.0.lock().unwrap().remove(key);
/// #         Ok(())
/// #     }
/// # }
/// let logs = WriteAround::new(Cache::new(100), Table::default());
/// logs.insert(&7, &3)?;
/// assert!(logs.cache().is_empty());
/// assert_eq!(logs.get(&7).unwrap(), Some(3));
/// assert_eq!(logs.cache().len(), 1);
/// # Ok::<_, core::convert::Infallible>(())
/// ```
pub struct WriteAround<K, V, St, P = Adaptive, S = RandomState>(ReadThrough<K, V, St, P, S>);

impl<K, V, St, P, S> WriteThrough<K, V, St, P, S>
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
        Self(ReadThrough::new(cache, store))
    }

    /// Writes a value to the store, then keeps it. Blocks while the key is read or written.
    ///
    /// # Errors
    ///
    /// The store failed. The key is not in the cache.
    pub fn insert(&self, key: K, value: V) -> Result<(), St::Error> {
        self.0.write(key, Change::Put(value))
    }

    /// Removes a key from the store, then from the cache.
    ///
    /// # Errors
    ///
    /// The store failed. The key is not in the cache.
    pub fn remove(&self, key: K) -> Result<(), St::Error> {
        self.0.write(key, Change::Remove)
    }
}

impl<K, V, St, P, S> WriteAround<K, V, St, P, S>
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
        Self(ReadThrough::new(cache, store))
    }

    /// Writes a value to the store, and takes the key out of the cache. Blocks while the key is read or written.
    ///
    /// # Errors
    ///
    /// The store failed. The key is not in the cache.
    pub fn insert(&self, key: &K, value: &V) -> Result<(), St::Error> {
        let _locked = self.0.locks.lock(key);
        let _out = Forget(&self.0.cache, key);
        self.0.store.store(key, value)
    }

    /// Removes a key from the store, then from the cache.
    ///
    /// # Errors
    ///
    /// The store failed. The key is not in the cache.
    pub fn remove(&self, key: &K) -> Result<(), St::Error> {
        let _locked = self.0.locks.lock(key);
        let _out = Forget(&self.0.cache, key);
        self.0.store.remove(key)
    }
}

impl<K, V, St, P, S> ReadThrough<K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V>,
    P: Policy,
    S: BuildHasher,
{
    /// The store, then the cache. See [`WriteThrough`].
    pub(super) fn write(&self, key: K, change: Change<V>) -> Result<(), St::Error> {
        let _locked = self.locks.lock(&key);
        self.write_locked(&key, change)
    }

    /// The same for who has the lock of the key.
    pub(super) fn write_locked(&self, key: &K, change: Change<V>) -> Result<(), St::Error> {
        let out = Forget(&self.cache, key);
        match change {
            Change::Put(value) => {
                self.store.store(key, &value)?;
                // It takes the place of what is there and of what is being loaded.
                self.cache.insert(key.clone(), value);
                let _stays = ManuallyDrop::new(out);
            }
            Change::Remove => self.store.remove(key)?,
        }
        Ok(())
    }
}

/// Takes a key out of the cache when dropped, also by a panic.
pub(super) struct Forget<'a, K, V, P, S>(pub(super) &'a Cache<K, V, P, S>, pub(super) &'a K)
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher;

impl<K, V, P, S> Drop for Forget<'_, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn drop(&mut self) {
        self.0.invalidate(self.1);
    }
}

macro_rules! reads {
    ($($name:ident),*) => {$(
        impl<K, V, St, P, S> Deref for $name<K, V, St, P, S> {
            type Target = ReadThrough<K, V, St, P, S>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl<K, V, St, P, S> fmt::Debug for $name<K, V, St, P, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.cache).finish()
            }
        }
    )*};
}

reads!(WriteThrough, WriteAround);
