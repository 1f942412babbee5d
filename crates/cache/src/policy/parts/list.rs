//! Doubly linked lists over slots: what most policies are made of, and yours may be too.
//!
//! [`Links`] holds two words for each slot; any number of [`List`]s share them, as a slot is in one list at
//! most. All operations are O(1). Nothing is checked but bounds: a slot that is unlinked from a list it is
//! not in leaves that list in disorder (never in undefined behaviour).

use crate::policy::Slot;
use alloc::vec::Vec;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    prev: u32,
    next: u32,
}

/// The neighbours of every slot, in whatever list it is. 8 bytes a slot.
#[derive(Clone, Debug, Default)]
pub struct Links(Vec<Link>);

/// A list: its ends and how long it is. The front is where entries are usually put in, the back where they
/// leave.
#[derive(Clone, Copy, Debug)]
pub struct List {
    front: u32,
    back: u32,
    len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            front: NONE,
            back: NONE,
            len: 0,
        }
    }

    /// How many slots are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slot that was pushed to the front last.
    #[must_use]
    pub fn front(&self) -> Option<Slot> {
        some(self.front)
    }

    /// The slot at the other end.
    #[must_use]
    pub fn back(&self) -> Option<Slot> {
        some(self.back)
    }
}

impl Links {
    /// No links yet; the array grows with the slots that are pushed.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Puts a slot that is in no list to the front of one.
    pub fn push_front(&mut self, list: &mut List, slot: Slot) {
        self.cover(slot);
        let old = list.front;
        self.0[slot.index()] = Link {
            prev: NONE,
            next: old,
        };
        match some(old) {
            Some(old) => self.0[old.index()].prev = slot.0,
            None => list.back = slot.0,
        }
        list.front = slot.0;
        list.len += 1;
    }

    /// Puts a slot that is in no list to the back of one.
    pub fn push_back(&mut self, list: &mut List, slot: Slot) {
        self.cover(slot);
        let old = list.back;
        self.0[slot.index()] = Link {
            prev: old,
            next: NONE,
        };
        match some(old) {
            Some(old) => self.0[old.index()].next = slot.0,
            None => list.front = slot.0,
        }
        list.back = slot.0;
        list.len += 1;
    }

    /// Puts a slot that is in no list beside one that is, on the side of the front.
    pub fn push_before(&mut self, list: &mut List, slot: Slot, mark: Slot) {
        let Some(prev) = self.toward_front(mark) else {
            return self.push_front(list, slot);
        };
        self.cover(slot);
        self.0[slot.index()] = Link {
            prev: prev.0,
            next: mark.0,
        };
        self.0[prev.index()].next = slot.0;
        self.0[mark.index()].prev = slot.0;
        list.len += 1;
    }

    /// Takes a slot out of the list that it is in.
    pub fn unlink(&mut self, list: &mut List, slot: Slot) {
        let Link { prev, next } = self.0[slot.index()];
        match some(prev) {
            Some(prev) => self.0[prev.index()].next = next,
            None => list.front = next,
        }
        match some(next) {
            Some(next) => self.0[next.index()].prev = prev,
            None => list.back = prev,
        }
        list.len -= 1;
    }

    /// Takes the slot at the back out.
    pub fn pop_back(&mut self, list: &mut List) -> Option<Slot> {
        let slot = list.back()?;
        self.unlink(list, slot);
        Some(slot)
    }

    /// Takes the slot at the front out.
    pub fn pop_front(&mut self, list: &mut List) -> Option<Slot> {
        let slot = list.front()?;
        self.unlink(list, slot);
        Some(slot)
    }

    /// Puts a slot of the list to its front.
    pub fn move_to_front(&mut self, list: &mut List, slot: Slot) {
        if list.front != slot.0 {
            self.unlink(list, slot);
            self.push_front(list, slot);
        }
    }

    /// Puts slot `to`, which is in no list, to the place of `from`, which then is in none.
    pub fn relocate(&mut self, list: &mut List, from: Slot, to: Slot) {
        self.cover(to);
        let link = self.0[from.index()];
        self.0[to.index()] = link;
        match some(link.prev) {
            Some(prev) => self.0[prev.index()].next = to.0,
            None => list.front = to.0,
        }
        match some(link.next) {
            Some(next) => self.0[next.index()].prev = to.0,
            None => list.back = to.0,
        }
    }

    /// The neighbour that is nearer to the front.
    #[must_use]
    pub fn toward_front(&self, slot: Slot) -> Option<Slot> {
        some(self.0[slot.index()].prev)
    }

    /// The neighbour that is nearer to the back.
    #[must_use]
    pub fn toward_back(&self, slot: Slot) -> Option<Slot> {
        some(self.0[slot.index()].next)
    }

    /// The slots of a list from its back to its front.
    pub fn from_back<'a>(&'a self, list: &List) -> impl Iterator<Item = Slot> + use<'a> {
        core::iter::successors(list.back(), |slot| self.toward_front(*slot))
    }

    /// Checks that the list's links, ends and length fit each other. O(n); for tests.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn check(&self, list: &List) {
        let (mut seen, mut next) = (0, None);
        for slot in self.from_back(list).take(list.len() + 1) {
            assert_eq!(
                self.toward_back(slot),
                next,
                "a neighbour knows nothing of {slot:?}"
            );
            (seen, next) = (seen + 1, Some(slot));
        }
        assert_eq!(seen, list.len(), "the list has another length than it says");
        assert_eq!(list.front(), next, "the list ends elsewhere than it says");
    }

    fn cover(&mut self, slot: Slot) {
        if self.0.len() <= slot.index() {
            self.0.resize(
                slot.index() + 1,
                Link {
                    prev: NONE,
                    next: NONE,
                },
            );
        }
    }
}

fn some(slot: u32) -> Option<Slot> {
    (slot != NONE).then_some(Slot(slot))
}
