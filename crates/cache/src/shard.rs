//! The engine of both caches: where entries are, who leaves, and what it weighs. No lock, no clock, and no
//! code of the user but `Hash`, `Eq` and `Borrow` of keys.

mod budget;
#[cfg(any(test, fuzzing, feature = "conformance"))]
mod invariants;
mod leave;
mod order;
mod outbox;
mod pins;
mod place;
mod timing;

pub(crate) use budget::{Budget, OwnBudget};
pub(crate) use outbox::Outbox;
pub(crate) use timing::Seen;

use crate::expiry::Times;
use crate::index::Index;
use crate::lifetime::{Life, Lifetimes};
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use pins::Pins;
use place::Room;
use purlin_core::time::Instant;

/// Entries whose time is over that an insertion lets leave on its way.
const EXPIRED_AT_ONCE: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
}

/// An entry that wants to come in.
#[derive(Debug)]
pub(crate) struct Incoming<K, V> {
    pub(crate) hash: u64,
    pub(crate) entry: Entry<K, V>,
    pub(crate) weight: u64,
    pub(crate) life: Life,
    /// What time it is, if that is known already.
    pub(crate) now: Option<Instant>,
}

impl<K, V> Incoming<K, V> {
    pub(crate) fn new(hash: u64, entry: Entry<K, V>, weight: u64) -> Self {
        Self {
            hash,
            entry,
            weight,
            life: Life::Usual,
            now: None,
        }
    }
}

/// What became of an [`Incoming`].
#[derive(Debug)]
pub(crate) enum Inserted<K, V> {
    /// It is in.
    Done,
    /// The policy refused it; it is in the outbox.
    Rejected,
    /// Nothing here may leave for it, or too little: room must be made elsewhere.
    Homeless(Incoming<K, V>),
}

/// Entries in an array without holes, an index over them, and a policy.
///
/// In this order, what a lookup needs of it shares two cache lines with the lock in front of it. There are 64 shards in
/// most caches: with fields anywhere, their lines alone would take most of the nearest cache.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shard<K, V, P> {
    index: Index,
    entries: Vec<Entry<K, V>>,
    /// When each entry has to leave, once one has.
    times: Option<Box<Times>>,
    pins: Pins,
    policy: P,
    /// What each entry weighs; none where all weigh 1.
    weights: Option<Vec<u64>>,
    /// What is taken of the budget: what all entries weigh together, when nothing is under way.
    used: u64,
    /// How many entries are expected; arrays grow to this and then by small steps.
    expected: usize,
    /// What was cleared and is not told and dropped yet.
    dying: Vec<Entry<K, V>>,
    counters: Counters,
    /// Set while the parts do not fit each other, and left set by a panic of the user's `Hash`.
    torn: bool,
}

impl<K, V, P: Policy> Shard<K, V, P> {
    /// An empty shard for so many entries, which the policy must have been made for.
    pub(crate) fn new(policy: P, expected: usize, weighted: bool, times: Option<Times>) -> Self {
        Self {
            index: Index::new(),
            entries: Vec::new(),
            policy,
            weights: weighted.then(Vec::new),
            times: times.map(Box::new),
            pins: Pins::default(),
            used: 0,
            expected,
            dying: Vec::new(),
            counters: Counters::default(),
            torn: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn entries(&self) -> &[Entry<K, V>] {
        &self.entries
    }

    pub(crate) fn entry(&self, slot: Slot) -> &Entry<K, V> {
        &self.entries[slot.index()]
    }

    pub(crate) fn value_mut(&mut self, slot: Slot) -> &mut V {
        &mut self.entries[slot.index()].value
    }

    #[inline]
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.index.find(hash, move |slot| {
            self.entries
                .get(slot.index())
                .is_some_and(|entry| entry.key.borrow() == key)
        })
    }

    /// Records a use of an entry.
    #[inline]
    pub(crate) fn hit(&mut self, slot: Slot, hash: u64) {
        if !self.pins.contains(slot) {
            self.policy.hit(slot, hash);
        }
    }

    /// The same with others at once, for policies that share hits.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn hit_shared(&self, slot: Slot, hash: u64) {
        if !self.pins.contains(slot) {
            self.policy.hit_shared(slot, hash);
        }
    }

