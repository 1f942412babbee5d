//! LIRS as section 3.3 of the paper tells it: stack S, queue Q and the set of LIR blocks.

use crate::harness::{Model, compare};
use purlin_cache::policy::Lirs;

#[derive(Clone, Debug, Default)]
struct StackAndQueue {
    /// The top is at the end. LIR blocks, and HIR blocks that are resident or not.
    s: Vec<u64>,
    /// Resident HIR blocks; the front is at 0.
    q: Vec<u64>,
    lir: Vec<u64>,
    /// Non-resident blocks of S in the order in which they left (not in the paper, which sets no bound).
    gone: Vec<u64>,
    llirs: usize,
    most_gone: usize,
    was_in_s: bool,
}

fn drop_key(list: &mut Vec<u64>, key: u64) {
    list.retain(|other| *other != key);
}

impl StackAndQueue {
    fn new(entries: usize) -> Self {
        let mut model = Self::default();
        model.set_capacity(entries);
        model
    }

    fn move_up(&mut self, key: u64) {
        drop_key(&mut self.s, key);
        self.s.push(key);
    }

    /// Stack pruning: an LIR block is at the bottom.
    fn prune(&mut self) {
        let bottom = self.s.iter().position(|key| self.lir.contains(key));
        for key in self.s.drain(..bottom.unwrap_or(self.s.len())) {
            drop_key(&mut self.gone, key);
        }
    }

    fn become_lir(&mut self, key: u64) {
        self.move_up(key);
        self.lir.push(key);
        drop_key(&mut self.q, key);
        if self.lir.len() > self.llirs {
            self.demote_bottom();
        }
    }

    fn demote_bottom(&mut self) {
        self.prune();
        if !self.s.is_empty() {
            let bottom = self.s.remove(0);
            drop_key(&mut self.lir, bottom);
            self.q.push(bottom);
        }
        self.prune();
    }

    fn trim(&mut self) {
        while self.gone.len() > self.most_gone {
            let first = self.gone.remove(0);
            drop_key(&mut self.s, first);
        }
    }
}

impl Model for StackAndQueue {
    fn miss(&mut self, key: u64) {
        self.was_in_s = self.s.contains(&key);
        drop_key(&mut self.s, key);
        drop_key(&mut self.gone, key);
    }

    fn insert(&mut self, key: u64) {
        if self.was_in_s || self.lir.len() < self.llirs {
            self.become_lir(key);
        } else {
            self.move_up(key);
            self.q.push(key);
            self.prune();
        }
        self.was_in_s = false;
    }

    fn hit(&mut self, key: u64) {
        if self.lir.contains(&key) {
            self.move_up(key);
        } else if self.s.contains(&key) || self.lir.len() < self.llirs {
            self.become_lir(key);
        } else {
            self.move_up(key);
            drop_key(&mut self.q, key);
            self.q.push(key);
        }
        self.prune();
    }

    fn evict(&mut self) -> Option<u64> {
        if self.lir.len() > self.llirs || self.q.is_empty() {
            self.demote_bottom();
        }
        if self.q.is_empty() {
            return None;
        }
        let key = self.q.remove(0);
        if self.s.contains(&key) {
            self.gone.push(key);
            self.trim();
        }
        Some(key)
    }

    fn remove(&mut self, key: u64) {
        drop_key(&mut self.s, key);
        drop_key(&mut self.q, key);
        drop_key(&mut self.lir, key);
        self.prune();
    }

    fn set_capacity(&mut self, entries: usize) {
        self.llirs = entries.saturating_sub((entries / 100).max(2));
        self.most_gone = 2 * entries;
        self.trim();
    }
}

#[test]
fn lirs_is_a_stack_and_a_queue() {
    compare(Lirs::new, StackAndQueue::new);
}
