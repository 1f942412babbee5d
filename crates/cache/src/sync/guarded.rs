use crate::load::{Flights, InFlight, Outcome};
use crate::policy::Policy;
use crate::primitives::RwLockWriteGuard;
use crate::shard::Shard;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::ops::{Deref, DerefMut};
use purlin_core::time::Instant;

/// What a shard's lock guards.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Guarded<K, V, P> {
    pub(super) shard: Shard<K, V, P>,
    /// Loads of keys that belong here.
    pub(super) flights: Flights<K, V>,
}

impl<K, V, P> Guarded<K, V, P> {
    pub(super) const fn new(shard: Shard<K, V, P>) -> Self {
        Self {
            shard,
            flights: Flights::new(),
        }
    }
}

impl<K, V, P> Deref for Guarded<K, V, P> {
    type Target = Shard<K, V, P>;

    fn deref(&self) -> &Self::Target {
        &self.shard
    }
}

/// A shard for one thread. What an operation changes about flights is told to those who wait when the lock is
/// gone.
pub(super) struct Writing<'a, K, V, P> {
    // Dropped in this order.
    guard: RwLockWriteGuard<'a, Guarded<K, V, P>>,
    // Nearly always there are none, which is to cost nothing.
    ended: Option<Box<Ended<K, V>>>,
}

/// Flights that were taken out or that have landed.
struct Ended<K, V>(Vec<InFlight<K, V>>);

impl<K, V> Drop for Ended<K, V> {
    fn drop(&mut self) {
        for ended in &self.0 {
            ended.flight.announce();
        }
    }
}

impl<'a, K, V, P> Writing<'a, K, V, P> {
    pub(super) const fn new(guard: RwLockWriteGuard<'a, Guarded<K, V, P>>) -> Self {
        Self { guard, ended: None }
    }

    pub(super) fn flights(&mut self) -> &mut Flights<K, V> {
        &mut self.guard.flights
    }

    /// What is being loaded for a key is out of date.
    #[inline]
    pub(super) fn supersede<Q>(&mut self, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if !self.guard.flights.is_empty() {
            let ended = self.guard.flights.take(hash, key);
            self.end(ended.into_iter().collect());
        }
    }

    /// What is being loaded for a key is out of date: this is its value.
    #[inline]
    pub(super) fn supersede_by(&mut self, hash: u64, key: &K, value: &V)
    where
        K: Eq,
        V: Clone,
    {
        if !self.guard.flights.is_empty()
            && let Some(flight) = self.guard.flights.find(hash, key)
        {
            flight.land(Outcome::Loaded(value.clone()));
            self.supersede(hash, key);
        }
    }

    /// What is being loaded for keys that have no value is out of date.
    pub(super) fn supersede_absent(&mut self, now: impl Fn() -> Instant)
    where
        K: Eq,
        P: Policy,
    {
        let Guarded { shard, flights } = &mut *self.guard;
        let is_absent = |hash, key: &K| shard.find_live(hash, key, &now).is_none();
        let ended = flights.take_if(is_absent).collect();
        self.end(ended);
    }

    /// What is being loaded for all keys of this shard is out of date.
    pub(super) fn supersede_all(&mut self) {
        let ended = self.guard.flights.take_all().collect();
        self.end(ended);
    }

    fn end(&mut self, mut ended: Vec<InFlight<K, V>>) {
        match &mut self.ended {
            Some(all) => all.0.append(&mut ended),
            None if ended.is_empty() => {}
            None => self.ended = Some(Box::new(Ended(ended))),
        }
    }
}

impl<K, V, P> Deref for Writing<'_, K, V, P> {
    type Target = Shard<K, V, P>;

    fn deref(&self) -> &Self::Target {
        &self.guard.shard
    }
}

impl<K, V, P> DerefMut for Writing<'_, K, V, P> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.guard.shard
    }
}
