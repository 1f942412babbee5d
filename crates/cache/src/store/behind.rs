mod config;
mod flush;

pub use config::{AtCapacity, Flushed, GivenUp, WriteBehindConfig, WriteBehindError};

use super::buffer::Buffer;
use super::through::Forget;
use super::{Change, ReadThrough, Store};
use crate::load::LoadError;
use crate::policy::{Adaptive, Policy};
use crate::primitives::{Condvar, Mutex, MutexGuard};
use crate::sync::Cache;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem::ManuallyDrop;
use foldhash::fast::RandomState;
use purlin_core::time::Instant;
use std::sync::PoisonError;

type GiveUp<K, V, E> = Box<dyn Fn(GivenUp<K, V, E>) + Send + Sync>;

/// A cache that writes to its [`Store`] later, many changes at once. See [`store`](super) for what all wrappers keep.
///
/// Changes wait in a buffer of their own, one a key: a later change of a key takes the place of an earlier one, which the
/// store never sees. What is not written yet is read from the buffer, though the cache may have evicted it. A key's
/// changes reach the store in their order; of different keys, in no order that holds.
///
/// **It starts no thread.** Somebody has to call [`flush_due`](Self::flush_due) when
/// [`poll_timeout`](Self::poll_timeout) says so: a thread of the user's that sleeps until then, or for
/// [`max_delay`](WriteBehindConfig::max_delay) if there is nothing to do (what comes in meanwhile is not due earlier). Any number of
/// threads may do it at once. What is in the buffer is lost with the process, and by a drop without [`close`](Self::close).
///
/// A change that fails is tried again, by itself or with others, with a delay that doubles; for ever, unless
/// [`give_up_after`](Self::give_up_after) says otherwise. A newer change of its key takes its place and its time, and has all
/// tries before it.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::store::{Store, WriteBehind, WriteBehindConfig};
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
/// let config = WriteBehindConfig {
///     max_delay: Duration::from_secs(1),
///     ..WriteBehindConfig::default()
/// };
/// let counts = WriteBehind::new(Cache::new(100), Table::default(), config);
/// for visit in 1..=10 {
///     counts.insert(7, visit)?;
/// }
/// assert_eq!(counts.get(&7).unwrap(), Some(10));
/// assert_eq!(counts.store().load(&7).unwrap(), None);
///
/// let due = counts.poll_timeout().expect("something to write");
/// assert_eq!(counts.flush_due(due).written, 1); // one write for ten
/// assert_eq!(counts.store().load(&7).unwrap(), Some(10));
/// # Ok::<_, purlin_cache::store::WriteBehindError<u32, core::convert::Infallible>>(())
/// ```
pub struct WriteBehind<K, V, St, P = Adaptive, S = RandomState>
where
    St: Store<K, V>,
{
    /// Its locks of keys order the writers, and are not held over writes from the buffer.
    inner: ReadThrough<K, V, St, P, S>,
    buffer: Mutex<Buffer<K, V>>,
    /// A key is not being written any more.
    settled: Condvar,
    config: WriteBehindConfig,
    retries: u32,
    give_up: Option<GiveUp<K, V, St::Error>>,
}

