//! An entry of the table: whose it is, and how that key stands.
//!
//! Two words, changed by a protocol that lets any number of threads decide without a lock.
//!
//! * **Tag**: 48 bits of the key's hash, a generation of 8 bits, the plan in 8 bits.
//! * **Word**: the state of the algorithm, or [`CLAIMED`] while the slot changes hands.
//!
//! A slot changes hands in three steps: compare-and-swap the word to `CLAIMED`, store a tag of the
//! next generation, store the new owner's first state. So between two loads of one tag the slot was
//! one key's, under one plan, and every word that was loaded in between is a state of that key or
//! `CLAIMED`:
//!
//! 1. Who loads a new tag, and then the word, sees the claim or what came after it: the tag is
//!    stored (release) after the claim.
//! 2. Who loads a word of the new owner, and then the tag, sees the new tag or a later one: that word
//!    is stored (release) after the tag, and the owner's compare-and-swaps carry the release on.
//!
//! A decision is: load the tag, load the word, load the tag again. If nothing has to be written, it
//! holds for the moment at which the word was loaded. Otherwise comes a compare-and-swap of the word,
//! and the tag a third time. If the tag is the same, the state that was replaced was the key's. If it
//! is another one, the slot changed hands. Either before the swap: then the word must have come back
//! to the very value that was seen, under the new owner, who is charged for what is not its own; it
//! is taken back if it can be. Or just after it: then the new owner dropped the entry with our charge
//! in it. In both cases the caller begins again, so that a request is never admitted without being
//! charged.
//!
//! The generation is what tells an owner that came back from one that never left. It repeats after
//! 256 changes: a thread that sleeps between its second load of the tag and its compare-and-swap for
//! an exact multiple of 256 changes, the last of which brings the same key under the same plan back,
//! and finds the word between them changed to the value that it remembers, may write over another
//! key's state. Words are points in time that lie ahead of it when they are stored, so that one comes
//! back only by a refund, a change of plans or a clock that goes backwards; no more is claimed.
//!
//! None of this asks of the algorithm that its states grow.

use super::address::{EMPTY, next_tag};
use crate::sync::{AtomicU64, Ordering};

/// The word of a slot that is changing hands. No state.
pub(super) const CLAIMED: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Slot {
    tag: AtomicU64,
    word: AtomicU64,
}

/// What a slot was at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    pub(super) tag: u64,
    pub(super) state: u64,
}

impl Slot {
    /// A slot that is nobody's.
    pub(super) fn empty() -> Self {
        Self {
            tag: AtomicU64::new(EMPTY),
            word: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn tag(&self) -> u64 {
        self.tag.load(Ordering::Acquire)
    }

    /// The content under a tag that was loaded before, if the slot is not claimed and did not change
    /// hands since.
    #[inline]
    pub(super) fn content(&self, tag: u64) -> Option<Content> {
        let state = self.word.load(Ordering::Acquire);
        (state != CLAIMED && self.tag() == tag).then_some(Content { tag, state })
    }

    /// Changes the state of the owner with that tag. `None` when the slot is not its own any more: then
    /// nothing that `update` answered counts.
    #[inline]
    pub(super) fn update<R>(&self, tag: u64, mut update: impl FnMut(&mut u64) -> R) -> Option<R> {
        loop {
            let Content { state, .. } = self.content(tag)?;
            let mut next = state;
            let result = update(&mut next);
            if next == state {
                return Some(result);
            }
            let next = next.min(CLAIMED - 1);
            // ORDERING: acquires what the replaced word was stored after, which is its owner's tag. The
            // release sequence of that store goes on through a swap of any ordering.
            let swapped =
                self.word
                    .compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed);
            if swapped.is_ok() {
                if self.tag() == tag {
                    return Some(result);
                }
                self.take_back(state, next);
                return None;
            }
        }
    }

    /// Undoes a change of what has another owner by now, unless that owner went on from it.
    #[cold]
    fn take_back(&self, state: u64, next: u64) {
        // ORDERING: as in `update`. If it fails there is nothing to undo, or no way to.
        let _ = self
            .word
            .compare_exchange(next, state, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Gives the slot, if it still is as it was, to the key of `owner` under a plan.
    ///
    /// Never between calls of an algorithm: nothing but two stores happens while a slot is claimed.
    pub(super) fn replace(&self, content: Content, owner: u64, plan: u8, state: u64) -> bool {
        // ORDERING: acquire, for the tag that is loaded next; it is what must not be stored before.
        let claimed = self.word.compare_exchange(
            content.state,
            CLAIMED,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if claimed.is_err() {
            return false;
        }
        if self.tag() != content.tag {
            // Another's state of the same value.
            self.word.store(content.state, Ordering::Release);
            return false;
        }
        let tag = next_tag(content.tag, owner, plan);
        self.tag.store(tag, Ordering::Release);
        self.word.store(state.min(CLAIMED - 1), Ordering::Release);
        true
    }
}
