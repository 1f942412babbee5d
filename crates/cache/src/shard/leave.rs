//! How entries leave.

use super::{Budget, Entry, Outbox, Shard};
use crate::index::Index;
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

impl<K, V, P: Policy> Shard<K, V, P> {
    /// Takes an entry out, for the reason given.
    pub(crate) fn expel<S: BuildHasher>(
        &mut self,
        slot: Slot,
        hash: u64,
        cause: RemovalCause,
        hasher: &S,
        budget: &mut impl Budget,
        out: &mut Outbox<K, V>,
    ) where
        K: Hash,
    {
        let weight = self.weight(slot);
        let entry = self.detach_known(slot, hash, hasher);
        self.give(weight, budget);
        self.leave(entry, cause, out);
    }

    /// Takes an entry out for its user, who is told nothing that they do not know.
    pub(crate) fn remove<S: BuildHasher>(
        &mut self,
        slot: Slot,
        hash: u64,
        hasher: &S,
        budget: &mut impl Budget,
    ) -> Entry<K, V>
    where
        K: Hash,
    {
        let weight = self.weight(slot);
        let entry = self.detach_known(slot, hash, hasher);
        self.give(weight, budget);
        self.counters.removed[RemovalCause::Explicit as usize] += 1;
        entry
    }

    /// Lets the policy choose an entry to leave. False if it has none to choose.
    pub(crate) fn evict<S: BuildHasher>(
        &mut self,
        hasher: &S,
        budget: &mut impl Budget,
        out: &mut Outbox<K, V>,
    ) -> bool
    where
        K: Hash,
    {
        self.torn = true;
        let victim = self.policy.evict();
        if let Some(slot) = victim {
            let weight = self.weight(slot);
            self.detach_evicted(slot, hasher, out);
            self.give(weight, budget);
        }
        self.torn = false;
        victim.is_some()
    }

    /// Forgets everything, in constant time; `policy` is a new one. The entries are bailed out by
    /// [`bury`](Self::bury), a few at a time.
    pub(crate) fn clear(&mut self, policy: P, budget: &mut impl Budget) {
        let entries = core::mem::take(&mut self.entries);
        self.counters.removed[RemovalCause::Cleared as usize] += entries.len() as u64;
        if self.dying.is_empty() {
            self.dying = entries;
        } else {
            self.dying.extend(entries);
        }
        self.index = Index::new();
        self.policy = policy;
        self.weights = self.weights.as_ref().map(|_| Vec::new());
        self.pins.clear();
        if let Some(times) = &mut self.times {
            times.clear();
        }
        self.give(self.used, budget);
        self.torn = false;
    }

    /// Hands out up to so many of the entries that were cleared.
    #[inline]
    pub(crate) fn bury(&mut self, most: usize, out: &mut Outbox<K, V>) {
        if !self.dying.is_empty() {
            self.bury_some(most, out);
        }
    }

    #[cold]
    fn bury_some(&mut self, most: usize, out: &mut Outbox<K, V>) {
        let left = self.dying.len().saturating_sub(most);
        for entry in self.dying.drain(left..).rev() {
            out.push(entry, RemovalCause::Cleared);
        }
        if left == 0 {
            self.dying = Vec::new();
        }
    }

    /// Whether nothing that was cleared is left.
    #[cfg(feature = "std")]
    pub(crate) fn is_buried(&self) -> bool {
        self.dying.is_empty()
    }

    /// Takes an entry out that the policy knows, or that is pinned.
    pub(super) fn detach_known<S: BuildHasher>(
        &mut self,
        slot: Slot,
        hash: u64,
        hasher: &S,
    ) -> Entry<K, V>
    where
        K: Hash,
    {
        self.torn = true;
        if !self.pins.remove(slot) {
            self.policy.remove(slot, hash);
        }
        let entry = self.detach(slot, hash, hasher);
        self.torn = false;
        entry
    }

    /// Takes an entry out that the policy has just chosen.
    pub(super) fn detach_evicted<S: BuildHasher>(
        &mut self,
        slot: Slot,
        hasher: &S,
        out: &mut Outbox<K, V>,
    ) where
        K: Hash,
    {
        let hash = hasher.hash_one(&self.entry(slot).key);
        self.policy.departed(slot, hash);
        let entry = self.detach(slot, hash, hasher);
        self.leave(entry, RemovalCause::Size, out);
    }

    /// Takes an entry out that the policy has forgotten. The last one moves into its place.
    fn detach<S: BuildHasher>(&mut self, slot: Slot, hash: u64, hasher: &S) -> Entry<K, V>
    where
        K: Hash,
    {
        self.index.remove(hash, slot, |other| {
            hasher.hash_one(&self.entries[other.index()].key)
        });
        let last = Slot::at(self.entries.len() - 1);
        if let Some(times) = &mut self.times {
            times.remove(slot);
            times.relocate(last, slot);
        }
        if last != slot {
            let moved = hasher.hash_one(&self.entry(last).key);
            self.index.relocate(moved, last, slot);
            if self.pins.remove(last) {
                self.pins.insert(slot);
            } else {
                self.policy.relocate(last, slot);
            }
        }
        if let Some(weights) = &mut self.weights {
            weights.swap_remove(slot.index());
        }
        self.entries.swap_remove(slot.index())
    }

    pub(super) fn leave(
        &mut self,
        entry: Entry<K, V>,
        cause: RemovalCause,
        out: &mut Outbox<K, V>,
    ) {
        self.counters.removed[cause as usize] += 1;
        out.push(entry, cause);
    }
}
