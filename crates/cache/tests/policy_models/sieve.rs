//! SIEVE after Algorithm 1 of the paper: a queue with head and tail, a visited bit each, a hand that
//! may be NULL.

use crate::harness::{Model, compare};
use purlin_cache::policy::Sieve;

#[derive(Clone, Debug, Default)]
struct Queue {
    /// The head is at 0, the tail at the end.
    objects: Vec<(u64, bool)>,
    hand: Option<u64>,
}

impl Queue {
    fn position(&self, key: u64) -> Option<usize> {
        self.objects.iter().position(|(other, _)| *other == key)
    }

    /// What is nearer to the head, if anything is.
    fn prev(&self, position: usize) -> Option<u64> {
        position.checked_sub(1).map(|prev| self.objects[prev].0)
    }
}

impl Model for Queue {
    fn insert(&mut self, key: u64) {
        self.objects.insert(0, (key, false));
    }

    fn hit(&mut self, key: u64) {
        let position = self.position(key).expect("a present key");
        self.objects[position].1 = true;
    }

    fn evict(&mut self) -> Option<u64> {
        let tail = self.objects.last()?.0;
        let mut object = self.hand.unwrap_or(tail);
        loop {
            let position = self.position(object).expect("the hand is at an object");
            if !self.objects[position].1 {
                self.hand = self.prev(position);
                self.objects.remove(position);
                return Some(object);
            }
            self.objects[position].1 = false;
            object = self.prev(position).unwrap_or(tail);
        }
    }

    fn remove(&mut self, key: u64) {
        let position = self.position(key).expect("a present key");
        if self.hand == Some(key) {
            self.hand = self.prev(position);
        }
        self.objects.remove(position);
    }
}

#[test]
fn sieve_is_the_algorithm_of_the_paper() {
    compare(Sieve::new, |_| Queue::default());
}
