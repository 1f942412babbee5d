//! The engine of both caches: where entries are, who leaves, and what it weighs. No lock, no clock, and no
//! code of the user but `Hash`, `Eq` and `Borrow` of keys.

mod budget;
#[cfg(any(test, fuzzing, feature = "conformance"))]
mod invariants;
mod order;
mod outbox;
mod pins;
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
use purlin_core::time::Instant;

/// Entries whose time is over that an insertion lets leave on its way.
const EXPIRED_AT_ONCE: usize = 16;

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

    /// Counts an entry that never was in.
    pub(crate) fn reject(&mut self, entry: Entry<K, V>, out: &mut Outbox<K, V>) {
        self.leave(entry, RemovalCause::Rejected, out);
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

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
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

    fn leave(&mut self, entry: Entry<K, V>, cause: RemovalCause, out: &mut Outbox<K, V>) {
        self.counters.removed[cause as usize] += 1;
        out.push(entry, cause);
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

    /// Takes budget or makes entries leave until `need` is there, of which `spare` is already. The
    /// last one that leaves keeps its place in the array, for the new entry.
    fn make_room<S: BuildHasher>(
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
    fn place<S: BuildHasher>(
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

    fn replace(&mut self, slot: Slot, new: Incoming<K, V>, out: &mut Outbox<K, V>) {
        self.counters.inserted += 1;
        self.set_weight(slot, new.weight);
        self.hit(slot, new.hash);
        let old = core::mem::replace(&mut self.entries[slot.index()], new.entry);
        self.leave(old, RemovalCause::Replaced, out);
    }

    /// Takes an entry out that the policy knows, or that is pinned.
    fn detach_known<S: BuildHasher>(&mut self, slot: Slot, hash: u64, hasher: &S) -> Entry<K, V>
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
    fn detach_evicted<S: BuildHasher>(&mut self, slot: Slot, hasher: &S, out: &mut Outbox<K, V>)
    where
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

/// What has happened in a shard since it was made. Exact: counted where it happens, under the lock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) inserted: u64,
    /// By [`RemovalCause`].
    pub(crate) removed: [u64; RemovalCause::COUNT],
}

enum Room {
    /// It is there; perhaps with the place of an entry that the policy has let go.
    Found(Option<Slot>),
    Refused,
    None,
}

/// The length that arrays of `len` grow to: doubled up to what is expected, then by an eighth.
fn grown(len: usize, expected: usize) -> usize {
    if len < expected {
        expected.min((len * 2).max(16))
    } else {
        len + len / 8 + 16
    }
}
