use super::parts::ghost::Ghost;
use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot, percent_of};

/// LIRS: entries with a short distance between their last two uses stay.
///
/// Nearly all entries are LIR, of low inter-reference recency. The others, HIR, come in and leave through a FIFO, the queue. The stack
/// has entries of both kinds and departed ones in order of last use, down to the oldest LIR one; who is used again while in the stack has been away for
/// less than the oldest LIR entry and takes its rank. Take it where LRU fails: loops over more keys than
/// there is room for, scans, requests of mixed locality, as in file systems and databases. Do not take it where
/// memory is short, or where what is hot changes quickly: there are few places for newcomers. A hit
/// changes the order, so hits exclude each other.
///
/// HIR entries have 1 % of the places, but at least 2. At most as many departed entries are remembered as there is room for twice over; the first that left is forgotten first. (The
/// paper sets no bound.)
///
/// O(1) amortized for every operation: what is pruned from the stack was once put there; one operation may prune all of it. 33 bytes an entry, and a place in a
/// [`Ghost`] and 16 bytes for each departed one. Up to 2^31 entries. Jiang, Zhang: "LIRS: an efficient low inter-reference recency set replacement policy to improve
/// buffer cache performance", SIGMETRICS 2002.
///
/// ```
/// use purlin_cache::policy::{Lirs, Policy, Slot};
///
/// // A loop over one key more than there is room for, on which LRU never hits.
/// let mut policy = Lirs::new(10);
/// let mut slots = [None; 11];
/// let mut hits = 0;
/// for request in 0..11_000 {
///     let key = request % 11;
///     if let Some(slot) = slots[key] {
///         policy.hit(slot, key as u64);
///         hits += 1;
///         continue;
///     }
///     policy.miss(key as u64);
///     let slot = if policy.len() < 10 {
///         Slot(policy.len() as u32)
///     } else {
///         let victim = policy.evict();
///         let left = slots.iter_mut().find(|slot| **slot == victim).unwrap();
///         left.take().unwrap()
///     };
///     policy.insert(slot, key as u64);
///     slots[key] = Some(slot);
/// }
/// assert!(hits > 7_900);
/// ```
#[derive(Clone, Debug)]
pub struct Lirs {
    /// S of the paper, its top at the front. Nodes are [`resident`] and [`departed`] ones; one of an LIR entry is at the bottom.
    stack: List,
    stack_links: Links,
    /// Q of the paper: resident HIR entries. They leave at the back.
    queue: List,
    queue_links: Links,
    departed: Ghost,
    hashes: PerSlot<u64>,
    status: PerSlot<Status>,
    lirs: usize,
    lir_target: usize,
    /// Whether the key that missed last is in the stack.
    returning: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// In the stack only.
    Lir,
    /// In the stack and in the queue.
    HirInStack,
    /// In the queue only.
    Hir,
}

/// The node in the stack of an entry.
fn resident(slot: Slot) -> Slot {
    Slot(2 * slot.0)
}

/// The node in the stack of what has left and is remembered at a place.
fn departed(place: Slot) -> Slot {
    Slot(2 * place.0 + 1)
}

impl Lirs {
    /// A policy for so many entries. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let mut policy = Self {
            stack: List::new(),
            stack_links: Links::new(),
            queue: List::new(),
            queue_links: Links::new(),
            departed: Ghost::new(0),
            hashes: PerSlot::new(),
            status: PerSlot::new(),
            lirs: 0,
            lir_target: 0,
            returning: false,
        };
        policy.set_capacity(entries);
        policy
    }

    fn push_to_stack(&mut self, slot: Slot) {
        self.stack_links.push_front(&mut self.stack, resident(slot));
    }

    fn unlink_from_stack(&mut self, node: Slot) {
        self.stack_links.unlink(&mut self.stack, node);
    }

    /// Takes what is below the oldest LIR entry from the stack: it would not get its rank.
    fn prune(&mut self) {
        while let Some(node) = self.stack.back() {
            let number = Slot(node.0 / 2);
            if node == departed(number) {
                self.departed.forget(number);
            } else if self.status[number] == Status::Lir {
                return;
            } else {
                self.status[number] = Status::Hir;
            }
            self.unlink_from_stack(node);
        }
    }

    /// The oldest LIR entry, at the bottom of the stack, becomes the newest of the queue.
    fn demote(&mut self) {
        if let Some(node) = self.stack_links.pop_back(&mut self.stack) {
            let slot = Slot(node.0 / 2);
            self.status[slot] = Status::Hir;
            self.lirs -= 1;
            self.queue_links.push_front(&mut self.queue, slot);
            self.prune();
        }
    }

    /// An entry that is at the top of the stack, and in no queue, becomes LIR.
    fn promote(&mut self, slot: Slot) {
        self.status[slot] = Status::Lir;
        self.lirs += 1;
        if self.lirs > self.lir_target {
            self.demote();
        }
    }

    /// What remains of an entry in the stack is its hash.
    fn depart(&mut self, slot: Slot) {
        let hash = self.hashes[slot];
        self.recall(hash); // of another key, with the same hash
        if self.departed.is_full()
            && let Some(place) = self.departed.pop_oldest()
        {
            self.unlink_from_stack(departed(place));
        }
        match self.departed.insert(hash) {
            Some(place) => {
                self.stack_links
                    .relocate(&mut self.stack, resident(slot), departed(place));
            }
            None => self.unlink_from_stack(resident(slot)),
        }
    }

    /// Whether a hash is remembered. It is not any more.
    fn recall(&mut self, hash: u64) -> bool {
        let place = self.departed.remove(hash);
        if let Some(place) = place {
            self.unlink_from_stack(departed(place));
        }
        place.is_some()
    }
}

