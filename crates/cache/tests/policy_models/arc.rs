//! ARC after Figure 4 of the paper: four lists of keys and `p`. What the paper leaves open (removals, other sizes) is marked.

use crate::harness::{Model, compare};
use purlin_cache::policy::Arc;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Case {
    /// No request is being served.
    None,
    InB1,
    InB2,
    Nowhere,
}

#[derive(Clone, Debug)]
struct Lists {
    c: usize,
    p: f64,
    /// The LRU page is at the front, in all of them.
    t1: Vec<u64>,
    t2: Vec<u64>,
    b1: Vec<u64>,
    b2: Vec<u64>,
    case: Case,
}

impl Lists {
    fn new(c: usize) -> Self {
        Self {
            c,
            p: 0.0,
            t1: Vec::new(),
            t2: Vec::new(),
            b1: Vec::new(),
            b2: Vec::new(),
            case: Case::None,
        }
    }

    /// Not in the paper, where sizes see to it: no list of the departed is longer than the cache.
    fn trim(&mut self) {
        for list in [&mut self.b1, &mut self.b2] {
            list.drain(..list.len().saturating_sub(self.c));
        }
    }
}

fn take(list: &mut Vec<u64>, key: u64) -> bool {
    let position = list.iter().position(|other| *other == key);
    position.map(|position| list.remove(position)).is_some()
}

impl Model for Lists {
    fn miss(&mut self, key: u64) {
        let (b1, b2) = (self.b1.len() as f64, self.b2.len() as f64);
        if take(&mut self.b1, key) {
            let delta = if b1 >= b2 { 1.0 } else { b2 / b1 };
            self.p = f64::min(self.p + delta, self.c as f64);
            self.case = Case::InB1;
        } else if take(&mut self.b2, key) {
            let delta = if b2 >= b1 { 1.0 } else { b1 / b2 };
            self.p = f64::max(self.p - delta, 0.0);
            self.case = Case::InB2;
        } else {
            let l1 = self.t1.len() + self.b1.len();
            let l2 = self.t2.len() + self.b2.len();
            if l1 >= self.c {
                self.b1.drain(..self.b1.len().min(1));
            } else if l1 + l2 >= 2 * self.c {
                self.b2.drain(..self.b2.len().min(1));
            }
            self.case = Case::Nowhere;
        }
    }

    fn insert(&mut self, key: u64) {
        match self.case {
            Case::InB1 | Case::InB2 => self.t2.push(key),
            Case::Nowhere | Case::None => self.t1.push(key),
        }
        self.case = Case::None;
    }

    fn hit(&mut self, key: u64) {
        self.remove(key);
        self.t2.push(key);
    }

    fn evict(&mut self) -> Option<u64> {
        if self.t1.is_empty() && self.t2.is_empty() {
            return None;
        }
        // Case IV (i), B1 is empty: the LRU page of T1 leaves the cache and is not remembered.
        if self.case == Case::Nowhere && self.t1.len() >= self.c {
            let whole_is_t1 = self.t2.is_empty() || self.t1.len() as f64 > self.p.floor();
            if whole_is_t1 {
                return Some(self.t1.remove(0));
            }
        }
        let (t1, p) = (self.t1.len() as f64, self.p.floor());
        let exceeds = t1 > p || (self.case == Case::InB2 && t1 >= p);
        let (from, to) = if self.t2.is_empty() || (!self.t1.is_empty() && exceeds) {
            (&mut self.t1, &mut self.b1)
        } else {
            (&mut self.t2, &mut self.b2)
        };
        let key = from.remove(0);
        to.push(key);
        self.trim();
        Some(key)
    }

    fn remove(&mut self, key: u64) {
        let _ = take(&mut self.t1, key) || take(&mut self.t2, key);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.c = entries;
        self.p = self.p.min(entries as f64);
        self.trim();
    }
}

#[test]
fn arc_is_figure_4_of_the_paper() {
    compare(Arc::new, Lists::new);
}
