use super::look::Found;
use super::{Refreshing, Served, Timed};
use crate::lifetime::Life;
use crate::load::{Flight, LoadError};
use crate::policy::Policy;
use crate::sync::load::settled;
use crate::sync::load_async::boxed;
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use purlin_core::time::Clock;

impl<K, V, P, S> Refreshing<K, V, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    /// [`get_or_refresh`](Self::get_or_refresh) by a future, which is polled only if this caller has to load. As with
    /// [`get_with_async`](crate::sync::Cache::get_with_async), any task that waits for it drives it.
    ///
    /// Who refreshes waits for what that brings. To go on with the old value, spawn
    /// [`Refresh::run_async`](super::Refresh::run_async).
    ///
    /// # Errors
    ///
    /// As [`get_or_refresh`](Self::get_or_refresh).
    ///
    /// # Panics
    ///
    /// With what `load` panics with, in the task that gave it.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::sync::refresh::{Served, Staleness};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let squares = Cache::builder(100).build_refreshing(Staleness::none());
    /// let loaded = squares.get_or_refresh_async(7, async { Ok::<_, ()>(49) }).await;
    /// assert!(matches!(loaded, Ok(Served::Loaded(49))));
    /// # }
    /// ```
    pub async fn get_or_refresh_async<F, E>(
        &self,
        key: K,
        load: F,
    ) -> Result<Served<V, E>, LoadError<E>>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + Sync + 'static,
    {
        let hash = self.cache.hasher.hash_one(&key);
        let served = self.look(hash, &key, self.cache.now());
        self.count(hash, served.is_some());
        if let Some(served) = served {
            return Ok(served);
        }
        let mut load = Some(load);
        let mut own = Arc::new(key.clone());
        let result = loop {
            let clock = Arc::clone(&self.cache.lifetimes.clock);
            let depart = || Flight::carrying(load.take().map(|load| boxed(stamped(load, clock))));
            let outcome = match self.board(hash, own, depart) {
                Found::Served(served) => return Ok(served),
                Found::Leads(lead, _) => {
                    let flight = lead.into_flight();
                    break self.cache.wait_for_own(hash, flight).await;
                }
                Found::Waits(flight, back) => {
                    own = back;
                    let number = flight.join();
                    self.cache.wait_for(hash, flight, number).await
                }
            };
            let result = match outcome {
                Some(outcome) => settled(outcome, false),
                None => Some(Err(LoadError::Reentrant)),
            };
            if let Some(result) = result {
                break result;
            }
        };
        match result {
            Ok(loaded) => Ok(Served::Loaded(loaded.value)),
            Err(error) => Served::in_spite_of(error, self.old(hash, &key)),
        }
    }
}

async fn stamped<V, E>(
    load: impl Future<Output = Result<V, E>>,
    clock: Arc<dyn Clock + Send + Sync>,
) -> Result<(Timed<V>, Life), E> {
    let value = load.await?;
    let written = clock.now();
    Ok((Timed { value, written }, Life::Usual))
}
