use super::Cache;
use super::lead::Lead;
use super::load::{Boarding, cannot_fail, settled};
use crate::lifetime::Life;
use crate::load::{BoxedLoad, Flight, LoadError, Outcome, SharedError, Step};
use crate::policy::Policy;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::panic::{catch_unwind, resume_unwind};

/// Loading by futures, on any runtime or none.
///
/// Nobody owns a load: whichever waiting task is polled when it can go on drives it. So a caller that is not
/// polled any more, or dropped, holds nobody up. When the last waiting task is dropped, so is the loader. (Threads
/// that wait in `get_with` do not drive it; they load by themselves then.)
impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    /// [`get_with`](Self::get_with) by a future, which is polled only if the key is not here.
    ///
    /// It may be polled by any task that waits for the key, and it is dropped when nobody waits. The result
    /// is a future that does nothing until it is polled.
    ///
    /// # Panics
    ///
    /// With what `init` panics with, in the task that gave it; with the message of
    /// [`LoadError::Reentrant`] if `init` waits for its own key.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let squares = Cache::new(100);
    /// assert_eq!(squares.get_with_async(7, async { 7 * 7 }).await, 49);
    /// assert_eq!(squares.get(&7), Some(49));
    /// # }
    /// ```
    pub async fn get_with_async<F>(&self, key: K, init: F) -> V
    where
        F: Future<Output = V> + Send + 'static,
    {
        let init = async { Ok::<_, Infallible>((init.await, Life::Usual)) };
        match self.load_async(key, init, true).await {
            Ok(value) => value,
            Err(error) => cannot_fail(&error),
        }
    }

    /// [`try_get_with`](Self::try_get_with) by a future, which is polled only if the key is not here.
    ///
    /// # Errors
    ///
    /// As [`try_get_with`](Self::try_get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::LoadError;
    /// use purlin_cache::sync::Cache;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pages: Cache<&str, u32> = Cache::new(100);
    /// let failed = pages.try_get_with_async("/", async { Err("no route") }).await;
    /// assert!(matches!(failed, Err(LoadError::Failed(why)) if *why == "no route"));
    /// # }
    /// ```
    pub async fn try_get_with_async<F, E>(&self, key: K, init: F) -> Result<V, LoadError<E>>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + Sync + 'static,
    {
        let init = async { Ok((init.await?, Life::Usual)) };
        self.load_async(key, init, false).await
    }

    /// [`try_get_with_ttl`](Self::try_get_with_ttl) by a future, as for
    /// [`get_with_async`](Self::get_with_async).
    ///
    /// # Errors
    ///
    /// As [`try_get_with`](Self::try_get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::sync::Cache;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let users: Cache<u32, Option<&str>> = Cache::new(100);
    /// let nobody = async { Ok::<_, ()>((None, Some(Duration::from_secs(5)))) };
    /// assert_eq!(users.try_get_with_ttl_async(7, nobody).await.unwrap(), None);
    /// assert!(users.time_left(&7).unwrap() <= Duration::from_secs(5));
    /// # }
    /// ```
    pub async fn try_get_with_ttl_async<F, E>(&self, key: K, init: F) -> Result<V, LoadError<E>>
    where
        F: Future<Output = Result<(V, Option<Duration>), E>> + Send + 'static,
        E: Send + Sync + 'static,
    {
        let init = async {
            let (value, time) = init.await?;
            Ok((value, time.map_or(Life::Usual, Life::For)))
        };
        self.load_async(key, init, false).await
    }

    async fn load_async<F, E>(&self, key: K, init: F, retries: bool) -> Result<V, LoadError<E>>
    where
        F: Future<Output = Result<(V, Life), E>> + Send + 'static,
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let hash = self.hasher.hash_one(&key);
        let mut key = Arc::new(key);
        let mut init = Some(init);
        loop {
            let depart = || Flight::carrying(init.take().map(boxed));
            let outcome = match self.board(hash, key, depart) {
                Boarding::Present(value) => return Ok(value),
                Boarding::Leads(lead) => {
                    let flight = lead.into_flight();
                    return self.wait_for_own(hash, flight).await;
                }
                Boarding::Waits(flight, back) => {
                    key = back;
                    let number = flight.join();
                    self.wait_for(hash, flight, number).await
                }
            };
            if let Some(result) = settled(outcome.ok_or(LoadError::Reentrant)?, retries) {
                return result;
            }
        }
    }

    /// Waits for the flight that carries this caller's loader.
    pub(super) async fn wait_for_own<E>(
        &self,
        hash: u64,
        flight: Arc<Flight<V>>,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        let outcome = self.wait_for(hash, Arc::clone(&flight), 0).await;
        let outcome = outcome.ok_or(LoadError::Reentrant)?;
        if let Some(panic) = flight.take_panic() {
            resume_unwind(panic);
        }
        settled(outcome, false).unwrap_or(Err(LoadError::Panicked))
    }

    pub(super) const fn wait_for(
        &self,
        hash: u64,
        flight: Arc<Flight<V>>,
        number: usize,
    ) -> Waiting<'_, K, V, P, S> {
        Waiting {
            cache: self,
            hash,
            flight,
            number,
        }
    }
}

