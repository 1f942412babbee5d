//! Eviction policies: which entry leaves when there is no room.
//!
//! A [`Policy`] never sees a key or a value. It knows entries by their [`Slot`], a small number that
//! the cache gives out, and by the hash of their key, by which some remember what has left. So the
//! same code serves every cache, a simulation over a trace, and your own data structure.
//!
//! ```
//! use purlin_cache::policy::{Lru, Policy, Slot};
//!
//! let mut policy = Lru::new(2);
//! policy.miss(1);
//! policy.insert(Slot(0), 1);
//! policy.miss(2);
//! policy.insert(Slot(1), 2);
//! policy.hit(Slot(0), 1);
//!
//! policy.miss(3); // there is no room for a third
//! assert_eq!(policy.evict(), Some(Slot(1)));
//! policy.insert(Slot(1), 3);
//! ```

mod adaptive;
mod arc;
mod clock;
mod fifo;
mod lfu;
mod lirs;
mod lru;
pub mod parts;
mod random;
mod s3_fifo;
mod sieve;
mod slru;
mod tiny_lfu;
mod two_q;
mod w_tiny_lfu;

pub use adaptive::Adaptive;
pub use arc::Arc;
pub use clock::Clock;
pub use fifo::Fifo;
pub use lfu::Lfu;
pub use lirs::Lirs;
pub use lru::Lru;
pub use random::Random;
pub use s3_fifo::S3Fifo;
pub use sieve::Sieve;
pub use slru::Slru;
pub use tiny_lfu::TinyLfu;
pub use two_q::TwoQ;
pub use w_tiny_lfu::WTinyLfu;

/// Where an entry is: a small number that its cache gives it, and gives to another when it has left.
///
/// A cache of `n` entries uses the slots `0..n` and no others, so that a policy can keep what it knows
/// in arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Slot(pub u32);

impl Slot {
    /// How many there can be.
    pub(crate) const MOST: usize = u32::MAX as usize;

    /// The slot of this place of an array, which has fewer than [`MOST`](Self::MOST).
    #[expect(clippy::cast_possible_truncation, reason = "below MOST")]
    #[inline]
    pub(crate) const fn at(index: usize) -> Self {
        Self(index as u32)
    }

    /// The slot as an index of an array.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Decides which entry leaves.
///
/// # The protocol
///
/// A lookup that finds its key is a [`hit`](Policy::hit). An insertion of a key that is not here is a
/// [`miss`](Policy::miss), then as many calls of [`evict`](Policy::evict) as it takes to have room, then
/// [`insert`](Policy::insert), unless the policy refused it. An entry leaves by `evict`, when the policy
/// chose it, or by [`remove`](Policy::remove), when its user did; the policy forgets it in either
/// case, apart from what it remembers by hash. Between misses, `evict` is called when the capacity shrinks. A cache that holds its entries in one array without holes
/// moves the last one into the place of one that left, and says so by [`relocate`](Policy::relocate).
///
/// # Implementing
///
/// * Do all calls in constant amortized time. Grow arrays over slots in [`insert`](Policy::insert), as the slots
///   come (an empty cache of great capacity is small), and allocate nothing once the cache has been full.
/// * Do not rely on [`set_capacity`](Policy::set_capacity) for safety: a cache of weighted entries cannot
///   know how many it will hold, and tells what it has seen so far. Any number of entries may be present.
/// * Do take hashes for what they are: two keys may have the same.
/// * Do not panic on a protocol that is followed. What you do when it is not is up to you.
/// * Do override [`hit_shared`](Policy::hit_shared) if a hit changes one word of an atomic and nothing
///   else: then hits of a concurrent cache do not exclude each other.
/// * Run your policy through the functions of `conformance` (feature).
pub trait Policy {
    /// A key with this hash is not here and is about to be inserted. What makes room for it comes next.
    /// (Lookups that find nothing and that no insertion follows are not told.)
    ///
    /// Policies with a memory of the departed look there, and adapt.
    fn miss(&mut self, hash: u64) {
        let _ = hash;
    }

