use super::Flight;
use alloc::sync::Arc;
use core::borrow::Borrow;
use hashbrown::HashTable;

/// The flights of a shard's keys. Has no memory before the first.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    table: HashTable<InFlight<K, V>>,
    /// Loads that brought a value.
    pub(crate) loaded: u64,
    /// Loads that did not.
    pub(crate) failed: u64,
}

#[derive(Debug)]
pub(crate) struct InFlight<K, V> {
    hash: u64,
    /// Here and with the leader, who needs it outside of the lock.
    key: Arc<K>,
    pub(crate) flight: Arc<Flight<V>>,
}

impl<K, V> Flights<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            table: HashTable::new(),
            loaded: 0,
            failed: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<&Arc<Flight<V>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self
            .table
            .find(hash, |known| (*known.key).borrow() == key)?;
        Some(&found.flight)
    }

    /// The key of a flight that has not been superseded.
    pub(crate) fn key(&self, hash: u64, flight: &Arc<Flight<V>>) -> Option<&Arc<K>> {
        let found = self
            .table
            .find(hash, |known| Arc::ptr_eq(&known.flight, flight))?;
        Some(&found.key)
    }

    /// There must be no flight of this key.
    pub(crate) fn insert(&mut self, hash: u64, key: Arc<K>, flight: Arc<Flight<V>>) {
        let new = InFlight { hash, key, flight };
        self.table.insert_unique(hash, new, |known| known.hash);
    }

    /// Takes out the flight of a key: its load will not enter the cache.
    pub(crate) fn take<Q>(&mut self, hash: u64, key: &Q) -> Option<InFlight<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.take_where(hash, |known| (*known.key).borrow() == key)
    }

    /// Takes out this flight, unless it has been superseded.
    pub(crate) fn take_flight(
        &mut self,
        hash: u64,
        flight: &Arc<Flight<V>>,
    ) -> Option<InFlight<K, V>> {
        self.take_where(hash, |known| Arc::ptr_eq(&known.flight, flight))
    }

    /// Takes out those for which it holds.
    pub(crate) fn take_if(
        &mut self,
        mut condition: impl FnMut(u64, &K) -> bool,
    ) -> impl Iterator<Item = InFlight<K, V>> {
        self.table
            .extract_if(move |known| condition(known.hash, &known.key))
    }

    /// Takes out all.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = InFlight<K, V>> + use<K, V> {
        core::mem::take(&mut self.table).into_iter()
    }

    fn take_where(
        &mut self,
        hash: u64,
        is: impl FnMut(&InFlight<K, V>) -> bool,
    ) -> Option<InFlight<K, V>> {
        let found = self.table.find_entry(hash, is).ok()?;
        Some(found.remove().0)
    }
}