pub(super) fn boxed<F, V, E>(load: F) -> BoxedLoad<V>
where
    F: Future<Output = Result<(V, Life), E>> + Send + 'static,
    E: Send + Sync + 'static,
{
    Box::pin(async { load.await.map_err(|error| Arc::new(error) as SharedError) })
}

/// A task that waits for a flight, and drives it when it can go on. `None` if it would wait for itself.
pub(super) struct Waiting<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    cache: &'a Cache<K, V, P, S>,
    hash: u64,
    flight: Arc<Flight<V>>,
    /// What the flight knows this task by.
    number: usize,
}

impl<K, V, P, S> Waiting<'_, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    /// Polls the load. If it is done, lands the flight.
    fn drive(&self, mut load: BoxedLoad<V>) -> Poll<()> {
        let waker = Waker::from(Arc::clone(&self.flight));
        let mut context = Context::from_waker(&waker);
        // A panic belongs to the task that gave the load, which may be another one. The load is not
        // polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| load.as_mut().poll(&mut context)));
        if matches!(polled, Ok(Poll::Pending)) {
            self.flight.park(load);
            return Poll::Pending;
        }
        let key = {
            let mut shard = self.cache.write(self.hash);
            shard.flights().key(self.hash, &self.flight).cloned()
        };
        let lead = Lead::new(self.cache, self.hash, key, Arc::clone(&self.flight));
        drop(load); // if it panics, the lead ends the flight
        match polled {
            Ok(Poll::Ready(Ok((value, life)))) => drop(lead.land_living(value, life)),
            Ok(Poll::Ready(Err(error))) => drop(lead.fail_shared(error)),
            Ok(Poll::Pending) => {}
            Err(panic) => self.flight.keep_panic(panic),
        }
        Poll::Ready(())
    }
}

impl<K, V, P, S> Future for Waiting<'_, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    type Output = Option<Outcome<V>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.flight.poll(self.number, cx.waker()) {
                Step::Landed(outcome) => return Poll::Ready(Some(outcome)),
                Step::Reentrant => return Poll::Ready(None),
                Step::Wait => return Poll::Pending,
                Step::Drive(load) => {
                    if self.drive(load).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl<K, V, P, S> Drop for Waiting<'_, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
{
    fn drop(&mut self) {
        if self.flight.try_leave(self.number) {
            return;
        }
        // Under the shard's lock nobody finds a flight that has been cancelled.
        let mut shard = self.cache.write(self.hash);
        let (cancelled, _load) = self.flight.leave_last(self.number);
        let _entry = if cancelled {
            shard.flights().failed += 1;
            shard.flights().take_flight(self.hash, &self.flight)
        } else {
            None
        };
        drop(shard);
        self.flight.announce();
    }
}
