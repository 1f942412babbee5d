use super::parts::list::{Links, List};
use super::{Policy, Slot};

/// Least recently used: the entry whose last use is the longest ago leaves.
///
/// Good where what was used lately will be used soon, and nothing else is known. A scan through more
/// keys than there is room for empties it, and a loop over one key more than the capacity never hits.
/// O(1) for every operation, 8 bytes an entry; a hit changes the order, so hits exclude each other.
/// Mattson, Gecsei, Slutz, Traiger: "Evaluation techniques for storage hierarchies" (1970).
#[derive(Clone, Debug, Default)]
pub struct Lru {
    links: Links,
    order: List,
}

impl Lru {
    /// A policy for so many entries. Nothing is allocated yet.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let _ = entries;
        Self::default()
    }
}

impl Policy for Lru {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        self.links.push_front(&mut self.order, slot);
    }

    fn hit(&mut self, slot: Slot, _hash: u64) {
        self.links.move_to_front(&mut self.order, slot);
    }

    fn evict(&mut self) -> Option<Slot> {
        self.links.pop_back(&mut self.order)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        self.links.unlink(&mut self.order, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        self.links.relocate(&mut self.order, from, to);
    }

    fn set_capacity(&mut self, _entries: usize) {}

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.links.from_back(&self.order).for_each(visit);
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    fn check_invariants(&self) {
        self.links.check(&self.order);
    }
}
