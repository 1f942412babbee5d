//! How an entry comes in.

use super::{Budget, Incoming, Outbox, Shard};
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use core::hash::{BuildHasher, Hash};

/// What [`make_room`](Shard::make_room) has come to.
pub(super) enum Room {
    /// It is there; perhaps with the place of an entry that the policy has let go.
    Found(Option<Slot>),
    Refused,
    None,
}

impl<K, V, P: Policy> Shard<K, V, P> {
    /// Takes budget or makes entries leave until `need` is there, of which `spare` is already. The
    /// last one that leaves keeps its place in the array, for the new entry.
    pub(super) fn make_room<S: BuildHasher>(
        &mut self,
        need: u64,
        mut spare: u64,
        floor: u64,
        hasher: &S,
        budget: &mut impl Budget,
        out: &mut Outbox<K, V>,
    ) -> Room
    where
        K: Hash,
    {
        let mut hole = None;
        while spare < need {
            if self.entries.len() < Slot::MOST && self.take(need - spare, budget) {
                spare = need;
                break;
            }
            if self.used - spare <= floor {
                self.give(spare, budget);
                return Room::None;
            }
            let Some(slot) = self.policy.evict() else {
                self.give(spare, budget);
                let refused = self.policy.rejects() && !self.policy.is_empty();
                return if refused { Room::Refused } else { Room::None };
            };
            spare = spare.saturating_add(self.weight(slot));
            if spare >= need {
                hole = Some(slot);
            } else {
                self.detach_evicted(slot, hasher, out);
            }
        }
        self.give(spare - need, budget);
        Room::Found(hole)
    }

    /// Puts an entry into the place of one that the policy has let go, or behind the last.
    pub(super) fn place<S: BuildHasher>(
        &mut self,
        new: Incoming<K, V>,
        hole: Option<Slot>,
        hasher: &S,
        out: &mut Outbox<K, V>,
    ) -> Slot
    where
        K: Hash,
    {
        let Incoming {
            hash,
            entry,
            weight,
            ..
        } = new;
        let slot = if let Some(slot) = hole {
            if let Some(times) = &mut self.times {
                times.remove(slot);
            }
            let old_hash = hasher.hash_one(&self.entry(slot).key);
            self.policy.departed(slot, old_hash);
            self.index.remove(old_hash, slot, |other| {
                hasher.hash_one(&self.entries[other.index()].key)
            });
            let old = core::mem::replace(&mut self.entries[slot.index()], entry);
            self.leave(old, RemovalCause::Size, out);
            slot
        } else {
            self.reserve_one(hasher);
            self.entries.push(entry);
            Slot::at(self.entries.len() - 1)
        };
        self.counters.inserted += 1;
        self.index.insert(hash, slot);
        self.set_weight(slot, weight);
        self.policy.insert(slot, hash);
        self.follow_weights();
        slot
    }

    /// Makes room for one more entry in the arrays.
    fn reserve_one<S: BuildHasher>(&mut self, hasher: &S)
    where
        K: Hash,
    {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            let target = grown(len, self.expected);
            self.entries.reserve_exact(target - len);
            if let Some(weights) = &mut self.weights {
                weights.reserve_exact(target - len);
            }
        }
        if len >= self.index.capacity() {
            let hashes = self.entries.iter().map(|entry| hasher.hash_one(&entry.key));
            self.index.rebuild(grown(len, self.expected), hashes);
        }
    }

    /// How many weighted entries there is room for shows only when they are here: the policy is told
    /// whenever it is an eighth more or less.
    fn follow_weights(&mut self) {
        let len = self.entries.len();
        if self.weights.is_some() && len.abs_diff(self.expected) > self.expected / 8 + 8 {
            self.expect(len);
        }
    }
}

/// The length that arrays of `len` grow to: doubled up to what is expected, then by an eighth.
fn grown(len: usize, expected: usize) -> usize {
    if len < expected {
        expected.min((len * 2).max(16))
    } else {
        len + len / 8 + 16
    }
}
