//! Generalized CLOCK as a face of positions that a hand passes; new entries are put in just behind
//! the hand.

use crate::harness::{Model, compare};
use purlin_cache::policy::{Clock, Policy, Slot};
use std::collections::HashMap;

#[derive(Clone, Debug, Default)]
struct Face {
    ring: Vec<u64>,
    /// An index of `ring`: the entry it looks at next.
    hand: usize,
    counts: HashMap<u64, u32>,
    most: u32,
}

impl Face {
    fn take(&mut self, position: usize) -> u64 {
        let key = self.ring.remove(position);
        if position < self.hand {
            self.hand -= 1;
        }
        if self.hand == self.ring.len() {
            self.hand = 0;
        }
        self.counts.remove(&key);
        key
    }
}

impl Model for Face {
    fn insert(&mut self, key: u64) {
        self.ring.insert(self.hand, key);
        self.hand = (self.hand + 1) % self.ring.len();
        self.counts.insert(key, 0);
    }

    fn hit(&mut self, key: u64) {
        let count = self.counts.get_mut(&key).expect("a present key");
        *count = (*count + 1).min(self.most);
    }

    fn evict(&mut self) -> Option<u64> {
        while let Some(key) = self.ring.get(self.hand) {
            let count = self.counts.get_mut(key).expect("a present key");
            if *count == 0 {
                return Some(self.take(self.hand));
            }
            *count -= 1;
            self.hand = (self.hand + 1) % self.ring.len();
        }
        None
    }

    fn remove(&mut self, key: u64) {
        if let Some(position) = self.ring.iter().position(|other| *other == key) {
            self.take(position);
        }
    }
}

#[test]
fn clock_is_a_hand_on_a_face() {
    compare(Clock::new, |_| Face {
        most: 1,
        ..Face::default()
    });
}

#[test]
fn generalized_clock_counts_to_the_greatest_number_of_its_bits() {
    for (bits, most) in [(0, 1), (2, 3), (3, 7), (8, 255), (9, 255)] {
        compare(
            |entries| Clock::with_bits(entries, bits),
            |_| Face {
                most,
                ..Face::default()
            },
        );
    }
}

/// More hits than a random sequence has.
#[test]
fn eight_bits_count_to_255() {
    let first_to_leave = |older: u32, newer: u32| {
        let mut policy = Clock::with_bits(2, 8);
        for (slot, hits) in [(Slot(0), older), (Slot(1), newer)] {
            policy.insert(slot, 0);
            (0..hits).for_each(|_| policy.hit_shared(slot, 0));
        }
        policy.check_invariants();
        policy.evict()
    };
    assert_eq!(first_to_leave(255, 254), Some(Slot(1)));
    assert_eq!(first_to_leave(1_000, 255), Some(Slot(0)));
}
