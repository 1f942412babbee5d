//! How old an entry is, and what that means.

use super::served::{Old, Served};
use super::{Refreshing, Timed};
use crate::load::Flight;
use crate::policy::{Policy, Slot};
use crate::shard::Shard;
use crate::sync::lead::Lead;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use purlin_core::time::Instant;

/// What an entry is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    /// Its time is not over, but it has to be refreshed.
    Due,
    /// Its time is over, and it is served while somebody loads.
    Stale,
    /// Its time is over, and it is served only when the load fails.
    Reserve,
    Gone,
}

impl State {
    const fn is_live(self) -> bool {
        matches!(self, Self::Fresh | Self::Due)
    }

    /// Whether it is served while somebody loads.
    const fn serves(self) -> bool {
        matches!(self, Self::Due | Self::Stale)
    }
}

/// What there is to be done.
pub(super) enum Found<'a, K, V, P, S, E>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    Served(Served<V, E>),
    /// To load it; and what is here meanwhile.
    Leads(Lead<'a, K, Timed<V>, P, S>, Option<Old<V>>),
    /// To wait for another's flight; and the key back.
    Waits(Arc<Flight<Timed<V>>>, Arc<K>),
}

impl<K, V, P, S> Refreshing<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn state(&self, shard: &Shard<K, Timed<V>, P>, slot: Slot, now: Instant) -> State {
        if !shard.is_live(slot, || now) {
            return State::Gone;
        }
        let deadline = shard.deadline(slot);
        let (left, grace) = (deadline - now, self.staleness.grace());
        if deadline == Instant::MAX || left > grace {
            let age = now - shard.entry(slot).value.written;
            let due = self.staleness.refresh_after_write;
            return if due.is_some_and(|due| age >= due) {
                State::Due
            } else {
                State::Fresh
            };
        }
        let overdue = grace - left;
        if overdue < self.staleness.stale_while_revalidate {
            State::Stale
        } else if overdue < self.staleness.stale_if_error {
            State::Reserve
        } else {
            State::Gone
        }
    }

    /// The value of a key, if its time is not over, and its use.
    pub(super) fn live<Q>(&self, hash: u64, key: &Q, now: Instant) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let shard = self.cache.read(hash);
        let slot = shard.find(hash, key)?;
        if !self.state(&shard, slot, now).is_live() {
            return None;
        }
        drop(shard);
        self.use_of(hash, key, now)
    }

    /// What is served of a key without anything to be done by this caller.
    pub(super) fn look<Q, E>(&self, hash: u64, key: &Q, now: Instant) -> Option<Served<V, E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let shard = self.cache.read(hash);
        let slot = shard.find(hash, key)?;
        let state = self.state(&shard, slot, now);
        if state == State::Fresh {
            drop(shard);
            return self.use_of(hash, key, now).map(Served::Fresh);
        }
        if !state.serves() || shard.flights.find(hash, key).is_none() {
            return None;
        }
        // A use, but not one that an `Expiry` might let it live on for.
        if self.cache.shares_hits {
            shard.hit_shared(slot, hash);
        }
        let old = self.old_in(&shard, slot, now)?;
        drop(shard);
        Served::while_revalidating(old)
    }

    /// The value that is here, by a lookup that counts as a use.
    fn use_of<Q>(&self, hash: u64, key: &Q, now: Instant) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let timed = if self.cache.shares_hits {
            self.cache.look_up_shared(hash, key, Some(now))
        } else {
            self.cache.look_up_alone(hash, key, Some(now))
        };
        timed.map(|timed| timed.value)
    }

    /// The value that is here, if it may be served in spite of an error.
    pub(super) fn old<Q>(&self, hash: u64, key: &Q) -> Option<Old<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = self.cache.now();
        let shard = self.cache.read(hash);
        let slot = shard.find(hash, key)?;
        self.old_in(&shard, slot, now)
    }

    fn old_in(&self, shard: &Shard<K, Timed<V>, P>, slot: Slot, now: Instant) -> Option<Old<V>> {
        let state = self.state(shard, slot, now);
        let Timed { value, written } = &shard.entry(slot).value;
        (state != State::Gone).then(|| Old {
            value: value.clone(),
            age: now - *written,
            serves: state.serves(),
        })
    }

    /// Looks once more, now that nobody can change it, and registers a flight if it has to be loaded.
    pub(super) fn board<E>(
        &self,
        hash: u64,
        key: Arc<K>,
        depart: impl FnOnce() -> Flight<Timed<V>>,
    ) -> Found<'_, K, V, P, S, E> {
        let (cache, now) = (&*self.cache, self.cache.now());
        let mut shard = cache.write(hash);
        let slot = shard.find(hash, &*key);
        let state = slot.map_or(State::Gone, |slot| self.state(&shard, slot, now));
        if state == State::Fresh
            && let Some(timed) = cache.look_up_in(&mut shard, hash, &*key, Some(now))
        {
            return Found::Served(Served::Fresh(timed.value));
        }
        let old = slot.and_then(|slot| self.old_in(&shard, slot, now));
        let Some(flight) = shard.flights().find(hash, &*key).map(Arc::clone) else {
            let lead = cache.register(&mut shard, hash, key, depart());
            return Found::Leads(lead, old);
        };
        match old.and_then(Served::while_revalidating) {
            Some(served) => Found::Served(served),
            None => Found::Waits(flight, key),
        }
    }
}
