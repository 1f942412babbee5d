use super::Cache;
use super::guarded::Writing;
use super::lead::Lead;
use crate::lifetime::Life;
use crate::load::{Flight, LoadError, Outcome, REENTRANT};
use crate::policy::Policy;
use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

/// Values by a loader. What all of these have in common is told in [`load`](crate::load).
impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// The value of a key; loaded if it is not here, once for all who ask for it meanwhile.
    ///
    /// Blocks while another thread loads it. If that one fails or panics, this one tries by its own `init`.
    ///
    /// # Panics
    ///
    /// With the message of [`LoadError::Reentrant`] if `init` asks, directly or through other
    /// loaders of this cache, for its own key. What `init` panics with goes on in this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// let squares = Cache::new(100);
    /// assert_eq!(squares.get_with(7, || 7 * 7), 49);
    /// assert_eq!(squares.get_with(7, || unreachable!("it is here")), 49);
    /// ```
    pub fn get_with(&self, key: K, init: impl FnOnce() -> V) -> V {
        match self.get(&key) {
            Some(value) => value,
            None => self.load_with(key, init),
        }
    }

    /// [`get_with`](Self::get_with) for a key that is owned only if it is not here.
    ///
    /// # Panics
    ///
    /// As [`get_with`](Self::get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// let lengths: Cache<String, usize> = Cache::new(100);
    /// assert_eq!(lengths.get_with_by_ref("seven", || 5), 5);
    /// assert_eq!(lengths.get("seven"), Some(5));
    /// ```
    pub fn get_with_by_ref<Q>(&self, key: &Q, init: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.get(key) {
            Some(value) => value,
            None => self.load_infallibly(self.hasher.hash_one(key), Arc::new(key.to_owned()), init),
        }
    }

    /// The value of a key; loaded if it is not here, by a loader that may fail. Errors are not kept.
    ///
    /// Blocks while another thread loads it. A failure of that one is this one's if the types of
    /// the errors are the same; otherwise this one tries by its own `init`.
    ///
    /// # Errors
    ///
    /// [`Failed`](LoadError::Failed) with the loader's error, [`Panicked`](LoadError::Panicked) if another
    /// thread's loader did, [`Reentrant`](LoadError::Reentrant) if it would wait for itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::LoadError;
    /// use purlin_cache::sync::Cache;
    ///
    /// let numbers: Cache<&str, u32> = Cache::new(100);
    /// assert_eq!(numbers.try_get_with("49", || "49".parse())?, 49);
    /// let failed = numbers.try_get_with("fifty", || "fifty".parse::<u32>());
    /// assert!(matches!(failed, Err(LoadError::Failed(_))));
    /// assert!(!numbers.contains_key("fifty"));
    /// # Ok::<_, LoadError<std::num::ParseIntError>>(())
    /// ```
    pub fn try_get_with<E>(
        &self,
        key: K,
        init: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        match self.get(&key) {
            Some(value) => Ok(value),
            None => self.try_load(key, init),
        }
    }

    /// [`try_get_with`](Self::try_get_with) for who has looked, and been counted, already.
    pub(crate) fn try_load<E>(
        &self,
        key: K,
        init: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        let init = || Ok((init()?, Life::Usual));
        self.load(self.hasher.hash_one(&key), Arc::new(key), init, false)
    }

    /// The same for [`get_with`](Self::get_with).
    pub(crate) fn load_with(&self, key: K, init: impl FnOnce() -> V) -> V {
        self.load_infallibly(self.hasher.hash_one(&key), Arc::new(key), init)
    }

    /// [`get_with`](Self::get_with) by a loader that says how long its value lives, at most: as
    /// [`insert_with_ttl`](Self::insert_with_ttl), or as usual where it says `None`.
    ///
    /// # Panics
    ///
    /// As [`get_with`](Self::get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::sync::Cache;
    ///
    /// let cache: Cache<&str, u32> = Cache::new(100);
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(cache.get_with_ttl("token", || (7, Some(minute))), 7);
    /// assert!(cache.time_left("token").unwrap() <= minute);
    /// ```
    pub fn get_with_ttl(&self, key: K, init: impl FnOnce() -> (V, Option<Duration>)) -> V {
        match self.load_living(key, || Ok::<_, Infallible>(init()), true) {
            Ok(value) => value,
            Err(error) => cannot_fail(&error),
        }
    }

    /// [`try_get_with`](Self::try_get_with) by a loader that says how long its value lives, as for
    /// [`get_with_ttl`](Self::get_with_ttl).
    ///
    /// # Errors
    ///
    /// As [`try_get_with`](Self::try_get_with).
    pub fn try_get_with_ttl<E>(
        &self,
        key: K,
        init: impl FnOnce() -> Result<(V, Option<Duration>), E>,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        self.load_living(key, init, false)
    }

    fn load_living<E>(
        &self,
        key: K,
        init: impl FnOnce() -> Result<(V, Option<Duration>), E>,
        retries: bool,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let init = || init().map(|(value, time)| (value, time.map_or(Life::Usual, Life::For)));
        self.load(self.hasher.hash_one(&key), Arc::new(key), init, retries)
    }

    fn load_infallibly(&self, hash: u64, key: Arc<K>, init: impl FnOnce() -> V) -> V {
        match self.load(
            hash,
            key,
            || Ok::<_, Infallible>((init(), Life::Usual)),
            true,
        ) {
            Ok(value) => value,
            Err(error) => cannot_fail(&error),
        }
    }

    /// Leads a flight, or waits for the one that there is. After a panic of another leader it tries again if
    /// `retries`.
    fn load<E>(
        &self,
        hash: u64,
        mut key: Arc<K>,
        init: impl FnOnce() -> Result<(V, Life), E>,
        retries: bool,
    ) -> Result<V, LoadError<E>>
    where
        E: Send + Sync + 'static,
    {
        loop {
            let flight = match self.board(hash, key, Flight::led_here) {
                Boarding::Present(value) => return Ok(value),
                Boarding::Leads(lead) => {
                    return match init() {
                        Ok((value, life)) => Ok(lead.land_living(value, life)),
                        Err(error) => lead.fail(Arc::new(error)).map_err(LoadError::Failed),
                    };
                }
                Boarding::Waits(flight, back) => {
                    key = back;
                    flight
                }
            };
            let outcome = self.waits.wait(&flight).ok_or(LoadError::Reentrant)?;
            if let Some(result) = settled(outcome, retries) {
                return result;
            }
        }
    }

    /// Looks once more, now that nobody can change it, and registers a flight if there is nothing.
    pub(super) fn board(
        &self,
        hash: u64,
        key: Arc<K>,
        depart: impl FnOnce() -> Flight<V>,
    ) -> Boarding<'_, K, V, P, S> {
        let mut shard = self.write(hash);
        if let Some(value) = self.look_up_in(&mut shard, hash, &*key, None) {
            return Boarding::Present(value);
        }
        if let Some(flight) = shard.flights().find(hash, &*key) {
            return Boarding::Waits(Arc::clone(flight), key);
        }
        Boarding::Leads(self.register(&mut shard, hash, key, depart()))
    }

    /// Registers a flight whether there is a value or not, if there is no other flight.
    #[expect(clippy::type_complexity, reason = "one caller, which takes it apart")]
    pub(super) fn board_alone(
        &self,
        hash: u64,
        key: Arc<K>,
    ) -> Result<(Lead<'_, K, V, P, S>, Option<V>), (Arc<Flight<V>>, Arc<K>)> {
        let mut shard = self.write(hash);
        if let Some(flight) = shard.flights().find(hash, &*key) {
            return Err((Arc::clone(flight), key));
        }
        let value = self.look_up_in(&mut shard, hash, &*key, None);
        let lead = self.register(&mut shard, hash, key, Flight::led_here());
        Ok((lead, value))
    }

    pub(super) fn register(
        &self,
        shard: &mut Writing<'_, K, V, P>,
        hash: u64,
        key: Arc<K>,
        flight: Flight<V>,
    ) -> Lead<'_, K, V, P, S> {
        let copy = Arc::clone(&key);
        // A flight without a leader is landed by whoever drives it, perhaps before this caller goes on, and takes
        // the key out: there must be no other.
        let key = Some(key).filter(|_| flight.leader().is_some());
        let flight = Arc::new(flight);
        shard.flights().insert(hash, copy, Arc::clone(&flight));
        Lead::new(self, hash, key, flight)
    }
}

