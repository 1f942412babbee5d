mod learner;
mod memory;
mod queues;
mod teacher;

use super::{Policy, Slot};
use core::sync::atomic::{AtomicUsize, Ordering};
use learner::Learner;
use queues::Queues;
use teacher::Teacher;

/// Hits that are still looked at after an eviction: where nothing leaves there is nothing to learn, and
/// nothing to be paid for it.
const HITS_OF_AN_EVICTION: usize = 64;

/// The default: newcomers fight for their place by frequency, and how much room they have before is learned.
///
/// (the full explanation follows)
#[derive(Debug)]
pub struct Adaptive {
    queues: Queues,
    teacher: Teacher,
    /// Of a hash, these bits are zero if its key is in the sample.
    mask: u64,
    /// Hits that will be looked at if nothing leaves.
    interest: AtomicUsize,
}

impl Adaptive {
    /// A policy for so many entries.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with(entries, Teacher::new(Learner::new(entries)))
    }

    /// Policies for the shards of one cache of so many entries, which learn together: a function that makes
    /// one for a shard.
    #[cfg(feature = "std")]
    pub fn family(entries: usize) -> impl Fn(usize) -> Self + Send + Sync {
        let teacher = Teacher::new(Learner::new(entries));
        move |shard| Self::with(shard, teacher.clone())
    }

    fn with(entries: usize, teacher: Teacher) -> Self {
        Self {
            queues: Queues::new(entries, teacher.rule()),
            mask: teacher.mask(),
            teacher,
            interest: AtomicUsize::new(HITS_OF_AN_EVICTION),
        }
    }

    /// A hit of a key of the sample.
    #[cfg(feature = "std")]
    #[cold]
    fn observe_hit(&self, hash: u64) {
        // ORDERING: a rough count; how many hits exactly are looked at is of no importance.
        let interest = self.interest.load(Ordering::Relaxed);
        if interest > 0 {
            self.interest.store(interest - 1, Ordering::Relaxed);
            self.teacher.observe(hash);
        }
    }
}

impl Policy for Adaptive {
    fn miss(&mut self, hash: u64) {
        if hash & self.mask == 0 {
            self.teacher.observe(hash);
        }
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.queues.insert(slot, hash);
    }

    #[inline]
    fn hit(&mut self, slot: Slot, hash: u64) {
        self.queues.hit(slot);
        let interest = self.interest.get_mut();
        if hash & self.mask == 0 && *interest > 0 {
            *interest -= 1;
            self.teacher.observe(hash);
        }
    }

    #[cfg(feature = "std")]
    #[inline]
    fn hit_shared(&self, slot: Slot, hash: u64) {
        self.queues.hit(slot);
        if hash & self.mask == 0 {
            self.observe_hit(hash);
        }
    }

    #[cfg(feature = "std")]
    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        *self.interest.get_mut() = HITS_OF_AN_EVICTION;
        self.queues.set_rule(self.teacher.rule());
        self.queues.evict()
    }

    fn departed(&mut self, slot: Slot, hash: u64) {
        self.queues.departed(slot, hash);
    }

    fn remove(&mut self, slot: Slot, hash: u64) {
        self.queues.remove(slot, hash);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.queues.relocate(from, to);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.queues.set_capacity(entries);
    }

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.queues.for_each_coldest(visit);
    }

    fn len(&self) -> usize {
        self.queues.len()
    }

    fn check_invariants(&self) {
        self.queues.check_invariants();
    }
}