    /// Puts an entry in, in the place of the one with its key if there is one. While there is too little
    /// budget the policy chooses who leaves, as long as what is here weighs more than `floor`.
    pub(crate) fn insert<S: BuildHasher>(
        &mut self,
        new: Incoming<K, V>,
        floor: u64,
        hasher: &S,
        lifetimes: &Lifetimes<K, V>,
        budget: &mut impl Budget,
        out: &mut Outbox<K, V>,
    ) -> Inserted<K, V>
    where
        K: Hash + Eq,
    {
        let (hash, life) = (new.hash, new.life);
        let now = || new.now.unwrap_or_else(|| lifetimes.clock.now());
        if self.is_timed() {
            self.expire(now(), EXPIRED_AT_ONCE, hasher, budget, out);
        }
        let mut spare = 0;
        let found = self.find(hash, &new.entry.key);
        if let Some(slot) = found.filter(|slot| self.is_live(*slot, now)) {
            let (old, deadline) = (self.weight(slot), self.deadline(slot));
            if new.weight <= old || self.take(new.weight - old, budget) {
                self.give(old.saturating_sub(new.weight), budget);
                let now = new.now;
                self.replace(slot, new, out);
                self.settle(slot, hash, Some(deadline), life, lifetimes, now);
                return Inserted::Done;
            }
            // It has grown and there is no room: the old value leaves before anybody else.
            spare = old;
            let entry = self.detach_known(slot, hash, hasher);
            self.leave(entry, RemovalCause::Replaced, out);
        } else if let Some(slot) = found {
            self.expel(slot, hash, RemovalCause::Expired, hasher, budget, out);
        }
        self.torn = true;
        self.policy.miss(hash);
        let result = match self.make_room(new.weight, spare, floor, hasher, budget, out) {
            Room::Found(hole) => {
                let now = new.now;
                let slot = self.place(new, hole, hasher, out);
                self.settle(slot, hash, None, life, lifetimes, now);
                Inserted::Done
            }
            Room::Refused => {
                self.leave(new.entry, RemovalCause::Rejected, out);
                Inserted::Rejected
            }
            Room::None => Inserted::Homeless(new),
        };
        self.torn = false;
        result
    }

    /// Counts an entry that never was in.
    pub(crate) fn reject(&mut self, entry: Entry<K, V>, out: &mut Outbox<K, V>) {
        self.leave(entry, RemovalCause::Rejected, out);
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// An entry that is pinned is not known to the policy, so that no eviction ever meets it.
    pub(crate) fn pin(&mut self, slot: Slot, hash: u64) {
        if !self.pins.contains(slot) {
            self.policy.remove(slot, hash);
            self.pins.insert(slot);
        }
    }

    /// Whether it was pinned. It comes back as if it were new.
    pub(crate) fn unpin(&mut self, slot: Slot, hash: u64) -> bool {
        let was_pinned = self.pins.remove(slot);
        if was_pinned {
            self.policy.insert(slot, hash);
        }
        was_pinned
    }

    /// For so many entries from now on.
    pub(crate) fn expect(&mut self, entries: usize) {
        self.expected = entries;
        self.policy.set_capacity(entries);
    }

    pub(crate) fn expected(&self) -> usize {
        self.expected
    }

    /// Whether a panic left it in disorder. It must be emptied then.
    pub(crate) fn is_torn(&self) -> bool {
        self.torn
    }

    fn take(&mut self, weight: u64, budget: &mut impl Budget) -> bool {
        let taken = budget.take(weight);
        self.used += if taken { weight } else { 0 };
        taken
    }

    fn give(&mut self, weight: u64, budget: &mut impl Budget) {
        if weight > 0 {
            self.used -= weight;
            budget.give(weight);
        }
    }

    fn weight(&self, slot: Slot) -> u64 {
        self.weights.as_ref().map_or(1, |all| all[slot.index()])
    }

    fn set_weight(&mut self, slot: Slot, weight: u64) {
        let Some(all) = &mut self.weights else { return };
        if slot.index() == all.len() {
            all.push(weight);
        } else {
            all[slot.index()] = weight;
        }
    }

    fn replace(&mut self, slot: Slot, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        self.counters.inserted += 1;
        self.set_weight(slot, new.weight);
        self.hit(slot, new.hash);
        let old = core::mem::replace(&mut self.entries[slot.index()], new.entry);
        self.leave(old, RemovalCause::Replaced, out);
    }
}

/// What has happened in a shard since it was made. Exact: counted where it happens, under the lock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) inserted: u64,
    /// By [`RemovalCause`].
    pub(crate) removed: [u64; RemovalCause::COUNT],
}
