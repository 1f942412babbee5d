//! Two caches, a small fast one before a large slow one.
//!
//! What is found in the second is promoted to the first. An *inclusive* pair keeps everything that is in the first in the second,
//! too; an *exclusive* one keeps each value in one of them, and what the first evicts moves to the second.

mod victims;

use crate::builder::Builder;
use crate::policy::Policy;
use crate::primitives::RwLock;
use crate::store::KeyLocks;
use crate::sync::Cache;
use crate::tags::{Mark, Tags};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::sync::PoisonError;
use victims::Victims;

/// A cache that can be one of two.
///
/// # Implementing
///
/// Do make each call atomic for its key. A tier that can fail (another machine, a disk) finds nothing and forgets where it does, but it
/// must not keep in [`invalidate`](Self::invalidate) and [`insert`](Self::insert) what was there before: rather
/// block, or panic. Do not use the [`Tiered`] that calls.
pub trait Tier<K, V> {
    /// The value of a key, if it is here.
    fn get(&self, key: &K) -> Option<V>;

    /// Puts a value in the place of what is here. It may leave at any time, and need not come in.
    fn insert(&self, key: K, value: V);

    /// Removes a key.
    fn invalidate(&self, key: &K);

    /// Removes everything.
    fn invalidate_all(&self);
}

impl<K, V, P, S> Tier<K, V> for Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    fn get(&self, key: &K) -> Option<V> {
        Self::get(self, key)
    }

    fn insert(&self, key: K, value: V) {
        Self::insert(self, key, value);
    }

    fn invalidate(&self, key: &K) {
        Self::invalidate(self, key);
    }

    fn invalidate_all(&self) {
        Self::invalidate_all(self);
    }
}

macro_rules! through_pointer {
    ($($pointer:ty),*) => {$(
        impl<K, V, T: Tier<K, V> + ?Sized> Tier<K, V> for $pointer {
            fn get(&self, key: &K) -> Option<V> {
                (**self).get(key)
            }

            fn insert(&self, key: K, value: V) {
                (**self).insert(key, value);
            }

            fn invalidate(&self, key: &K) {
                (**self).invalidate(key);
            }

            fn invalidate_all(&self) {
                (**self).invalidate_all();
            }
        }
    )*};
}

through_pointer!(&T, Box<T>, Arc<T>);

/// Two [`Tier`]s as one.
///
/// Whoever finds a key in the first needs nothing else. Everything else about a key (promotion, insertion, invalidation,
/// demotion) happens one at a time, under a lock of that key: so a promotion does not bring back what was
/// invalidated meanwhile, and many who miss a key ask the second tier one after the other, of whom the first
/// brings it up. **Invalidation goes to the second tier first**: as long as it has the value, others who share it could bring it up
/// again.
///
/// Times to live are those of each tier, and start anew when a value moves. Tiers and their listeners must not use the pair.
///
/// # Examples
///
/// ```
/// use purlin_cache::Builder;
/// use purlin_cache::sync::Cache;
/// use purlin_cache::tiered::Tiered;
///
/// let tiers = Tiered::exclusive(Builder::new(2), Cache::new(100));
/// for key in 0..10 {
///     tiers.insert(key, key * key);
/// }
/// assert_eq!((tiers.first().len(), tiers.second().len()), (2, 8));
/// assert!((0..10).all(|key| tiers.get(&key) == Some(key * key)));
/// tiers.invalidate(&7);
/// assert_eq!(tiers.get(&7), None);
/// ```
pub struct Tiered<K, V, L1, L2> {
    first: L1,
    second: L2,
    locks: KeyLocks<K>,
    /// Held for writing while everything is removed.
    all: RwLock<()>,
    demotion: Option<Demotion<K, V>>,
}

struct Demotion<K, V> {
    victims: Arc<Victims<K, V>>,
    /// Keys as tags: when each was changed.
    changes: Tags<K>,
}

