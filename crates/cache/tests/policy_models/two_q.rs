//! 2Q after the full version's pseudo-code in the paper. Tails are at the front of the vectors.

use crate::harness::{Model, compare};
use purlin_cache::policy::TwoQ;

#[derive(Clone, Debug)]
struct Queues {
    a1_in: Vec<u64>,
    a1_out: Vec<u64>,
    am: Vec<u64>,
    /// The page that is being accessed was in A1out.
    found: bool,
    k_in: usize,
    k_out: usize,
    sizes: fn(usize) -> (usize, usize),
}

impl Queues {
    fn new(entries: usize, sizes: fn(usize) -> (usize, usize)) -> Self {
        let (k_in, k_out) = sizes(entries);
        Self {
            a1_in: Vec::new(),
            a1_out: Vec::new(),
            am: Vec::new(),
            found: false,
            k_in,
            k_out,
            sizes,
        }
    }

    fn trim(&mut self) {
        let surplus = self.a1_out.len().saturating_sub(self.k_out);
        self.a1_out.drain(..surplus);
    }
}

impl Model for Queues {
    fn miss(&mut self, key: u64) {
        self.found = self.a1_out.contains(&key);
        self.a1_out.retain(|other| *other != key);
    }

    fn insert(&mut self, key: u64) {
        if self.found {
            self.am.push(key);
        } else {
            self.a1_in.push(key);
        }
    }

    fn hit(&mut self, key: u64) {
        if self.am.contains(&key) {
            self.am.retain(|other| *other != key);
            self.am.push(key);
        }
    }

    fn evict(&mut self) -> Option<u64> {
        // The paper has no case for an empty Am: then A1in gives, within its share too.
        if self.a1_in.len() > self.k_in || (self.am.is_empty() && !self.a1_in.is_empty()) {
            let key = self.a1_in.remove(0);
            self.a1_out.push(key);
            self.trim();
            Some(key)
        } else {
            (!self.am.is_empty()).then(|| self.am.remove(0))
        }
    }

    fn remove(&mut self, key: u64) {
        self.a1_in.retain(|other| *other != key);
        self.am.retain(|other| *other != key);
    }

    fn set_capacity(&mut self, entries: usize) {
        (self.k_in, self.k_out) = (self.sizes)(entries);
        self.trim();
    }
}

#[test]
fn two_q_is_the_full_version_of_the_paper() {
    compare(TwoQ::new, |entries| {
        Queues::new(entries, |entries| (entries / 4, entries / 2))
    });
}

#[test]
fn the_queues_have_the_shares_they_were_given() {
    compare(
        |entries| TwoQ::with_queues(entries, 50, 300),
        |entries| Queues::new(entries, |entries| (entries / 2, entries * 3)),
    );
    compare(
        |entries| TwoQ::with_queues(entries, 1_000, 100),
        |entries| Queues::new(entries, |entries| (entries, entries)),
    );
    compare(
        |entries| TwoQ::with_queues(entries, 0, 0),
        |entries| Queues::new(entries, |_| (0, 0)),
    );
}
