//! S3-FIFO after Algorithm 1 of the paper: queues S, M and G of keys, and `freq`.

use crate::harness::{Model, compare_orders};
use purlin_cache::policy::S3Fifo;
use std::collections::HashMap;

#[derive(Clone, Debug, Default)]
struct Queues {
    /// Heads at the end, tails at the front.
    s: Vec<u64>,
    m: Vec<u64>,
    g: Vec<u64>,
    freq: HashMap<u64, u32>,
    tenth: usize,
    ghosts: usize,
    was_in_g: bool,
}

impl Queues {
    fn new(entries: usize) -> Self {
        let mut queues = Self::default();
        queues.set_capacity(entries);
        queues
    }

    fn trim(&mut self) {
        self.g.drain(..self.g.len().saturating_sub(self.ghosts));
    }

    fn evict_s(&mut self) -> Option<u64> {
        let tail = self.s.remove(0);
        let freq = self.freq.get_mut(&tail).expect("a present key");
        if *freq > 1 {
            *freq = 0;
            self.m.push(tail);
            return None;
        }
        self.freq.remove(&tail);
        self.g.push(tail);
        self.trim();
        Some(tail)
    }

    fn evict_m(&mut self) -> Option<u64> {
        let tail = self.m.remove(0);
        let freq = self.freq.get_mut(&tail).expect("a present key");
        if *freq > 0 {
            *freq -= 1;
            self.m.push(tail);
            return None;
        }
        self.freq.remove(&tail);
        Some(tail)
    }
}

impl Model for Queues {
    fn miss(&mut self, key: u64) {
        self.was_in_g = self.g.contains(&key);
        self.g.retain(|other| *other != key);
    }

    fn insert(&mut self, key: u64) {
        let queue = if self.was_in_g {
            &mut self.m
        } else {
            &mut self.s
        };
        queue.push(key);
        self.was_in_g = false;
        self.freq.insert(key, 0);
    }

    fn hit(&mut self, key: u64) {
        let freq = self.freq.get_mut(&key).expect("a present key");
        *freq = (*freq + 1).min(3);
    }

    fn evict(&mut self) -> Option<u64> {
        loop {
            let gone = match (self.s.len(), self.m.len()) {
                (0, 0) => return None,
                (1.., 0) => self.evict_s(),
                (s, _) if s >= self.tenth => self.evict_s(),
                _ => self.evict_m(),
            };
            if gone.is_some() {
                return gone;
            }
        }
    }

    fn remove(&mut self, key: u64) {
        self.s.retain(|other| *other != key);
        self.m.retain(|other| *other != key);
        self.freq.remove(&key);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.tenth = (entries / 10).max(1);
        self.ghosts = entries.saturating_sub(self.tenth);
        self.trim();
    }
}

#[test]
fn s3_fifo_is_algorithm_1_of_the_paper() {
    compare_orders(S3Fifo::new, Queues::new, |ours, theirs| {
        let (mut ours, mut theirs) = (ours.to_vec(), theirs.to_vec());
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    });
}