impl<K, V, L1, L2> Tiered<K, V, L1, L2>
where
    K: Hash + Eq + Clone,
    V: Clone,
    L1: Tier<K, V>,
    L2: Tier<K, V>,
{
    /// Writes go to both, promotions copy. What the first evicts is in the second, unless that has evicted it before.
    #[must_use]
    pub fn inclusive(first: L1, second: L2) -> Self {
        Self::new(first, second, None)
    }

    fn new(first: L1, second: L2, demotion: Option<Demotion<K, V>>) -> Self {
        Self {
            first,
            second,
            locks: KeyLocks::new(),
            all: RwLock::new(()),
            demotion,
        }
    }

    /// The value of a key, from the first tier that has it.
    ///
    /// In an exclusive pair, a value that moves down at this moment may be missed.
    pub fn get(&self, key: &K) -> Option<V> {
        if let Some(value) = self.first.get(key) {
            return Some(value);
        }
        let (mark, found) = self.alone(key, |mark| {
            if let Some(value) = self.first.get(key) {
                return Some((value, Vec::new()));
            }
            let value = self.second.get(key)?;
            if mark.is_some() {
                self.second.invalidate(key);
            }
            let victims = self.raise(key.clone(), value.clone());
            Some((value, victims))
        });
        let (value, victims) = found?;
        self.demote(mark, victims);
        Some(value)
    }

    /// Puts a value in: into both tiers, or, in an exclusive pair, into the first.
    pub fn insert(&self, key: K, value: V) {
        let (mark, victims) = self.change(&key, |mark| {
            // Whatever panics from here on: no tier has an older value than the next one.
            if mark.is_some() {
                self.second.invalidate(&key);
            } else {
                self.first.invalidate(&key);
                self.second.insert(key.clone(), value.clone());
            }
            self.raise(key.clone(), value)
        });
        self.demote(mark, victims);
    }

    /// Removes a key from the second tier, then from the first.
    pub fn invalidate(&self, key: &K) {
        self.change(key, |_| {
            self.second.invalidate(key);
            self.first.invalidate(key);
        });
    }

    /// Removes everything. Waits for changes that are under way, and holds others up.
    pub fn invalidate_all(&self) {
        let _alone = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(demotion) = &self.demotion {
            demotion.changes.invalidate_all();
        }
        self.second.invalidate_all();
        self.first.invalidate_all();
    }

    /// The fast one.
    pub const fn first(&self) -> &L1 {
        &self.first
    }

    /// The large one.
    pub const fn second(&self) -> &L2 {
        &self.second
    }

    /// Does something about a key while nobody else does. Tells, and returns, when that was, for an exclusive pair.
    fn alone<R>(&self, key: &K, act: impl FnOnce(Option<Mark>) -> R) -> (Option<Mark>, R) {
        let _shared = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let _locked = self.locks.lock(key);
        let mark = self
            .demotion
            .as_ref()
            .map(|demotion| demotion.changes.mark());
        (mark, act(mark))
    }

    /// The same, and values of the key that others are about to demote are out of date.
    fn change<R>(&self, key: &K, act: impl FnOnce(Option<Mark>) -> R) -> (Option<Mark>, R) {
        let _shared = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let _locked = self.locks.lock(key);
        let mark = self.demotion.as_ref().map(|demotion| {
            demotion.changes.invalidate(key);
            demotion.changes.mark()
        });
        (mark, act(mark))
    }

    /// Puts a value into the first tier. Returns what had to leave for it, to be demoted when the key is unlocked: nobody has two keys.
    fn raise(&self, key: K, value: V) -> Vec<(K, V)> {
        let collected = self
            .demotion
            .as_ref()
            .map(|demotion| demotion.victims.collect());
        self.first.insert(key, value);
        collected.map_or_else(Vec::new, |collected| collected.finish())
    }

    fn demote(&self, mark: Option<Mark>, victims: Vec<(K, V)>) {
        let Some((demotion, mark)) = self.demotion.as_ref().zip(mark) else {
            return;
        };
        for (key, value) in victims {
            let _shared = self.all.read().unwrap_or_else(PoisonError::into_inner);
            let _locked = self.locks.lock(&key);
            if demotion.changes.is_untouched(mark, &key) {
                self.second.insert(key.clone(), value);
            }
        }
    }
}

impl<K, V, P, S, L2> Tiered<K, V, Cache<K, V, P, S>, L2>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + 'static,
    P: Policy,
    S: BuildHasher,
    L2: Tier<K, V>,
{
    /// Each value is in one of both; what the first evicts or rejects goes to the second. Takes the place of an
    /// `eviction_listener` of the builder.
    #[must_use]
    pub fn exclusive(first: Builder<K, V, P, S>, second: L2) -> Self {
        let victims = Arc::new(Victims::new());
        let theirs = Arc::clone(&victims);
        let first = first
            .eviction_listener(move |key, value, cause| theirs.push(key, value, cause))
            .build();
        let demotion = Demotion {
            victims,
            changes: Tags::new(),
        };
        Self::new(first, second, Some(demotion))
    }
}

impl<K, V, L1: fmt::Debug, L2: fmt::Debug> fmt::Debug for Tiered<K, V, L1, L2> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiered")
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}
