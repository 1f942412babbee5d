//! Entries in hot order: to look at, to keep, to restore.

use super::Cache;
use crate::policy::Policy;
use crate::shard::Outbox;
use crate::snapshot::Snapshot;
use core::hash::{BuildHasher, Hash};

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    P: Policy,
    S: BuildHasher,
{
    /// Up to so many entries that are likely to stay longest, the hottest first, as far as the policy has an
    /// order. Not counted as uses. O(len), or O(len log len).
    ///
    /// ```
    /// use purlin_cache::policy::Lru;
    /// use purlin_cache::unsync::Cache;
    ///
    /// let mut cache = Cache::builder(100).policy(Lru::new).build_unsync();
    /// for key in 0..10 {
    ///     cache.insert(key, ());
    /// }
    /// assert!(cache.hottest(2).map(|(key, _)| *key).eq([9, 8]));
    /// ```
    pub fn hottest(&self, most: usize) -> impl Iterator<Item = (&K, &V)> {
        self.coldest(usize::MAX).rev().take(most)
    }

    /// Up to so many entries that are likely to leave first, the coldest first. As [`hottest`](Self::hottest).
    pub fn coldest(&self, most: usize) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let mut order = self.shard.coldest_first(self.now());
        order.truncate(most);
        order.into_iter().map(|slot| {
            let entry = self.shard.entry(slot);
            (&entry.key, &entry.value)
        })
    }

    /// A copy of all entries in hot order, to be [`restored`](Self::restore). Who is pinned counts as hottest. O(len).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<K, V>
    where
        K: Clone,
        V: Clone,
    {
        let now = self.now();
        let order = self.shard.coldest_first(now).into_iter();
        Snapshot::new(order.map(|slot| self.shard.keep(slot, now)).collect())
    }

    /// Puts the hottest entries of a snapshot in for which there is room, so that who was hotter stays longer.
    ///
    /// Nothing that is here leaves for them, and no value is replaced. Their time goes on, but not beyond this cache's
    /// time to live; those that had no end to theirs live as this cache has it. O(len of the snapshot).
    pub fn restore(&mut self, snapshot: Snapshot<K, V>) {
        self.mend();
        let room = self.budget.capacity - self.budget.used.min(self.budget.capacity);
        let kept = snapshot.hottest_within(room, |key, value| self.weigh(key, value));
        let now = self.now();
        for (kept, weight) in kept {
            if self.contains_key(&kept.key) {
                continue;
            }
            let mut out = Outbox::new();
            let hash = self.hasher.hash_one(&kept.key);
            self.put(kept.incoming(hash, weight, now), &mut out);
            self.deliver(out);
        }
    }
}
