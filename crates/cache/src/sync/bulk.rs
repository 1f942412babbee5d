use super::Cache;
use super::lead::Lead;
use super::load::{Boarding, cannot_fail, settled};
use crate::load::{Flight, LoadError};
use crate::policy::Policy;
use crate::shard::Seen;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};
use hashbrown::HashTable;

/// Many keys at once.
impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// The values of many keys, in their order. Each shard is locked once.
    ///
    /// It is not a snapshot: keys of different shards are looked up one after the other. O(n log n).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// let cache: Cache<String, u32> = Cache::new(100);
    /// cache.insert("a".into(), 1);
    /// assert_eq!(cache.get_many(["a", "b"]), [Some(1), None]);
    /// ```
    pub fn get_many<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> Vec<Option<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'q,
    {
        let mut sought: Vec<_> = keys
            .into_iter()
            .enumerate()
            .map(|(place, key)| (self.hasher.hash_one(key), place, key))
            .collect();
        let mut values = vec![None; sought.len()];
        sought.sort_unstable_by_key(|&(hash, place, _)| (self.shards.home(hash), place));
        for group in sought.chunk_by(|a, b| self.shards.home(a.0) == self.shards.home(b.0)) {
            self.get_group(group, &mut values);
        }
        if self.records_stats {
            for &(hash, place, _) in &sought {
                self.shards.count_lookup(hash, values[place].is_some());
            }
        }
        values
    }

    /// Keys of one shard.
    fn get_group<Q>(&self, group: &[(u64, usize, &Q)], values: &mut [Option<V>])
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let home = self.shards.home(group[0].0);
        if self.shares_hits && self.lifetimes.expiry.is_none() {
            let shard = self.read_at(home);
            for &(hash, place, key) in group {
                values[place] = shard
                    .find(hash, key)
                    .filter(|slot| shard.read(*slot, &self.lifetimes, None) == Seen::Alive)
                    .map(|slot| {
                        shard.hit_shared(slot, hash);
                        shard.entry(slot).value.clone()
                    });
            }
        } else {
            let mut shard = self.write_at(home);
            for &(hash, place, key) in group {
                values[place] = self.use_entry(&mut shard, hash, key, None);
            }
        }
    }

    /// The values of many keys, in their order; those that are not here are loaded by one call of `init`.
    ///
    /// `init` gets the keys that are neither here nor being loaded by others, each once, and returns their
    /// values in any order. A key that it leaves out has no value, and is asked for again next time.
    /// What it brings for keys that it was not given is dropped: nothing would notice an invalidation
    /// of them meanwhile. Then this waits for what others load; where they bring nothing, `init` is called again.
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
    /// let cache = Cache::new(100);
    /// cache.insert(1, "one");
    /// let values = cache.get_all_with([1, 2, 3], |missing| {
    ///     assert_eq!(missing, [2, 3]); // one query for both
    ///     [(2, "two")]
    /// });
    /// assert_eq!(values, [Some("one"), Some("two"), None]);
    /// ```
    pub fn get_all_with<I>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut init: impl FnMut(&[K]) -> I,
    ) -> Vec<Option<V>>
    where
        K: Clone,
        I: IntoIterator<Item = (K, V)>,
    {
        let keys = keys.into_iter().collect();
        let init = |missing: &[K]| Ok::<_, Infallible>(init(missing));
        match self.load_all(keys, init, true) {
            Ok(values) => values,
            Err(error) => cannot_fail(&error),
        }
    }

    /// [`get_all_with`](Self::get_all_with) by a loader that may fail. Errors are not kept.
    ///
    /// # Errors
    ///
    /// As [`try_get_with`](Self::try_get_with). What was loaded before the error is in the cache.
    pub fn try_get_all_with<I, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        init: impl FnMut(&[K]) -> Result<I, E>,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        K: Clone,
        I: IntoIterator<Item = (K, V)>,
        E: Send + Sync + 'static,
    {
        self.load_all(keys.into_iter().collect(), init, false)
    }

    fn load_all<I, E>(
        &self,
        keys: Vec<K>,
        mut init: impl FnMut(&[K]) -> Result<I, E>,
        retries: bool,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        K: Clone,
        I: IntoIterator<Item = (K, V)>,
        E: Send + Sync + 'static,
    {
        let mut values = self.get_many(&keys);
        let mut open: Vec<usize> = (0..keys.len()).filter(|&at| values[at].is_none()).collect();
        while !open.is_empty() {
            let mut round = Round::new(&self.hasher);
            let mut waits = Vec::new();
            for at in open {
                let (key, hash) = (&keys[at], self.hasher.hash_one(&keys[at]));
                if round.repeats(hash, key, at) {
                    continue;
                }
                match self.board(hash, Arc::new(key.clone()), Flight::led_here) {
                    Boarding::Present(value) => values[at] = Some(value),
                    Boarding::Leads(lead) => round.add(hash, key.clone(), at, lead),
                    Boarding::Waits(flight, _) => waits.push((at, flight)),
                }
            }
            // First what this one leads: two who wait for each other's keys are done before they wait.
            round.fly(&mut init, &mut values)?;
            open = Vec::new();
            for (at, flight) in waits {
                let outcome = self.waits.wait(&flight).ok_or(LoadError::Reentrant)?;
                match settled(outcome, retries) {
                    Some(result) => values[at] = Some(result?),
                    None => open.push(at),
                }
            }
        }
        Ok(values)
    }
}

