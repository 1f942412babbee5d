use super::{Shard, Slot};
use crate::policy::Policy;
use alloc::vec;
use core::hash::{BuildHasher, Hash};

impl<K, V, P: Policy> Shard<K, V, P> {
    /// Panics when index, entries, policy, pins, weights and times do not fit each other. O(n). What a panic
    /// has torn is not looked at: it is emptied before it is used again.
    pub(crate) fn check_invariants<S: BuildHasher>(&self, hasher: &S)
    where
        K: Hash + Eq,
    {
        if self.torn {
            return;
        }
        let len = self.entries.len();
        for (slot, entry) in (0..).map(Slot).zip(&self.entries) {
            let found = self.find(hasher.hash_one(&entry.key), &entry.key);
            assert_eq!(found, Some(slot), "the index finds each entry in its place");
        }
        let weight = self.weights.as_ref().map_or(len as u64, |weights| {
            assert_eq!(weights.len(), len, "each entry has a weight");
            weights.iter().sum()
        });
        assert_eq!(self.used, weight, "what is used is what the entries weigh");
        assert_eq!(
            self.policy.len() + self.pins.len(),
            len,
            "the policy knows what is not pinned"
        );
        let mut seen = vec![false; len];
        self.policy.for_each_coldest(&mut |slot| {
            assert!(!self.pins.contains(slot), "{slot:?} is pinned");
            let seen = &mut seen[slot.index()];
            assert!(!core::mem::replace(seen, true), "{slot:?} comes twice");
        });
        let seen = seen.iter().filter(|seen| **seen).count();
        assert_eq!(seen, self.policy.len(), "the policy shows all it knows");
        self.policy.check_invariants();
        if let Some(times) = &self.times {
            times.check_invariants();
        }
    }
}
