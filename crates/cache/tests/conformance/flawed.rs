//! The least recently used entry leaves, by a naive list, with one flaw or none.

use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU64, Ordering};
use purlin_cache::Capabilities;
use purlin_cache::policy::{Lru, Policy, Slot};

macro_rules! flaws {
    ($($(#[$what:meta])* $flaw:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) enum Flaw {
            None,
            /// Not one: it lets nobody in whose hash is a multiple of three, where somebody would have to leave.
            NoneButRejects,
            $($(#[$what])* $flaw,)*
        }

        impl Flaw {
            /// All flaws.
            pub(crate) const ALL: &[Self] = &[$(Self::$flaw,)*];
        }
    };
}

flaws! {
    IgnoresRemove,
    IgnoresRelocate,
    /// What moves to another slot counts as used.
    RelocatesToFront,
    /// Forgets every twentieth that comes in.
    LosesOne,
    /// Lets one leave, and keeps it.
    KeepsEvicted,
    /// Says that nothing is here when one entry is.
    GivesUp,
    CountsRemovedTwice,
    NeverEmpty,
    ShowsTwice,
    HidesOne,
    ShowsHottestFirst,
    EvictsLowestSlot,
    /// Every fifth choice of the process, whoever makes it, is another.
    DrawsFromProcess,
    ChangesWhenLookedAt,
    /// `hit_shared` does nothing.
    LosesSharedHits,
    /// Its capabilities say that it shares hits, and it does not.
    ClaimsSharedHits,
    /// Rejects, but does not say that it does.
    RejectsWithoutSaying,
    /// Rejects where nobody wants to come in.
    RejectsWhenShrinking,
    /// Takes two of one hash for one.
    FindsByHash,
    /// Does not keep those whose hash is 0.
    TakesZeroForNothing,
    EvictsLowestHash,
    /// Has room for its capacity and no more.
    FixedArray,
    /// Takes the memory for its capacity.
    AllocatesAtOnce,
    /// Divides by its capacity.
    NeedsCapacity,
    /// Lets the entries that are too many leave by itself.
    ForgetsOnResize,
    IgnoresHits,
    BreaksInvariant,
}

pub(crate) fn promises(flaw: Flaw) -> Capabilities {
    let mut promises = Capabilities::NONE;
    promises.exact_order = true;
    promises.ignores_slots = true;
    promises.shares_hits = true;
    promises.rejects = matches!(flaw, Flaw::NoneButRejects | Flaw::RejectsWhenShrinking);
    promises.remembers = promises.rejects;
    // A key of a bad hash never comes in.
    promises.hot_key_stays = !promises.rejects;
    promises
}

pub(crate) struct Flawed {
    flaw: Flaw,
    capacity: usize,
    /// The slot and hash of each entry, the coldest at the beginning.
    order: RefCell<Vec<(Slot, u64)>>,
    /// Who wants to come in.
    missed: Option<u64>,
    inserted: u64,
    miscounted: usize,
    shown: Cell<u64>,
    seats: Vec<u64>,
}

impl Flawed {
    pub(crate) fn new(flaw: Flaw, capacity: usize) -> Self {
        let seats = match flaw {
            Flaw::AllocatesAtOnce => capacity,
            Flaw::FixedArray => capacity.min(1 << 16),
            _ => 0,
        };
        Self {
            flaw,
            capacity,
            order: RefCell::default(),
            missed: None,
            inserted: 0,
            miscounted: 0,
            shown: Cell::new(0),
            seats: vec![0; seats],
        }
    }

    fn find(&self, slot: Slot, hash: u64) -> Option<usize> {
        self.order.borrow().iter().position(|&(other, its)| {
            if self.flaw == Flaw::FindsByHash {
                its == hash
            } else {
                other == slot
            }
        })
    }

    /// Nobody shares it with another thread here.
    fn touch(&self, slot: Slot, hash: u64) {
        if self.flaw == Flaw::IgnoresHits {
            return;
        }
        if let Some(at) = self.find(slot, hash) {
            let mut order = self.order.borrow_mut();
            let entry = order.remove(at);
            order.push(entry);
        }
    }

    /// Where the one is that leaves.
    fn victim(&self) -> usize {
        static CHOICES: AtomicU64 = AtomicU64::new(0);
        let order = self.order.borrow();
        let least =
            |key: fn(&(Slot, u64)) -> u64| (0..order.len()).min_by_key(|&at| key(&order[at]));
        match self.flaw {
            Flaw::EvictsLowestSlot => least(|&(slot, _)| slot.0.into()).unwrap_or(0),
            Flaw::EvictsLowestHash => least(|&(_, hash)| hash).unwrap_or(0),
            Flaw::DrawsFromProcess if CHOICES.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) => {
                order.len() - 1
            }
            _ => 0,
        }
    }

    fn rejects(&self) -> bool {
        let Some(hash) = self.missed else {
            return self.flaw == Flaw::RejectsWhenShrinking;
        };
        let rejects = matches!(
            self.flaw,
            Flaw::NoneButRejects | Flaw::RejectsWithoutSaying | Flaw::RejectsWhenShrinking
        );
        rejects && hash.is_multiple_of(3)
    }
}

impl Policy for Flawed {
    fn miss(&mut self, hash: u64) {
        self.missed = Some(hash);
        if self.flaw == Flaw::NeedsCapacity {
            self.seats = vec![hash % self.capacity as u64];
        }
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.missed = None;
        self.inserted += 1;
        match self.flaw {
            Flaw::LosesOne if self.inserted.is_multiple_of(20) => return,
            Flaw::TakesZeroForNothing if hash == 0 => return,
            Flaw::FixedArray => self.seats[slot.index()] = hash,
            _ => {}
        }
        self.order.borrow_mut().push((slot, hash));
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.touch(slot, hash);
    }

    fn hit_shared(&self, slot: Slot, hash: u64) {
        if self.flaw != Flaw::LosesSharedHits {
            self.touch(slot, hash);
        }
    }

    fn shares_hits(&self) -> bool {
        self.flaw != Flaw::ClaimsSharedHits
    }

    fn evict(&mut self) -> Option<Slot> {
        if self.order.borrow().is_empty() {
            self.missed = None;
            return None;
        }
        if self.rejects() || self.flaw == Flaw::GivesUp && self.order.borrow().len() == 1 {
            self.missed = None;
            return None;
        }
        let victim = self.victim();
        if self.flaw == Flaw::KeepsEvicted {
            return Some(self.order.borrow()[victim].0);
        }
        Some(self.order.borrow_mut().remove(victim).0)
    }

    fn rejects(&self) -> bool {
        matches!(self.flaw, Flaw::NoneButRejects | Flaw::RejectsWhenShrinking)
    }

    fn remove(&mut self, slot: Slot, hash: u64) {
        if self.flaw == Flaw::IgnoresRemove {
            return;
        }
        if let Some(at) = self.find(slot, hash) {
            self.order.borrow_mut().remove(at);
            self.miscounted += usize::from(self.flaw == Flaw::CountsRemovedTwice);
        }
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        if self.flaw == Flaw::IgnoresRelocate {
            return;
        }
        let mut order = self.order.borrow_mut();
        if let Some(at) = order.iter().position(|&(slot, _)| slot == from) {
            order[at].0 = to;
            if self.flaw == Flaw::RelocatesToFront {
                let entry = order.remove(at);
                order.push(entry);
            }
        }
    }

    fn set_capacity(&mut self, entries: usize) {
        self.capacity = entries;
        if self.flaw == Flaw::FixedArray {
            self.seats
                .resize(self.seats.len().max(entries.min(1 << 16)), 0);
        }
        if self.flaw == Flaw::ForgetsOnResize {
            let mut order = self.order.borrow_mut();
            let excess = order.len().saturating_sub(entries);
            order.drain(..excess);
        }
    }

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.shown.set(self.shown.get() + 1);
        if self.flaw == Flaw::ChangesWhenLookedAt && self.shown.get().is_multiple_of(10) {
            self.order.borrow_mut().reverse();
        }
        let order = self.order.borrow();
        let mut slots: Vec<Slot> = order.iter().map(|&(slot, _)| slot).collect();
        match self.flaw {
            Flaw::ShowsTwice => slots.extend(slots.clone()),
            Flaw::HidesOne => drop(slots.pop()),
            Flaw::ShowsHottestFirst => slots.reverse(),
            _ => {}
        }
        slots.into_iter().for_each(visit);
    }

    fn len(&self) -> usize {
        self.order.borrow().len().saturating_sub(self.miscounted)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0 && self.flaw != Flaw::NeverEmpty
    }

    fn check_invariants(&self) {
        let broken = self.flaw == Flaw::BreaksInvariant && self.order.borrow().len() > 2;
        assert!(!broken, "more than that");
    }
}

macro_rules! around_lru {
    ($name:ident, $($evict:tt)*) => {
        impl Policy for $name {
            fn insert(&mut self, slot: Slot, hash: u64) {
                self.0.insert(slot, hash);
            }

            fn hit(&mut self, slot: Slot, hash: u64) {
                self.0.hit(slot, hash);
            }

            $($evict)*

            fn remove(&mut self, slot: Slot, hash: u64) {
                self.0.remove(slot, hash);
            }

            fn relocate(&mut self, from: Slot, to: Slot) {
                self.0.relocate(from, to);
            }

            fn set_capacity(&mut self, entries: usize) {
                self.0.set_capacity(entries);
            }

            fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
                self.0.for_each_coldest(visit);
            }

            fn len(&self) -> usize {
                self.0.len()
            }
        }

        impl $name {
            pub(crate) fn new(entries: usize) -> Self {
                Self(Lru::new(entries))
            }
        }
    };
}

/// Looks at all entries before one leaves.
pub(crate) struct Scans(Lru);

around_lru! {
    Scans,
    fn evict(&mut self) -> Option<Slot> {
        let mut sum = 0_u64;
        self.0.for_each_coldest(&mut |slot| sum = sum.wrapping_mul(31).wrapping_add(slot.0.into()));
        (sum != 1).then(|| self.0.evict()).flatten()
    }
}

/// Allocates when one leaves.
pub(crate) struct Allocates(Lru);

around_lru! {
    Allocates,
    fn evict(&mut self) -> Option<Slot> {
        let mut victims = Vec::with_capacity(1);
        victims.extend(self.0.evict());
        victims.pop()
    }
}