impl Policy for Lirs {
    fn miss(&mut self, hash: u64) {
        self.returning = self.recall(hash);
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.hashes.set(slot, hash);
        self.status.set(slot, Status::HirInStack);
        self.push_to_stack(slot);
        if self.returning || self.lirs < self.lir_target {
            self.promote(slot);
        } else {
            self.queue_links.push_front(&mut self.queue, slot);
            self.prune(); // without LIR entries there is no stack
        }
        self.returning = false;
    }

    fn hit(&mut self, slot: Slot, _hash: u64) {
        let status = self.status[slot];
        if status == Status::Hir {
            self.push_to_stack(slot);
        } else {
            self.stack_links
                .move_to_front(&mut self.stack, resident(slot));
        }
        if status == Status::HirInStack || (status == Status::Hir && self.lirs < self.lir_target) {
            self.queue_links.unlink(&mut self.queue, slot);
            self.promote(slot);
        } else if status == Status::Hir {
            self.status[slot] = Status::HirInStack;
            self.queue_links.move_to_front(&mut self.queue, slot);
        }
        self.prune();
    }

    fn evict(&mut self) -> Option<Slot> {
        if self.lirs > self.lir_target || self.queue.is_empty() {
            self.demote();
        }
        let slot = self.queue_links.pop_back(&mut self.queue)?;
        if self.status[slot] == Status::HirInStack {
            self.depart(slot);
        }
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let status = self.status[slot];
        if status != Status::Lir {
            self.queue_links.unlink(&mut self.queue, slot);
        }
        if status != Status::Hir {
            self.unlink_from_stack(resident(slot));
        }
        self.lirs -= usize::from(status == Status::Lir);
        self.prune();
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let status = self.status[from];
        if status != Status::Lir {
            self.queue_links.relocate(&mut self.queue, from, to);
        }
        if status != Status::Hir {
            self.stack_links
                .relocate(&mut self.stack, resident(from), resident(to));
        }
        self.status.set(to, status);
        self.hashes.set(to, self.hashes[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        let hirs = percent_of(entries, 1).max(2);
        self.lir_target = entries.saturating_sub(hirs);
        let limit = entries.saturating_mul(2);
        while self.departed.len() > limit
            && let Some(place) = self.departed.pop_oldest()
        {
            self.unlink_from_stack(departed(place));
        }
        self.departed.set_limit(limit);
    }

    /// The queue, then the LIR entries from the bottom of the stack. O(n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.queue_links
            .from_back(&self.queue)
            .for_each(&mut *visit);
        for node in self.stack_links.from_back(&self.stack) {
            let slot = Slot(node.0 / 2);
            if node == resident(slot) && self.status[slot] == Status::Lir {
                visit(slot);
            }
        }
    }

    fn len(&self) -> usize {
        self.queue.len() + self.lirs
    }

    fn check_invariants(&self) {
        self.stack_links.check(&self.stack);
        self.queue_links.check(&self.queue);
        self.departed.check();
        let (mut lirs, mut hirs, mut gone) = (0, 0, 0);
        for node in self.stack_links.from_back(&self.stack) {
            let slot = Slot(node.0 / 2);
            if node == departed(slot) {
                gone += 1;
            } else if self.status[slot] == Status::Lir {
                lirs += 1;
            } else {
                assert_eq!(self.status[slot], Status::HirInStack, "{slot:?}");
                hirs += 1;
            }
            assert!(lirs > 0, "{node:?} is below the oldest LIR entry");
        }
        let mut queue = self.queue_links.from_back(&self.queue);
        assert!(queue.all(|slot| self.status[slot] != Status::Lir));
        let queue = self.queue_links.from_back(&self.queue);
        let in_stack = queue.filter(|slot| self.status[*slot] == Status::HirInStack);
        assert_eq!(in_stack.count(), hirs, "HIR entries in the stack");
        assert_eq!(lirs, self.lirs, "LIR entries");
        assert_eq!(gone, self.departed.len(), "departed entries");
    }
}
