//! A naive cache that drives a policy and checks its every answer.

use super::Subject;
use super::step::{Outcome, Step};
use super::subject::Case;
use crate::Capabilities;
use crate::policy::{Policy, Slot};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use purlin_core::random::{RandomExt, SplitMix64};

/// A policy in a naive cache, to drive step by step; from a fuzzer, say.
///
/// The cache follows the protocol of [`Policy`] to the letter: the slots in use are always `0..n`. It
/// panics, with the step that it was at, as soon as the policy answers what it must not. Each step is
/// O(1) apart from what it evicts; [`check`](Self::check) is O(n).
///
/// ```
/// use purlin_cache::Capabilities;
/// use purlin_cache::conformance::{History, Outcome, Step, Subject};
/// use purlin_cache::policy::Lru;
///
/// let subject = Subject::new(Capabilities::NONE, Lru::new);
/// let mut history = History::new(&subject, 2);
/// for key in [1, 2, 1, 3] {
///     history.step(Step::Get { key });
///     history.check();
/// }
/// assert_eq!(history.evicted(), [2]);
/// assert_eq!(history.step(Step::Get { key: 1 }), Outcome::Hit);
/// ```
pub struct History<'a> {
    policy: Box<dyn Policy + 'a>,
    can: Capabilities,
    case: Case,
    hash: fn(u64) -> u64,
    /// The key of each slot.
    keys: Vec<u64>,
    slots: HashMap<u64, Slot, FixedState>,
    room: usize,
    /// What left in the last step, in this order.
    evicted: Vec<u64>,
    steps: u64,
    shared_hits: bool,
    /// Decides which slot a newcomer gets; without it, it is the last.
    shuffle: Option<SplitMix64>,
}

impl<'a> History<'a> {
    /// An empty cache of that capacity.
    #[must_use]
    pub fn new(subject: &Subject<'a>, capacity: usize) -> Self {
        let property = "history";
        Self::of(subject, capacity, Case { property, seed: 0 })
    }

    pub(super) fn of(subject: &Subject<'a>, capacity: usize, case: Case) -> Self {
        Self {
            policy: subject.build(capacity),
            can: subject.capabilities(),
            case,
            hash: mixed,
            keys: Vec::new(),
            slots: HashMap::default(),
            room: capacity,
            evicted: Vec::new(),
            steps: 0,
            shared_hits: false,
            shuffle: None,
        }
    }

    /// The same with another hash of keys.
    pub(super) fn hashed_by(self, hash: fn(u64) -> u64) -> Self {
        Self { hash, ..self }
    }

    /// The same with hits told by [`Policy::hit_shared`].
    pub(super) fn with_shared_hits(self) -> Self {
        Self {
            shared_hits: true,
            ..self
        }
    }

    /// The same with entries in other slots.
    pub(super) fn shuffled(self) -> Self {
        Self {
            shuffle: Some(SplitMix64::new(self.case.seed)),
            ..self
        }
    }

