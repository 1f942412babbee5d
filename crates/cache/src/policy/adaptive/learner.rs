use super::queues::{MOST_SMALL, Queues, Rule};
use crate::index::Index;
use crate::policy::Slot;
use alloc::vec::Vec;

/// The rules that are tried, the first at the beginning.
const RULES: [Rule; 4] = [
    Rule::Small(10),
    Rule::Small(3),
    Rule::Small(MOST_SMALL),
    Rule::Clock,
];
/// Entries that a shadow should hold at least, to tell good rules from bad ones.
const LEAST_SHADOW: usize = 128;
/// One key in so many is looked at, at most.
const FEWEST: usize = 256;
/// The rules are compared whenever so many sampled requests for each entry of a shadow have passed: 1/2.
const EPOCHS_PER_CAPACITY: usize = 2;
/// Of every score so much is kept at a comparison, in 1/1024: about 50 comparisons count.
const KEPT: u64 = 1004;
/// A rule takes over when it leads by this share of the requests: 1/512.
const LEAD: u64 = 512;

/// Small caches of hashes only, on a sample of the keys, one for each rule: the one with the most hits
/// says how the real cache is ruled.
#[derive(Debug)]
pub(super) struct Learner {
    shadows: [Shadow; RULES.len()],
    /// Of a hash, these bits are zero if its key is looked at.
    mask: u64,
    ruling: u8,
    /// Requests that were looked at, decayed as the scores are.
    requests: u64,
    until_comparison: usize,
    epoch: usize,
}

impl Learner {
    pub(super) fn new(capacity: usize) -> Self {
        let most = (capacity / LEAST_SHADOW).clamp(1, FEWEST);
        let one_in = 1 << most.ilog2();
        let shadow = (capacity / one_in).max(1);
        let epoch = (shadow / EPOCHS_PER_CAPACITY).max(16);
        Self {
            shadows: RULES.map(|rule| Shadow::new(shadow, rule)),
            mask: (one_in as u64 - 1) << 20,
            ruling: 0,
            requests: 0,
            until_comparison: epoch,
            epoch,
        }
    }

    pub(super) fn mask(&self) -> u64 {
        self.mask
    }

    /// The number of the rule that has done best.
    pub(super) fn ruling(&self) -> u8 {
        self.ruling
    }

    pub(super) fn rule(number: u8) -> Rule {
        RULES[usize::from(number)]
    }

    /// A key of the sample was asked for. Whether the rules were compared.
    pub(super) fn observe(&mut self, hash: u64) -> bool {
        for shadow in &mut self.shadows {
            shadow.request(hash);
        }
        self.requests += 1024;
        self.until_comparison -= 1;
        let is_over = self.until_comparison == 0;
        if is_over {
            self.until_comparison = self.epoch;
            self.compare();
        }
        is_over
    }

    fn score(&self, rule: u8) -> u64 {
        self.shadows[usize::from(rule)].score
    }

    fn compare(&mut self) {
        let mut best = (self.score(self.ruling) + self.requests / LEAD, self.ruling);
        for (rule, shadow) in (0..).zip(&self.shadows) {
            best = best.max((shadow.score, rule));
        }
        self.ruling = best.1;
        self.requests = self.requests * KEPT / 1024;
        for shadow in &mut self.shadows {
            shadow.score = shadow.score * KEPT / 1024;
        }
    }
}

/// A cache of hashes under one rule.
#[derive(Debug)]
struct Shadow {
    queues: Queues,
    capacity: usize,
    hashes: Vec<u64>,
    index: Index,
    /// Decayed hits, times 1024.
    score: u64,
}

impl Shadow {
    fn new(capacity: usize, rule: Rule) -> Self {
        Self {
            queues: Queues::new(capacity, rule),
            capacity,
            hashes: Vec::new(),
            index: Index::new(),
            score: 0,
        }
    }

    fn request(&mut self, hash: u64) {
        let index_hash = hash.rotate_left(29);
        // The index may ask about a slot that nobody has.
        let found = self.index.find(index_hash, |slot| {
            self.hashes.get(slot.index()) == Some(&hash)
        });
        if let Some(slot) = found {
            self.score += 1024;
            self.queues.hit(slot);
            return;
        }
        let full = self.hashes.len() >= self.capacity;
        let slot = match full.then(|| self.queues.evict()).flatten() {
            Some(slot) => {
                let old = self.hashes[slot.index()];
                self.queues.departed(old);
                self.index.remove(old.rotate_left(29), slot, |other| {
                    self.hashes[other.index()].rotate_left(29)
                });
                self.hashes[slot.index()] = hash;
                slot
            }
            None => {
                if self.hashes.len() >= self.index.capacity() {
                    let hashes = self.hashes.iter().map(|hash| hash.rotate_left(29));
                    self.index.rebuild(
                        (self.hashes.len() * 2).clamp(16, self.capacity.max(16)),
                        hashes,
                    );
                }
                self.hashes.push(hash);
                Slot::at(self.hashes.len() - 1)
            }
        };
        self.index.insert(index_hash, slot);
        self.queues.insert(slot, hash);
    }
}
