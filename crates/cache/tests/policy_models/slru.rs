//! SLRU: the protected segment is what was hit and has not been demoted since.

use crate::harness::{Model, compare};
use purlin_cache::policy::{Policy, Slot, Slru};

/// How many of so many entries may be protected.
type LimitOf = fn(usize) -> usize;

#[derive(Clone, Debug)]
struct Segments {
    /// Least recently used first, both.
    probationary: Vec<u64>,
    protected: Vec<u64>,
    limit: usize,
    limit_of: LimitOf,
}

impl Segments {
    fn new(entries: usize, limit_of: LimitOf) -> Self {
        Self {
            probationary: Vec::new(),
            protected: Vec::new(),
            limit: limit_of(entries),
            limit_of,
        }
    }

    fn demote(&mut self) {
        let surplus = self.protected.len().saturating_sub(self.limit);
        self.probationary.extend(self.protected.drain(..surplus));
    }
}

impl Model for Segments {
    fn insert(&mut self, key: u64) {
        self.probationary.push(key);
    }

    fn hit(&mut self, key: u64) {
        self.remove(key);
        self.protected.push(key);
        self.demote();
    }

    fn evict(&mut self) -> Option<u64> {
        let segment = if self.probationary.is_empty() {
            &mut self.protected
        } else {
            &mut self.probationary
        };
        (!segment.is_empty()).then(|| segment.remove(0))
    }

    fn remove(&mut self, key: u64) {
        self.probationary.retain(|other| *other != key);
        self.protected.retain(|other| *other != key);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.limit = (self.limit_of)(entries);
        self.demote();
    }
}

#[test]
fn slru_is_two_lines() {
    compare(Slru::new, |entries| {
        Segments::new(entries, |entries| entries * 4 / 5)
    });
}

#[test]
fn the_protected_segment_has_the_share_it_was_given() {
    let shares: [(u32, LimitOf); 4] = [
        (0, |_| 0),
        (50, |entries| entries / 2),
        (100, |entries| entries),
        (1_000, |entries| entries),
    ];
    for (percent, limit_of) in shares {
        compare(
            |entries| Slru::with_protected(entries, percent),
            |entries| Segments::new(entries, limit_of),
        );
    }
}

#[test]
fn a_capacity_beyond_any_number_of_slots_is_no_harm() {
    let mut policy = Slru::new(usize::MAX);
    policy.insert(Slot(0), 0);
    policy.insert(Slot(1), 1);
    policy.hit(Slot(0), 0);
    policy.set_capacity(usize::MAX);
    policy.check_invariants();
    assert_eq!(policy.evict(), Some(Slot(1)));
}
