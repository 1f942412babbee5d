//! A cache in front of a store: who writes first, and when.
//!
//! | wrapper | a write goes to | a failed write leaves | takes |
//! |---|---|---|---|
//! | [`ReadThrough`] | - | - | a store call a miss |
//! | [`WriteThrough`] | the store, then the cache | the key out of the cache | a store call a write |
//! | [`WriteAround`] | the store only | the key out of the cache | a store call a write; a miss at the next read |
//! | [`WriteBehind`] | the cache; later, with others, the store | the change in the buffer | nothing now; what was not flushed is lost with the process |
//!
//! What all keep:
//!
//! * **One store call of a key at a time**, through one wrapper; calls for other keys go on meanwhile. (Loads of a
//!   [`WriteBehind`] do not wait for the call of a write; a key with a change in the buffer is not loaded at all.) Writes of a key reach store and
//!   cache in one order, so that both agree when nobody is writing.
//! * **Reads are loads** in the sense of [`load`](crate::load): one for all who ask, and a write meanwhile wins over what
//!   was read before it. That a key is not in the store is not remembered.
//! * A store call that fails may have had its effect or not (a timeout). So a failure takes the key out of the cache, and the next read
//!   asks the store.
//! * Store calls run outside of the cache's locks. They, and the cache's eviction listener, must not come back to
//!   the wrapper with the key that is being written: that panics.
//!
//! The cache below can be read and invalidated at any time; to insert into it past the wrapper is to bypass the store.

mod behind;
mod buffer;
mod key_locks;
mod read;
mod through;

pub use behind::{AtCapacity, Flushed, GivenUp, WriteBehind, WriteBehindConfig, WriteBehindError};
pub(crate) use key_locks::KeyLocks;
pub use read::ReadThrough;
pub use through::{WriteAround, WriteThrough};

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where values are kept for good: a database, a file, another service.
///
/// # Implementing
///
/// Do make [`store`](Self::store) and [`remove`](Self::remove) idempotent: a write whose answer got lost is
/// repeated. Do return from `load` what the last write that succeeded has written. Do override the batch methods where the store has a
/// batch of its own; the ones here make a call for each key. Do not use the wrapper that calls.
///
/// ```
/// use core::convert::Infallible;
/// use purlin_cache::store::{ReadThrough, Store};
/// use purlin_cache::sync::Cache;
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[derive(Default)]
/// struct Table(Mutex<HashMap<u32, String>>);
///
/// impl Store<u32, String> for Table {
///     type Error = Infallible;
///
///     fn load(&self, key: &u32) -> Result<Option<String>, Infallible> {
///         Ok(self.0.lock().unwrap().get(key).cloned())
///     }
///     fn store(&self, key: &u32, value: &String) -> Result<(), Infallible> {
///         self.0.lock().unwrap().insert(*key, value.clone());
///         Ok(())
///     }
///     fn remove(&self, key: &u32) -> Result<(), Infallible> {
///         self.0.lock().unwrap().remove(key);
///         Ok(())
///     }
/// }
///
/// let table = Table::default();
/// table.store(&7, &"Ada".into())?;
/// let users = ReadThrough::new(Cache::new(100), table);
/// assert_eq!(users.get(&7).unwrap().as_deref(), Some("Ada"));
/// assert_eq!(users.get(&8).unwrap(), None);
/// assert_eq!(users.cache().len(), 1);
/// # Ok::<_, Infallible>(())
/// ```
pub trait Store<K, V> {
    /// Why a call failed.
    type Error;

    /// The value of a key, if the store has one.
    ///
    /// # Errors
    ///
    /// The store could not say.
    fn load(&self, key: &K) -> Result<Option<V>, Self::Error>;

    /// Keeps a value under a key.
    ///
    /// # Errors
    ///
    /// It may have been kept or not.
    fn store(&self, key: &K, value: &V) -> Result<(), Self::Error>;

    /// Removes a key, if it is there.
    ///
    /// # Errors
    ///
    /// It may have been removed or not.
    fn remove(&self, key: &K) -> Result<(), Self::Error>;

    /// The values of many keys, in their order.
    ///
    /// # Errors
    ///
    /// The store could not say for one at least.
    fn load_many(&self, keys: &[K]) -> Result<Vec<Option<V>>, Self::Error> {
        keys.iter().map(|key| self.load(key)).collect()
    }

    /// Makes many changes of different keys, in any order. What has become of each, in their order; those that
    /// an answer leaves out at its end were not tried.
    fn write_many(&self, changes: &[(K, Change<V>)]) -> Vec<Result<(), Self::Error>> {
        let write = |(key, change): &(K, Change<V>)| match change {
            Change::Put(value) => self.store(key, value),
            Change::Remove => self.remove(key),
        };
        changes.iter().map(write).collect()
    }
}

/// What is to become of a key in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change<V> {
    /// It gets this value.
    Put(V),
    /// It goes.
    Remove,
}

impl<V> Change<V> {
    /// The value of the key after it.
    #[must_use]
    pub fn into_value(self) -> Option<V> {
        match self {
            Self::Put(value) => Some(value),
            Self::Remove => None,
        }
    }
}

macro_rules! through_pointer {
    ($($pointer:ty),*) => {$(
        impl<K, V, St: Store<K, V> + ?Sized> Store<K, V> for $pointer {
            type Error = St::Error;

            fn load(&self, key: &K) -> Result<Option<V>, Self::Error> {
                (**self).load(key)
            }

            fn store(&self, key: &K, value: &V) -> Result<(), Self::Error> {
                (**self).store(key, value)
            }

            fn remove(&self, key: &K) -> Result<(), Self::Error> {
                (**self).remove(key)
            }

            fn load_many(&self, keys: &[K]) -> Result<Vec<Option<V>>, Self::Error> {
                (**self).load_many(keys)
            }

            fn write_many(&self, changes: &[(K, Change<V>)]) -> Vec<Result<(), Self::Error>> {
                (**self).write_many(changes)
            }
        }
    )*};
}

through_pointer!(&St, Box<St>, Arc<St>);
