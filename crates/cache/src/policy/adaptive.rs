mod byte;
mod learner;
mod memory;
mod newcomers;
mod queues;
mod teacher;

use super::{Policy, Slot};
use core::sync::atomic::AtomicUsize;
#[cfg(feature = "std")]
use core::sync::atomic::Ordering;
use learner::Learner;
use queues::Queues;
use teacher::Teacher;

/// Hits that are still looked at after an eviction: where nothing leaves there is nothing to learn, and
/// nothing to be paid for it.
const HITS_OF_AN_EVICTION: usize = 64;

/// The default: newcomers have to fight for their place, and how much room they have before that is learned.
///
/// Better than any fixed policy on recorded traces of databases, block storage, the web and programs taken together, and
/// never far behind the best on any one. Take it unless you need to know by a simple rule who leaves.
///
/// # How it works
///
/// **Two queues.** A new entry comes into a small queue, first in, first out. Entries that were worth it come into the main queue, over
/// which a hand goes round, slot by slot, as CLOCK has it. A hit sets no more than a counter of two bits in the entry's byte.
///
/// **Frequencies.** The same byte counts how often its key was asked for, up to 15: each miss counts, and each hit that the
/// hand finds when it comes by. What leaves is remembered for three times as many keys as there is room for: a fingerprint of 12
/// bits and the frequency, in buckets of 16; if it comes back it goes on from there. All frequencies are halved whenever 40
/// requests for each entry have been counted (in fact when somebody looks at them, so that no request pays for all).
///
/// **A fight.** When room is needed and the small queue is full, its oldest entry leaves, unless it was hit twice while it was there
/// (then it goes on to the main queue, and the next one is looked at) or its frequency and hits are more than those
/// of the weakest of three entries of the main queue that have not been hit since the hand last passed: then that one leaves,
/// and it takes the place. A tie is lost, which is what saves a loop from
/// evicting itself. The weakest of one fight is there again in the next. The hits in the small queue decide the fight but do not become
/// frequency: they often are one burst.
///
/// **What is learned** is how long the small queue is: 10, 3 or 20 % of all entries, or whether there is no fight at all, but one
/// queue, a CLOCK. Much room is good for what is asked for a few times soon after it first was, little for loops and for
/// what has been frequent for long; no fight is best where the past says nothing about the future. Four shadow caches, of
/// hashes only, run the four rules side by side on a sample of the keys (one in 256, or as few as leave a shadow 128
/// entries). Twice for each filling of a shadow their hits are compared, of which the last 50 comparisons count; a
/// rule that leads by 1/512 of the requests takes over. The real queues change by eight entries with each eviction.
/// Where nothing leaves, nothing is learned, and hits cost nothing more.
///
/// The fight by frequency is that of TinyLFU (Einziger, Friedman, Manes, 2017), with exact counts of entries that are here in place of
/// a sketch; the two queues are those of 2Q (Johnson, Shasha, 1994) and S3-FIFO (Yang et al., 2023); shadows
/// are miniature simulations (Waldspurger et al., "Cache modeling and optimization using miniature simulations", 2017) that duel as the sets of a processor's cache
/// do (Qureshi et al., "Adaptive insertion policies", 2007).
///
/// # Cost
///
/// O(1): an eviction takes up to 16 steps of the hand, two or three mostly, and a few for entries that move between
/// the queues. 13 bytes an entry and, shared by all shards of a cache, a shadow of some 100 bytes for each entry that it has (1/64
/// of a byte for each of 256, four times; more for small caches, up to 120 bytes an entry below 256). Hits are shared; a hit on an entry that was
/// hit thrice lately writes nothing.
///
/// What is learned depends on the order in which threads come, so two runs with many threads may decide differently; with one
/// thread they do not.
///
/// ```
/// use purlin_cache::unsync::Cache;
///
/// // A loop over more than there is room for: LRU would never hit.
/// let mut cache = Cache::new(100);
/// let mut hits = 0;
/// for request in 0..20_000 {
///     let key = request % 150;
///     if cache.get(&key).is_some() {
///         hits += 1;
///     } else {
///         cache.insert(key, ());
///     }
/// }
/// assert!(hits > 10_000, "{hits}");
/// ```
// What a hit needs comes first.
#[derive(Debug)]
#[repr(C)]
pub struct Adaptive {
    /// Of a hash, these bits are zero if its key is in the sample.
    mask: u64,
    queues: Queues,
    teacher: Teacher,
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
    #[inline]
    fn miss(&mut self, hash: u64) {
        if hash & self.mask == 0 {
            self.teacher.observe(hash);
        }
    }

    #[inline]
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

    #[inline]
    fn departed(&mut self, _slot: Slot, hash: u64) {
        self.queues.departed(hash);
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
