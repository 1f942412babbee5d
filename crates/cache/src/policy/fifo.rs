use super::parts::list::{Links, List};
use super::{Policy, Slot};

/// First in, first out: the entry that was inserted the longest ago leaves, used or not.
///
/// Take it where all entries grow stale alike, or as the cheapest thing there is: a hit changes
/// nothing, so hits of a concurrent cache never wait for each other. Do not take it where some keys
/// are much more popular than others: they leave with the rest, and each time cost a miss. More room
/// may even mean fewer hits (Belady, Nelson, Shedler: "An anomaly in space-time characteristics of
/// certain programs running in a paging machine", CACM 1969).
///
/// O(1) for every operation; 8 bytes an entry.
///
/// ```
/// use purlin_cache::policy::{Fifo, Policy, Slot};
///
/// let mut policy = Fifo::new(2);
/// policy.insert(Slot(0), 10);
/// policy.insert(Slot(1), 11);
/// policy.hit(Slot(0), 10); // does not save it
/// assert_eq!(policy.evict(), Some(Slot(0)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    links: Links,
    queue: List,
}

impl Fifo {
    /// A policy for so many entries. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let _ = entries;
        Self::default()
    }
}

impl Policy for Fifo {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.links.push_front(&mut self.queue, slot);
    }

    fn hit(&mut self, _slot: Slot, _hash: u64) {}

    fn shares_hits(&self) -> bool {
        true
    }

    fn evict(&mut self) -> Option<Slot> {
        self.links.pop_back(&mut self.queue)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        self.links.unlink(&mut self.queue, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.links.relocate(&mut self.queue, from, to);
    }

    fn set_capacity(&mut self, _entries: usize) {}

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.links.from_back(&self.queue).for_each(visit);
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn check_invariants(&self) {
        self.links.check(&self.queue);
    }
}
