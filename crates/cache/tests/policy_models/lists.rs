//! LRU and FIFO: a line of keys, the next to leave at the front.

use crate::harness::{Cache, Model, Op, compare};
use purlin_cache::policy::{Fifo, Lru, Policy};

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

/// How many of the references find nothing in so many frames.
fn faults(policy: impl Policy, frames: usize, references: &[u64]) -> usize {
    let mut cache = Cache::new(policy, frames);
    let references = references.iter();
    references
        .filter(|page| !cache.apply(Op::Lookup(**page)).hit)
        .count()
}

/// The string of Belady, Nelson and Shedler (CACM 1969): in more frames FIFO has more faults, LRU
/// has fewer.
#[test]
fn belady_s_anomaly() {
    let references = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
    assert_eq!(faults(Fifo::new(3), 3, &references), 9);
    assert_eq!(faults(Fifo::new(4), 4, &references), 10);
    assert_eq!(faults(Lru::new(3), 3, &references), 10);
    assert_eq!(faults(Lru::new(4), 4, &references), 8);
}

/// The string of Silberschatz, Galvin, Gagne: "Operating System Concepts", chapter "Page Replacement".
#[test]
fn textbook_faults() {
    let references = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
    assert_eq!(faults(Fifo::new(3), 3, &references), 15);
    assert_eq!(faults(Lru::new(3), 3, &references), 12);
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