/// What came of a second look.
pub(super) enum Boarding<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    Present(V),
    /// A flight of this caller.
    Leads(Lead<'a, K, V, P, S>),
    /// The flight of another, and the key back.
    Waits(Arc<Flight<V>>, Arc<K>),
}

/// What an outcome is for a waiter. `None` if it has to try for itself.
pub(super) fn settled<V, E>(outcome: Outcome<V>, retries: bool) -> Option<Result<V, LoadError<E>>>
where
    E: Send + Sync + 'static,
{
    match outcome {
        Outcome::Loaded(value) => Some(Ok(value)),
        Outcome::Failed(error) => {
            let error = error.downcast().ok()?;
            Some(Err(LoadError::Failed(error)))
        }
        Outcome::Panicked if !retries => Some(Err(LoadError::Panicked)),
        Outcome::Panicked | Outcome::Absent => None,
        #[cfg(feature = "async")]
        Outcome::Cancelled => None,
    }
}

/// Where there are no errors to return.
pub(super) fn cannot_fail(error: &LoadError<Infallible>) -> ! {
    match error {
        LoadError::Failed(never) => match **never {},
        LoadError::Panicked => {
            panic!("the loader of this future panicked, and nobody can run it again")
        }
        LoadError::Reentrant => panic!("{REENTRANT}"),
    }
}
