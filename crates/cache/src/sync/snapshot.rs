//! Entries in hot order: to look at, to keep, to restore.

use super::Cache;
use super::guarded::Writing;
use crate::policy::{Policy, Slot};
use crate::shard::{Incoming, Outbox, Shard};
use crate::snapshot::Snapshot;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::ops::Range;
use purlin_core::time::Instant;

impl<K, V, P, S> Cache<K, V, P, S>
where
    K: Hash + Eq,
    V: Clone,
    P: Policy,
    S: BuildHasher,
{
    /// Up to so many entries that are likely to stay longest, the hottest first, as far as the policy has an
    /// order. Not counted as uses.
    ///
    /// Shards are looked at one after the other, and an entry's place is the share of its shard's entries that is colder. O(len
    /// log len); a shard is locked against writers while it is looked at.
    ///
    /// ```
    /// use purlin_cache::policy::Lru;
    /// use purlin_cache::sync::Cache;
    ///
    /// let cache = Cache::builder(100).policy(Lru::new).build();
    /// for key in 0..10 {
    ///     cache.insert(key, key * key);
    /// }
    /// assert_eq!(cache.hottest(2), [(9, 81), (8, 64)]);
    /// assert_eq!(cache.coldest(2), [(0, 0), (1, 1)]);
    /// ```
    #[must_use]
    pub fn hottest(&self, most: usize) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let mut entries = self.in_hot_order(|len| len.saturating_sub(most)..len, copy);
        entries.reverse();
        entries.truncate(most);
        entries
    }

    /// Up to so many entries that are likely to leave first, the coldest first. As [`hottest`](Self::hottest).
    #[must_use]
    pub fn coldest(&self, most: usize) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let mut entries = self.in_hot_order(|len| 0..most.min(len), copy);
        entries.truncate(most);
        entries
    }

    /// A copy of all entries in hot order, to be [`restored`](Self::restore), shard by shard as
    /// [`hottest`](Self::hottest). Who is pinned counts as hottest.
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    ///
    /// let before = Cache::new(1_000);
    /// before.insert("lime", 3);
    /// let snapshot = before.snapshot();
    ///
    /// let after = Cache::new(10);
    /// after.restore(snapshot);
    /// assert_eq!(after.get("lime"), Some(3));
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<K, V>
    where
        K: Clone,
    {
        Snapshot::new(self.in_hot_order(|len| 0..len, Shard::keep))
    }

    /// Puts the hottest entries of a snapshot in for which there is room, so that who was hotter stays longer.
    ///
    /// Nothing that is here leaves for them (unless others insert at the same time), no value is replaced, and what is being
    /// loaded is left to who loads it. Their time goes on, but not beyond this cache's time to live; those that
    /// had no end to theirs live as this cache has it. O(len of the snapshot).
    pub fn restore(&self, snapshot: Snapshot<K, V>) {
        let room = self.max_capacity().saturating_sub(self.weighted_size());
        let kept = snapshot.hottest_within(room, |key, value| self.weigh(key, value));
        let now = self.now();
        for (kept, weight) in kept {
            let mut out = Outbox::new();
            let hash = self.hasher.hash_one(&kept.key);
            self.put_if_unknown(kept.incoming(hash, weight, now), now, &mut out);
            self.deliver(out);
        }
    }

    /// Puts an entry in if its key is neither here nor being loaded.
    fn put_if_unknown(&self, new: Incoming<K, V>, now: Instant, out: &mut Outbox<K, V>) {
        let mut shard = self.write(new.hash);
        let is_unknown = |shard: &mut Writing<'_, K, V, P>, new: &Incoming<K, V>| {
            let key = &new.entry.key;
            shard.find_live(new.hash, key, || now).is_none()
                && shard.flights().find(new.hash, key).is_none()
        };
        if is_unknown(&mut shard, &new) {
            self.put_into(shard, new, is_unknown, out);
        }
    }

    /// What `copy` makes of the entries of all shards, the coldest first; of each shard those that `range` chooses
    /// by how many there are.
    fn in_hot_order<T>(
        &self,
        range: impl Fn(usize) -> Range<usize>,
        copy: impl Fn(&Shard<K, V, P>, Slot, Instant) -> T,
    ) -> Vec<T> {
        let mut ranked = Vec::new();
        for at in 0..self.shards.count() {
            let now = self.now();
            let shard = self.read_at(at);
            let order = shard.coldest_first(now);
            for rank in range(order.len()) {
                // Keys fall to shards by chance, so the same share of each is colder.
                let heat = (rank as f64 + 0.5) / order.len() as f64;
                ranked.push((heat, copy(&shard, order[rank], now)));
            }
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        ranked.into_iter().map(|(_, made)| made).collect()
    }
}

fn copy<K: Clone, V: Clone, P: Policy>(shard: &Shard<K, V, P>, slot: Slot, _: Instant) -> (K, V) {
    let entry = shard.entry(slot).clone();
    (entry.key, entry.value)
}
