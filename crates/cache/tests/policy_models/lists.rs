//! LRU and FIFO: a line of keys, the next to leave at the front.

use crate::harness::{Model, compare};
use purlin_cache::policy::{Fifo, Lru};

#[derive(Clone, Debug, Default)]
struct Line {
    keys: Vec<u64>,
    hits_move: bool,
}

impl Model for Line {
    fn insert(&mut self, key: u64) {
        self.keys.push(key);
    }

    fn hit(&mut self, key: u64) {
        if self.hits_move {
            self.remove(key);
            self.keys.push(key);
        }
    }

    fn evict(&mut self) -> Option<u64> {
        (!self.keys.is_empty()).then(|| self.keys.remove(0))
    }

    fn remove(&mut self, key: u64) {
        self.keys.retain(|other| *other != key);
    }
}

#[test]
fn lru_is_a_line_in_which_hits_go_to_the_end() {
    compare(Lru::new, |_| Line {
        hits_move: true,
        ..Line::default()
    });
}

#[test]
fn fifo_is_a_line_in_which_hits_do_nothing() {
    compare(Fifo::new, |_| Line::default());
}
