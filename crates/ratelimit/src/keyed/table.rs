//! Buckets of slots: where entries are looked for, and where there is room.
//!
//! A bucket has 16 slots in four cache lines, and a key has two buckets. A new entry goes to its
//! primary bucket while more than a quarter of that is free, and to the emptier one after that: at a
//! load of 85 % one insertion in 70,000 finds no room (with buckets of 8 it would be one in 180), and
//! 87 % of all entries lie in their primary bucket. Within a bucket the search begins at a line that
//! depends on the key, where 77 % of all entries lie. Entries never move.
//!
//! A look-up in a large table waits for memory, and meanwhile the processor goes on with the next
//! look-ups if it guesses right what comes. Which of four slots it will be, it cannot guess. So that
//! is computed, not branched on.

#[cfg(all(test, not(purlin_loom)))]
mod tests;

#[cfg(any(test, fuzzing, feature = "conformance"))]
use super::address::EMPTY;
use super::address::{Address, is_of, owner_of, plan_of};
use super::slot::{Content, Slot};
use crate::algorithm::Algorithm;
use crate::sync::spin;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::array;
use core::hint::select_unpredictable;
use purlin_core::time::Instant;

const LINE: usize = 4;
/// Lines of a bucket; loom has to get through all of them.
const LINES: usize = if cfg!(purlin_loom) { 1 } else { 4 };
pub(super) const BUCKET: usize = LINE * LINES;

#[derive(Debug)]
#[repr(align(64))]
struct Line([Slot; LINE]);

#[derive(Debug)]
#[repr(align(256))]
struct Bucket([Line; LINES]);

impl Line {
    /// The slot of an owner's entry under a plan, and its tag.
    #[inline]
    fn find(&self, owner: u64, plan: u8) -> Option<(&Slot, u64)> {
        let mut found = LINE;
        for (index, slot) in self.0.iter().enumerate() {
            found = select_unpredictable(is_of(slot.tag(), owner, plan), index, found);
        }
        let slot = self.0.get(found)?;
        Some((slot, slot.tag()))
    }
}

impl Bucket {
    fn empty() -> Self {
        Self(array::from_fn(|_| Line(array::from_fn(|_| Slot::empty()))))
    }

    /// The line at which a search begins, the one beside it, and so on.
    #[inline]
    fn line(&self, start: usize, offset: usize) -> &Line {
        &self.0[(start ^ offset) % LINES]
    }

    /// All slots, those of one line first.
    fn slots_from(&self, start: usize) -> impl Iterator<Item = &Slot> {
        (0..LINES).flat_map(move |offset| &self.line(start, offset).0)
    }

    #[inline]
    fn find(&self, address: &Address, plan: u8) -> Option<(&Slot, u64)> {
        let Address { owner, start, .. } = *address;
        (0..LINES).find_map(|offset| self.line(start, offset).find(owner, plan))
    }
}

/// A slot, and what it was when it was looked at.
pub(super) type Seen<'a> = (&'a Slot, Content);

