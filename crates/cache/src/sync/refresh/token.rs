use super::{Refreshing, Timed};
use crate::load::{Flight, LoadError};
use crate::policy::{Adaptive, Policy};
use crate::sync::lead::Lead;
use alloc::sync::Arc;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;

/// The duty to load a key: from [`Refreshing::get_and_refresh`], one for a key at a time.
///
/// It can go to another thread or task. Dropped without having been run it leaves the duty to the next caller. Who keeps one
/// and asks for its key may wait for himself.
#[must_use = "nobody else refreshes the key while this exists"]
pub struct Refresh<K, V, P = Adaptive, S = RandomState>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    cache: Refreshing<K, V, P, S>,
    hash: u64,
    /// None when it has gone over to its lead.
    flight: Option<Arc<Flight<Timed<V>>>>,
}

impl<K, V, P, S> Refresh<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    pub(super) const fn new(
        cache: Refreshing<K, V, P, S>,
        hash: u64,
        flight: Arc<Flight<Timed<V>>>,
    ) -> Self {
        Self {
            cache,
            hash,
            flight: Some(flight),
        }
    }

    /// Loads the value and puts it in, unless the key was changed meanwhile. Returns what is here then: another
    /// value if one was inserted.
    ///
    /// # Errors
    ///
    /// [`Failed`](LoadError::Failed) with the loader's error. What was here stays as long as it may.
    ///
    /// # Panics
    ///
    /// With what `load` panics with.
    pub fn run<E>(mut self, load: impl FnOnce() -> Result<V, E>) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        if let Some(flight) = &self.flight {
            flight.lead_here();
        }
        self.end(load)
    }

    /// [`run`](Self::run) by a future. If the future that this returns is dropped, the refresh is left to the next caller.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::sync::refresh::Staleness;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let cache = Cache::builder(100).build_refreshing(Staleness::none());
    /// if let (None, Some(refresh)) = cache.get_and_refresh("plum") {
    ///     let task = tokio::spawn(refresh.run_async(async { Ok::<_, ()>(3) }));
    ///     assert_eq!(task.await.unwrap().unwrap(), 3);
    /// }
    /// assert_eq!(cache.get("plum"), Some(3));
    /// # }
    /// ```
    #[cfg(feature = "async")]
    pub async fn run_async<E>(
        mut self,
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        let result = load.await;
        self.end(|| result)
    }

    fn end<E>(&mut self, load: impl FnOnce() -> Result<V, E>) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        let cache = self.cache.clone();
        let Some(lead) = lead(&cache, self.hash, self.flight.take()) else {
            return Err(LoadError::Panicked); // it is run once
        };
        let landed = match load() {
            Ok(value) => Ok(lead.land(cache.stamp(value))),
            Err(error) => lead.fail(Arc::new(error)).map_err(LoadError::Failed),
        };
        landed.map(|timed| timed.value)
    }
}

/// With the key, if the flight was not superseded.
fn lead<K, V, P, S>(
    cache: &Refreshing<K, V, P, S>,
    hash: u64,
    flight: Option<Arc<Flight<Timed<V>>>>,
) -> Option<Lead<'_, K, Timed<V>, P, S>>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    let flight = flight?;
    let key = {
        let mut shard = cache.cache.write(hash);
        shard.flights().key(hash, &flight).cloned()
    };
    Some(Lead::new(&cache.cache, hash, key, flight))
}

impl<K, V, P, S> Drop for Refresh<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn drop(&mut self) {
        if let Some(lead) = lead(&self.cache, self.hash, self.flight.take()) {
            lead.land_absent(None);
        }
    }
}

impl<K, V, P, S> fmt::Debug for Refresh<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
