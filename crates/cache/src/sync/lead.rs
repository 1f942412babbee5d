use super::Cache;
use super::guarded::Writing;
use super::put::{BURIED_AT_ONCE, TRIES};
use crate::lifetime::Life;
use crate::listener::RemovalCause;
use crate::load::{Flight, Outcome, SharedError};
use crate::policy::Policy;
use crate::shard::{Entry, Incoming, Inserted, Outbox};
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};

/// Who has one has to end its flight. Dropped without, by a panic of the loader, it ends it as panicked.
pub(super) struct Lead<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    cache: &'a Cache<K, V, P, S>,
    hash: u64,
    /// The other one is in the table of flights. None if it is known to be superseded.
    key: Option<Arc<K>>,
    flight: Arc<Flight<V>>,
    has_landed: bool,
}

impl<'a, K, V, P, S> Lead<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    pub(super) const fn new(
        cache: &'a Cache<K, V, P, S>,
        hash: u64,
        key: Option<Arc<K>>,
        flight: Arc<Flight<V>>,
    ) -> Self {
        Self {
            cache,
            hash,
            key,
            flight,
            has_landed: false,
        }
    }

    /// The key, if it is known.
    pub(super) fn key(&self) -> Option<&K> {
        self.key.as_deref()
    }

    /// The flight, for one who does not lead it but lets others do so.
    pub(super) fn into_flight(mut self) -> Arc<Flight<V>> {
        self.has_landed = true;
        Arc::clone(&self.flight)
    }

    /// Puts what was loaded into the cache and lands the flight, at once for all who look; unless the flight
    /// was superseded: then it only lands. Returns what it landed with.
    pub(super) fn land(self, value: V) -> V {
        self.land_living(value, Life::Usual)
    }

    /// The same for a value that lives so long.
    pub(super) fn land_living(mut self, value: V, life: Life) -> V {
        let weight = self
            .key
            .as_ref()
            .map_or(1, |key| self.cache.weigh(key, &value));
        let mut out = Outbox::new();
        let landed = self.complete(value, life, weight, &mut out);
        self.has_landed = true;
        self.flight.announce();
        self.cache.deliver(out);
        landed
    }

    /// Lands it with an error. If a value was inserted meanwhile, this is what it has landed with.
    pub(super) fn fail<E: Send + Sync + 'static>(self, error: Arc<E>) -> Result<V, Arc<E>> {
        let shared: SharedError = error.clone();
        self.fail_shared(shared).ok_or(error)
    }

    /// The same, when the type of the error is forgotten. Returns the value, if one was inserted.
    pub(super) fn fail_shared(mut self, error: SharedError) -> Option<V> {
        self.end(Outcome::Failed(error));
        self.flight.value()
    }

    /// Lands it without a value, and takes the one out that is here, for the reason given.
    pub(super) fn land_absent(mut self, removed: Option<RemovalCause>) {
        let cache = self.cache;
        let mut out = Outbox::new();
        let mut shard = cache.write(self.hash);
        if let Some(cause) = removed
            && let Some(key) = self.take_key(&mut shard)
        {
            if let Some(slot) = shard.find(self.hash, &key) {
                let live = shard.is_live(slot, || cache.now());
                let cause = if live { cause } else { RemovalCause::Expired };
                let mut budget = &cache.budget;
                shard.expel(slot, self.hash, cause, &cache.hasher, &mut budget, &mut out);
            }
            // Dropped by the user's code, when the lock is gone.
            self.key = Some(Arc::new(key));
        }
        drop(shard);
        self.end(Outcome::Absent);
        cache.deliver(out);
    }

    fn end(&mut self, outcome: Outcome<V>) {
        self.has_landed = true;
        let mut shard = self.cache.write(self.hash);
        let entry = shard.flights().take_flight(self.hash, &self.flight);
        if !matches!(outcome, Outcome::Absent) {
            shard.flights().failed += 1;
        }
        self.flight.land(outcome);
        drop(shard);
        drop(entry);
        self.flight.announce();
    }

    fn complete(&mut self, mut value: V, life: Life, weight: u64, out: &mut Outbox<K, V>) -> V {
        let cache = self.cache;
        let (share, mut floor) = cache.share_and_floor();
        for tries_left in (0..TRIES).rev() {
            let mut shard = cache.write(self.hash);
            let Some(key) = self.take_key(&mut shard) else {
                shard.flights().loaded += 1;
                break;
            };
            let landing = value.clone();
            let new = Incoming::new(self.hash, Entry { key, value }, weight);
            let new = Incoming { life, ..new };
            let Some(back) = self.put(&mut shard, new, floor, tries_left == 0, out) else {
                shard.flights().loaded += 1;
                return self.flight.land_value(landing);
            };
            // Others make room. It stays in flight meanwhile, so that a change of the key is seen.
            let key = Arc::new(back.key);
            self.key = Some(Arc::clone(&key));
            shard
                .flights()
                .insert(self.hash, key, Arc::clone(&self.flight));
            drop(shard);
            value = back.value;
            cache.make_room_elsewhere(self.hash, weight, share, out);
            floor = 0;
        }
        // Superseded: it is for those who waited.
        self.flight.land_value(value)
    }

    /// Gives the entry back if there is no room for it, unless this is the last try.
    fn put(
        &self,
        shard: &mut Writing<'_, K, V, P>,
        new: Incoming<K, V>,
        floor: u64,
        is_last: bool,
        out: &mut Outbox<K, V>,
    ) -> Option<Entry<K, V>> {
        let cache = self.cache;
        if new.weight > cache.budget.capacity() {
            cache.reject(shard, new, out);
            return None;
        }
        shard.bury(BURIED_AT_ONCE, out);
        match shard.insert(
            new,
            floor,
            &cache.hasher,
            &cache.lifetimes,
            &mut &cache.budget,
            out,
        ) {
            Inserted::Done | Inserted::Rejected => None,
            Inserted::Homeless(new) if is_last => {
                cache.reject(shard, new, out);
                None
            }
            Inserted::Homeless(new) => Some(new.entry),
        }
    }

    /// Takes the flight out of the table and its key out of both places. None, and the key stays to be dropped
    /// later, if the flight has been superseded.
    fn take_key(&mut self, shard: &mut Writing<'_, K, V, P>) -> Option<K> {
        let entry = shard.flights().take_flight(self.hash, &self.flight)?;
        drop(entry); // not the last of its kind: the other is ours
        self.key.take().and_then(Arc::into_inner)
    }
}

impl<K, V, P, S> Drop for Lead<'_, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn drop(&mut self) {
        if !self.has_landed {
            self.end(Outcome::Panicked);
        }
    }
}