/// What there is for a key in its buckets.
pub(super) enum Place<'a> {
    /// Its entry.
    Entry(Seen<'a>),
    /// A slot that nobody needs.
    Free(Seen<'a>),
    /// All others are busy.
    None,
}

#[derive(Debug)]
pub(super) struct Table {
    buckets: Box<[Bucket]>,
}

impl Table {
    pub(super) const BUCKET_BYTES: usize = size_of::<Bucket>();

    /// `None` if there is not as much memory.
    pub(super) fn new(buckets: usize) -> Option<Self> {
        let mut empty = Vec::new();
        empty.try_reserve_exact(buckets).ok()?;
        empty.extend((0..buckets).map(|_| Bucket::empty()));
        let buckets = empty.into_boxed_slice();
        Some(Self { buckets })
    }

    pub(super) const fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// The slot of the key's entry under a plan, and its tag.
    #[inline]
    pub(super) fn find(&self, address: &Address, plan: u8) -> Option<(&Slot, u64)> {
        let primary = self.buckets[address.primary].find(address, plan);
        primary.or_else(|| {
            let alternate = address.alternate(self.buckets());
            self.buckets[alternate].find(address, plan)
        })
    }

    /// The key's entry, under whatever plan.
    pub(super) fn entry(&self, address: &Address) -> Option<Seen<'_>> {
        let slots = self.candidates(address);
        let slots = slots.flat_map(|bucket| bucket.slots_from(address.start));
        let mut seen = slots.filter_map(|slot| Some((slot, settled(slot, address)?)));
        seen.find(|(_, content)| owner_of(content.tag) == address.owner)
    }

    /// Looks at all slots for a key.
    pub(super) fn place<A: Algorithm<State = u64>>(
        &self,
        address: &Address,
        plans: &[A],
        now: Instant,
    ) -> Place<'_> {
        let mut room = [(0, None); 2];
        for (room, bucket) in room.iter_mut().zip(self.candidates(address)) {
            for slot in bucket.slots_from(address.start) {
                let Some(content) = settled(slot, address) else {
                    continue;
                };
                if owner_of(content.tag) == address.owner {
                    return Place::Entry((slot, content));
                }
                if is_idle(plans, content, now) {
                    room.0 += 1;
                    room.1.get_or_insert((slot, content));
                }
            }
        }
        let [(primary, first), (alternate, second)] = room;
        let crowded = primary <= BUCKET / 4;
        let free = if crowded && alternate > primary {
            second
        } else {
            first
        };
        free.map_or(Place::None, Place::Free)
    }

    /// The entry, of those among which a key may lie, that will be idle first.
    pub(super) fn nearest_to_idle<A: Algorithm<State = u64>>(
        &self,
        address: &Address,
        plans: &[A],
        now: Instant,
    ) -> Option<Seen<'_>> {
        let slots = self.candidates(address);
        let slots = slots.flat_map(|bucket| bucket.slots_from(address.start));
        let seen = slots.filter_map(|slot| Some((slot, slot.content(slot.tag())?)));
        seen.min_by_key(|(_, content)| {
            let plan = plans.get(usize::from(plan_of(content.tag)));
            plan.map(|plan| plan.inspect(&content.state, now, 0).reset_after)
        })
    }

    /// One bucket, or two.
    fn candidates(&self, address: &Address) -> impl Iterator<Item = &Bucket> {
        let alternate = address.alternate(self.buckets());
        let distinct = alternate != address.primary;
        let alternate = distinct.then_some(&self.buckets[alternate]);
        core::iter::once(&self.buckets[address.primary]).chain(alternate)
    }

    /// Whose entries are in each bucket, and under which plans.
    ///
    /// # Panics
    ///
    /// If somebody changes them meanwhile.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn entries_by_bucket(&self) -> Vec<Vec<Content>> {
        let content = |slot: &Slot| slot.content(slot.tag()).expect("claimed by nobody");
        let entries = self.buckets.iter().map(|bucket| {
            let contents = bucket.slots_from(0).map(content);
            contents
                .filter(|content| owner_of(content.tag) != EMPTY)
                .collect()
        });
        entries.collect()
    }

    /// All slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.buckets.iter().flat_map(|bucket| bucket.slots_from(0))
    }
}

/// What a slot holds, unless it is changing hands to or from others. One that is claimed under the
/// key's own tag may be given back to it: it is looked at again until that is decided, which takes the
/// claimer two stores.
fn settled(slot: &Slot, address: &Address) -> Option<Content> {
    loop {
        let tag = slot.tag();
        match slot.content(tag) {
            None if owner_of(tag) == address.owner => spin(),
            content => return content,
        }
    }
}

/// Whether an entry is as good as none.
pub(super) fn is_idle<A: Algorithm<State = u64>>(
    plans: &[A],
    content: Content,
    now: Instant,
) -> bool {
    let plan = plans.get(usize::from(plan_of(content.tag)));
    plan.is_none_or(|plan| plan.is_idle(&content.state, now))
}
