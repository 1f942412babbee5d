use super::{Entry, Shard};
use crate::policy::{Policy, Slot};
use crate::snapshot::Kept;
use alloc::vec::Vec;
use purlin_core::time::Instant;

impl<K, V, P: Policy> Shard<K, V, P> {
    /// A copy of an entry and of the time that is left to it.
    pub(crate) fn keep(&self, slot: Slot, now: Instant) -> Kept<K, V>
    where
        K: Clone,
        V: Clone,
    {
        let Entry { key, value } = self.entry(slot).clone();
        let deadline = self.deadline(slot);
        Kept {
            key,
            value,
            time_left: (deadline < Instant::MAX).then(|| deadline - now),
        }
    }

    /// The entries whose time is not over, the one that is likely to leave first at the beginning. Those that are
    /// pinned, of which the policy knows nothing, are the last.
    pub(crate) fn coldest_first(&self, now: Instant) -> Vec<Slot> {
        let mut order = Vec::new();
        if self.torn {
            return order; // its policy and its entries do not fit each other
        }
        order.reserve_exact(self.entries.len());
        let mut visit = |slot| {
            if self.is_live(slot, || now) {
                order.push(slot);
            }
        };
        self.policy.for_each_coldest(&mut visit);
        let slots = (0..).map(Slot).take(self.entries.len());
        slots
            .filter(|slot| self.pins.contains(*slot))
            .for_each(visit);
        order
    }
}
