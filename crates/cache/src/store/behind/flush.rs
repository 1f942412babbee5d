use super::{Flushed, GivenUp, WriteBehind};
use crate::policy::Policy;
use crate::store::buffer::Tried;
use crate::store::{Change, Store};
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use purlin_core::time::Instant;
use std::sync::PoisonError;

impl<K, V, St, P, S> WriteBehind<K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// Writes what is due and nobody else is writing, each change once.
    ///
    /// Blocks in calls of the store. A panic of the store goes on; what it was given stays in the buffer.
    pub fn flush_due(&self, now: Instant) -> Flushed {
        let due = self.lock().due(now);
        self.write(now, &due).0
    }

    /// Writes everything, due or not. Each change that was in the buffer when this began has been tried when it
    /// returns, by this call or another; [`buffered`](Self::buffered) says whether anything is left.
    pub fn flush(&self) -> Flushed {
        let now = self.cache().now();
        let keys = self.lock().keys();
        let (mut flushed, busy) = self.write(now, &keys);
        // A newer change may be behind the one that another thread is writing.
        for key in busy {
            self.wait(&key);
            let (more, busy) = self.write(now, &[key]);
            flushed += more;
            // Another was faster, and tries it.
            busy.iter().for_each(|key| self.wait(key));
        }
        flushed
    }

    /// Writes the changes of these keys. Returns the keys, too, that others are writing.
    fn write(&self, now: Instant, keys: &[K]) -> (Flushed, Vec<K>) {
        let (mut flushed, mut busy) = (Flushed::default(), Vec::new());
        for keys in keys.chunks(self.config.max_batch.max(1)) {
            let mut batch = Vec::with_capacity(keys.len());
            let mut buffer = self.lock();
            for key in keys {
                if let Some(change) = buffer.take(key) {
                    batch.push((key.clone(), change));
                } else if buffer.contains(key) {
                    busy.push(key.clone());
                }
            }
            drop(buffer);
            if !batch.is_empty() {
                flushed += self.write_batch(now, batch);
            }
        }
        (flushed, busy)
    }

    fn write_batch(&self, now: Instant, batch: Vec<(K, Change<V>)>) -> Flushed {
        let mut taken = Taken {
            behind: self,
            batch,
            settled: 0,
        };
        let results = self.store().write_many(&taken.batch);
        let mut flushed = Flushed::default();
        for result in results.into_iter().take(taken.batch.len()) {
            let Some(error) = result.err() else {
                taken.settle(Tried::Done);
                flushed.written += 1;
                continue;
            };
            let key = taken.batch[taken.settled].0.clone();
            let failures = self.lock().failures(&key);
            if failures.is_none_or(|failures| failures <= self.retries) {
                let delay = self.config.backoff(failures.unwrap_or(1));
                // It has failed now, perhaps long after it was begun.
                let failed = now.max(self.cache().now());
                taken.settle(Tried::Failed(failed + delay));
                flushed.failed += 1;
            } else if let Some(change) = taken.settle(Tried::Done) {
                flushed.given_up += 1;
                self.cache().invalidate(&key);
                if let Some(handler) = &self.give_up {
                    handler(GivenUp {
                        key,
                        change,
                        error,
                        tries: failures.unwrap_or(1),
                    });
                }
            }
        }
        flushed
    }

    fn wait(&self, key: &K) {
        let mut buffer = self.lock();
        while buffer.is_being_written(key) {
            let woken = self.settled.wait(buffer);
            buffer = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Changes that were taken from the buffer. What is not settled when it is dropped, was not tried.
struct Taken<'a, K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    behind: &'a WriteBehind<K, V, St, P, S>,
    batch: Vec<(K, Change<V>)>,
    settled: usize,
}

impl<K, V, St, P, S> Taken<'_, K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// The next one.
    fn settle(&mut self, tried: Tried) -> Option<Change<V>> {
        let (key, _) = &self.batch[self.settled];
        self.settled += 1;
        let left = self.behind.lock().settle(key, tried);
        self.behind.settled.notify_all();
        left
    }
}

impl<K, V, St, P, S> Drop for Taken<'_, K, V, St, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    St: Store<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    fn drop(&mut self) {
        while self.settled < self.batch.len() {
            self.settle(Tried::Untried);
        }
    }
}