    /// An entry was put into a free slot.
    fn insert(&mut self, slot: Slot, hash: u64);

    /// The entry of the slot was used.
    fn hit(&mut self, slot: Slot, hash: u64);

    /// Does what [`hit`](Policy::hit) does, for many threads at once, if [`shares_hits`](Policy::shares_hits).
    fn hit_shared(&self, slot: Slot, hash: u64) {
        let _ = (slot, hash);
    }

    /// Whether [`hit_shared`](Policy::hit_shared) may take the place of [`hit`](Policy::hit). Always the same.
    fn shares_hits(&self) -> bool {
        false
    }

    /// Chooses the entry that leaves, and forgets it.
    ///
    /// After a miss, it makes room for the key that missed. `None` says that this key is not worth the
    /// place of any that is here, if the policy [`rejects`](Policy::rejects), or that nothing is here.
    fn evict(&mut self) -> Option<Slot>;

    /// The entry that [`evict`](Policy::evict) chose last, and which was in this slot, had a key with this hash. Told
    /// after each `evict` that chose one, before anything else, so that a policy that remembers
    /// the departed need not keep the hashes of those who are here.
    fn departed(&mut self, slot: Slot, hash: u64) {
        let _ = (slot, hash);
    }

    /// Whether [`evict`](Policy::evict) after a miss may answer `None` although entries are here.
    fn rejects(&self) -> bool {
        false
    }

    /// The entry of this slot has left for another reason: it was removed or it has expired.
    fn remove(&mut self, slot: Slot, hash: u64);

    /// The entry of slot `from` is now in the free slot `to`.
    fn relocate(&mut self, from: Slot, to: Slot);

    /// How many entries there is room for, from now on. Segments, memories of the departed and counters are
    /// laid out for it; entries stay, also when they are more: the cache calls [`evict`](Policy::evict) next.
    fn set_capacity(&mut self, entries: usize);

    /// Shows every entry once, the one that is likely to leave first at the beginning.
    ///
    /// An order of policies without one (CLOCK, random, sampled) is a guess. O(n), or O(n log n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot));

    /// How many entries are present.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Panics when the policy's own invariants do not hold. O(size); for tests and fuzzing.
    /// There are none to check unless it is implemented.
    fn check_invariants(&self) {}
}

impl<P: Policy + ?Sized> Policy for alloc::boxed::Box<P> {
    fn miss(&mut self, hash: u64) {
        (**self).miss(hash);
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        (**self).insert(slot, hash);
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        (**self).hit(slot, hash);
    }

    fn hit_shared(&self, slot: Slot, hash: u64) {
        (**self).hit_shared(slot, hash);
    }

    fn shares_hits(&self) -> bool {
        (**self).shares_hits()
    }

    fn evict(&mut self) -> Option<Slot> {
        (**self).evict()
    }

    fn departed(&mut self, slot: Slot, hash: u64) {
        (**self).departed(slot, hash);
    }

    fn rejects(&self) -> bool {
        (**self).rejects()
    }

    fn remove(&mut self, slot: Slot, hash: u64) {
        (**self).remove(slot, hash);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        (**self).relocate(from, to);
    }

    fn set_capacity(&mut self, entries: usize) {
        (**self).set_capacity(entries);
    }

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        (**self).for_each_coldest(visit);
    }

    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }

    fn check_invariants(&self) {
        (**self).check_invariants();
    }
}

/// So many percent of a number of entries, rounded down. There are no more than `u32::MAX` slots.
fn percent_of(entries: usize, percent: u32) -> usize {
    let entries = u32::try_from(entries).unwrap_or(u32::MAX);
    usize::try_from(u64::from(entries) * u64::from(percent) / 100).unwrap_or(usize::MAX)
}