impl<K, V, St, P, S> WriteBehind<K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// This cache in front of this store. The cache should be empty, or agree with the store.
    #[must_use]
    pub fn new(cache: Cache<K, V, P, S>, store: St, config: WriteBehindConfig) -> Self {
        Self {
            inner: ReadThrough::new(cache, store),
            buffer: Mutex::new(Buffer::new()),
            settled: Condvar::new(),
            config,
            retries: u32::MAX,
            give_up: None,
        }
    }

    /// Hands a change to `handler` that has failed once and then, tried again, so many times more. It leaves buffer and
    /// cache: the next read asks the store.
    ///
    /// `handler` runs in the thread that flushes, outside of all locks.
    #[must_use]
    pub fn give_up_after(
        mut self,
        retries: u32,
        handler: impl Fn(GivenUp<K, V, St::Error>) + Send + Sync + 'static,
    ) -> Self {
        self.retries = retries;
        self.give_up = Some(Box::new(handler));
        self
    }

    /// The value of a key: from the cache, the buffer or the store. Blocks while it is loaded.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get_with`]: the store failed for whoever loaded it.
    pub fn get(&self, key: &K) -> Result<Option<V>, LoadError<St::Error>> {
        self.inner.get_or(key, || {
            let unwritten = self.lock().get(key).cloned();
            // Who writes the key now supersedes this load.
            unwritten.map_or_else(|| self.store().load(key), |change| Ok(change.into_value()))
        })
    }

    /// Keeps a value, to be written in [`max_delay`](WriteBehindConfig::max_delay).
    ///
    /// # Errors
    ///
    /// The buffer is full, and [`AtCapacity`] says to refuse, or the store has failed.
    pub fn insert(&self, key: K, value: V) -> Result<(), WriteBehindError<V, St::Error>> {
        self.change_at(self.cache().now(), key, Change::Put(value))
    }

    /// Removes a key, from the store in [`max_delay`](WriteBehindConfig::max_delay).
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn remove(&self, key: K) -> Result<(), WriteBehindError<V, St::Error>> {
        self.change_at(self.cache().now(), key, Change::Remove)
    }

    /// Either of them, for those who know what time it is, by the clock of the cache.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn change_at(
        &self,
        now: Instant,
        key: K,
        change: Change<V>,
    ) -> Result<(), WriteBehindError<V, St::Error>> {
        let _locked = self.inner.locks.lock(&key);
        // Whatever panics from here on: nothing older than the buffer is read from the cache.
        let out = Forget(self.cache(), &key);
        let mut buffer = self.lock();
        if buffer.len() >= self.config.capacity && !buffer.contains(&key) {
            drop(buffer);
            let _untouched = ManuallyDrop::new(out);
            return match self.config.at_capacity {
                AtCapacity::Refuse => Err(WriteBehindError::Full(change)),
                // It is not in the buffer, so nobody else writes it.
                AtCapacity::WriteNow => {
                    let written = self.inner.write_locked(&key, change);
                    written.map_err(WriteBehindError::Store)
                }
            };
        }
        let older = buffer.put(key.clone(), change.clone(), now + self.config.max_delay);
        drop(buffer);
        drop(older);
        if let Change::Put(value) = change {
            self.cache().insert(key.clone(), value);
            // What has been given up already has left the cache before it came in.
            if self.give_up.is_none() || self.lock().contains(&key) {
                let _stays = ManuallyDrop::new(out);
            }
        }
        Ok(())
    }

    /// When to call [`flush_due`](Self::flush_due) next. None while there is nothing to write.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.lock().next_due()
    }

    /// How many changes wait, with those that are being written.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.lock().len()
    }

    /// Tries to write everything, and returns what could not be written, first due first.
    ///
    /// [`give_up_after`](Self::give_up_after) gets what has used up its retries, as ever.
    #[must_use = "what was not written is lost"]
    pub fn close(self) -> Vec<(K, Change<V>)> {
        self.flush();
        let buffer = self.buffer.into_inner();
        buffer
            .unwrap_or_else(PoisonError::into_inner)
            .into_changes()
    }

    /// The cache. It may have evicted what is still in the buffer.
    pub const fn cache(&self) -> &Cache<K, V, P, S> {
        &self.inner.cache
    }

    /// The store. It has not got yet what is in the buffer.
    pub const fn store(&self) -> &St {
        &self.inner.store
    }

    fn lock(&self) -> MutexGuard<'_, Buffer<K, V>> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, St, P, S> fmt::Debug for WriteBehind<K, V, St, P, S>
where
    St: Store<K, V>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind")
            .field("cache", &self.inner.cache)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