    /// Takes the memory that so many entries need, so that no step allocates.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.keys.reserve(entries);
        self.evicted.reserve(entries);
        // Twice of it, so that the table can always clean up in place.
        self.slots.reserve(2 * entries);
    }

    /// How many entries are present.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that the policy chose to leave in the last step, in that order.
    #[must_use]
    pub fn evicted(&self) -> &[u64] {
        &self.evicted
    }

    /// Does a step.
    ///
    /// # Panics
    ///
    /// When the policy answers what it must not.
    #[track_caller]
    pub fn step(&mut self, step: Step) -> Outcome {
        self.evicted.clear();
        self.steps += 1;
        match step {
            Step::Get { key } => return self.get(key, 1),
            Step::GetHeavy { key, entries } => return self.get(key, entries),
            Step::Remove { key } => self.remove(key),
            Step::SetCapacity { entries } => {
                self.policy.set_capacity(entries);
                self.shrink(entries);
            }
            Step::SetRoom { entries } => self.shrink(entries),
        }
        Outcome::Done
    }

    #[track_caller]
    fn get(&mut self, key: u64, weight: usize) -> Outcome {
        let hash = (self.hash)(key);
        if let Some(&slot) = self.slots.get(&key) {
            if self.shared_hits {
                self.policy.hit_shared(slot, hash);
            } else {
                self.policy.hit(slot, hash);
            }
            return Outcome::Hit;
        }
        self.policy.miss(hash);
        // One that is heavier than the whole cache takes it for itself.
        let target = self.room.saturating_sub(weight).saturating_add(1);
        let target = target.clamp(usize::from(self.room > 0), self.room.max(1));
        let mut hole = None;
        while self.len() - usize::from(hole.is_some()) >= target || self.room == 0 {
            if let Some(slot) = hole.take() {
                self.close(slot);
            }
            let Some(slot) = self.evict(true) else {
                return Outcome::Rejected;
            };
            hole = Some(slot);
        }
        let slot = match (hole, &mut self.shuffle) {
            (Some(hole), Some(shuffle)) => {
                // What is in any slot moves to the hole, and the newcomer takes that one.
                let slot = any_slot(shuffle, self.keys.len());
                if slot != hole {
                    self.relocate(slot, hole);
                }
                slot
            }
            (Some(hole), None) => {
                self.close(hole);
                self.next_slot()
            }
            (None, _) => self.next_slot(),
        };
        self.policy.insert(slot, hash);
        if slot.index() == self.keys.len() {
            self.keys.push(key);
        } else {
            self.keys[slot.index()] = key;
        }
        self.slots.insert(key, slot);
        Outcome::Inserted
    }

    fn remove(&mut self, key: u64) {
        if let Some(slot) = self.slots.remove(&key) {
            self.policy.remove(slot, (self.hash)(key));
            self.close(slot);
        }
    }

    #[track_caller]
    fn shrink(&mut self, room: usize) {
        self.room = room;
        while self.len() > room
            && let Some(slot) = self.evict(false)
        {
            self.close(slot);
        }
    }

    /// Takes everything out, and then asks for more.
    #[track_caller]
    pub(super) fn drain(&mut self) {
        self.step(Step::SetRoom { entries: 0 });
        let none = self.policy.evict();
        self.expect(
            none.is_none(),
            format_args!("nothing is here, and {none:?} leaves"),
        );
        self.check();
    }

    /// Lets the policy choose. The slot is a hole afterwards.
    #[track_caller]
    fn evict(&mut self, after_miss: bool) -> Option<Slot> {
        let len = self.len();
        let Some(slot) = self.policy.evict() else {
            self.expect(
                len == 0 || after_miss && self.can.rejects,
                format_args!("{len} entries are here, and none leaves"),
            );
            return None;
        };
        self.expect(
            slot.index() < len,
            format_args!("{slot:?} leaves, in which nothing is ({len} entries are here)"),
        );
        let key = self.keys[slot.index()];
        self.slots.remove(&key);
        self.evicted.push(key);
        Some(slot)
    }

    fn next_slot(&self) -> Slot {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a test holds fewer entries than that"
        )]
        Slot(self.keys.len() as u32)
    }

    /// Moves the last entry to the hole, if it is not the hole itself.
    fn close(&mut self, hole: Slot) {
        let last = Slot(self.next_slot().0 - 1);
        if last != hole {
            self.relocate(last, hole);
        }
        self.keys.pop();
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.policy.relocate(from, to);
        let key = self.keys[from.index()];
        self.keys[to.index()] = key;
        self.slots.insert(key, to);
    }

    /// The keys that are here, those that leave first at the beginning.
    #[track_caller]
    pub(super) fn coldest(&self) -> Vec<u64> {
        let mut keys = Vec::with_capacity(self.len());
        let mut seen = alloc::vec![false; self.len()];
        self.policy.for_each_coldest(&mut |slot| {
            let seen = seen.get_mut(slot.index());
            let Some(seen) = seen else {
                self.fail(format_args!("{slot:?} is shown, in which nothing is"));
            };
            self.expect(!*seen, format_args!("{slot:?} is shown twice"));
            *seen = true;
            keys.push(self.keys[slot.index()]);
        });
        if let Some(slot) = seen.iter().position(|&seen| !seen) {
            self.fail(format_args!("slot {slot} is not shown"));
        }
        keys
    }

    /// Checks that the policy holds just the entries that are here. O(n).
    ///
    /// # Panics
    ///
    /// When it does not, or when its own invariants do not hold.
    #[track_caller]
    pub fn check(&self) {
        self.policy.check_invariants();
        let (len, found) = (self.len(), self.policy.len());
        self.expect(
            found == len,
            format_args!("{len} entries are here, and its len is {found}"),
        );
        let empty = self.policy.is_empty();
        self.expect(
            empty == (len == 0),
            format_args!("{len} entries are here, and is_empty says {empty}"),
        );
        self.coldest();
        self.expect(
            self.policy.rejects() == self.can.rejects,
            format_args!("rejects says another thing than its capabilities"),
        );
        self.expect(
            self.policy.shares_hits() == self.can.shares_hits,
            format_args!("shares_hits says another thing than its capabilities"),
        );
    }

    #[track_caller]
    pub(super) fn expect(&self, holds: bool, what: fmt::Arguments<'_>) {
        if !holds {
            self.fail(what);
        }
    }

    #[track_caller]
    pub(super) fn fail(&self, what: fmt::Arguments<'_>) -> ! {
        let (at, room) = (self.steps, self.room);
        self.case
            .fail(format_args!("step {at}, room for {room}: {what}"))
    }
}

impl fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("case", &self.case)
            .field("len", &self.len())
            .field("room", &self.room)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

fn any_slot(random: &mut SplitMix64, len: usize) -> Slot {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a test holds fewer entries than that"
    )]
    Slot(random.below(len as u64) as u32)
}

/// What a good hasher makes of a key. Not 0 of 0, which is an odd hash.
pub(super) fn mixed(key: u64) -> u64 {
    SplitMix64::mix(key ^ 0x9E37_79B9_7F4A_7C15)
}