/// Flights that are led by one call of a loader.
struct Round<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    hasher: &'a S,
    keys: Vec<K>,
    hashes: Vec<u64>,
    /// Those that have not landed.
    leads: Vec<Option<Lead<'a, K, V, P, S>>>,
    /// For whom: places of values, and numbers of keys.
    places: Vec<(usize, usize)>,
    /// Number of a key.
    numbers: HashTable<usize>,
}

impl<'a, K, V, P, S> Round<'a, K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    const fn new(hasher: &'a S) -> Self {
        Self {
            hasher,
            keys: Vec::new(),
            hashes: Vec::new(),
            leads: Vec::new(),
            places: Vec::new(),
            numbers: HashTable::new(),
        }
    }

    fn find(&self, hash: u64, key: &K) -> Option<usize> {
        self.numbers
            .find(hash, |&number| self.keys[number] == *key)
            .copied()
    }

    /// Whether the key is one of this round already; then its value is put to this place, too.
    fn repeats(&mut self, hash: u64, key: &K, place: usize) -> bool {
        let number = self.find(hash, key);
        self.places.extend(number.map(|number| (place, number)));
        number.is_some()
    }

    fn add(&mut self, hash: u64, key: K, place: usize, lead: Lead<'a, K, V, P, S>) {
        let number = self.keys.len();
        self.keys.push(key);
        self.hashes.push(hash);
        self.leads.push(Some(lead));
        self.places.push((place, number));
        self.numbers
            .insert_unique(hash, number, |&number| self.hashes[number]);
    }

    /// Loads and lands all.
    fn fly<I, E>(
        mut self,
        init: &mut impl FnMut(&[K]) -> Result<I, E>,
        values: &mut [Option<V>],
    ) -> Result<(), LoadError<E>>
    where
        I: IntoIterator<Item = (K, V)>,
        E: Send + Sync + 'static,
    {
        if self.keys.is_empty() {
            return Ok(());
        }
        let pairs = match init(&self.keys) {
            Ok(pairs) => pairs,
            Err(error) => {
                let error = Arc::new(error);
                for lead in self.leads.into_iter().flatten() {
                    let _inserted = lead.fail(Arc::clone(&error));
                }
                return Err(LoadError::Failed(error));
            }
        };
        let mut landed: Vec<Option<V>> = vec![None; self.keys.len()];
        for (key, value) in pairs {
            let Some(number) = self.find(self.hasher.hash_one(&key), &key) else {
                continue;
            };
            if let Some(lead) = self.leads[number].take() {
                landed[number] = Some(lead.land(value));
            }
        }
        for lead in self.leads.into_iter().flatten() {
            lead.land_absent(None);
        }
        for (place, number) in self.places {
            values[place].clone_from(&landed[number]);
        }
        Ok(())
    }
}
