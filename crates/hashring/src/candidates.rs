//! All nodes that take keys, laid out for finding the best of them quickly.

use crate::mix::{node_key, pair};
use crate::placed::Change;
use crate::roster::Seats;
use crate::score::{Entrant, Standing};
use crate::simd;
use alloc::vec::Vec;
use core::ops::Range;
use purlin_core::node::{NodeIdx, Weight};

/// Nodes that take keys, those of equal weight side by side: among them the highest draw decides, which
/// takes no logarithm and vectorises.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    seed: u64,
    /// [`node_key`]s.
    keys: Vec<u64>,
    /// The nodes of these keys.
    nodes: Vec<NodeIdx>,
    /// By weight, ascending.
    classes: Vec<Class>,
}

/// The nodes of one weight.
#[derive(Clone, Debug)]
struct Class {
    weight: Weight,
    range: Range<usize>,
}

impl Candidates {
    pub(crate) fn new(seed: u64, seats: &Seats) -> Self {
        let mut order: Vec<_> = seats
            .iter_active()
            .map(|(node, seat)| (seat.weight, node_key(seed, seat.id), node))
            .collect();
        order.sort_unstable();
        let mut classes: Vec<Class> = Vec::new();
        for (at, &(weight, ..)) in order.iter().enumerate() {
            match classes.last_mut() {
                Some(class) if class.weight == weight => class.range.end = at + 1,
                _ => classes.push(Class {
                    weight,
                    range: at..at + 1,
                }),
            }
        }
        Self {
            seed,
            keys: order.iter().map(|&(_, key, _)| key).collect(),
            nodes: order.iter().map(|&(_, _, node)| node).collect(),
            classes,
        }
    }

    /// Follows a change of the members. O(nodes), by moving memory.
    pub(crate) fn apply(&mut self, change: &Change) {
        self.leave(change);
        self.enter(change);
    }

    fn leave(&mut self, change: &Change) {
        let weight = change.weight_before();
        let key = node_key(self.seed, change.id());
        let Ok(class) = self.class(weight) else {
            return;
        };
        let range = self.classes[class].range.clone();
        let Some(at) = self.keys[range].iter().position(|&other| other == key) else {
            return;
        };
        let at = at + self.classes[class].range.start;
        self.keys.remove(at);
        self.nodes.remove(at);
        self.classes[class].range.end -= 1;
        for later in &mut self.classes[class + 1..] {
            later.range.start -= 1;
            later.range.end -= 1;
        }
        self.classes.retain(|class| !class.range.is_empty());
    }

    fn enter(&mut self, change: &Change) {
        let weight = change.weight_after();
        if weight == 0 {
            return;
        }
        let class = self.class(weight).unwrap_or_else(|class| {
            let start = class
                .checked_sub(1)
                .map_or(0, |before| self.classes[before].range.end);
            let weight = Weight::new(weight);
            self.classes.insert(
                class,
                Class {
                    weight,
                    range: start..start,
                },
            );
            class
        });
        let at = self.classes[class].range.end;
        self.keys.insert(at, node_key(self.seed, change.id()));
        self.nodes.insert(at, change.index);
        self.classes[class].range.end += 1;
        for later in &mut self.classes[class + 1..] {
            later.range.start += 1;
            later.range.end += 1;
        }
    }

    /// The class of a weight, or where it would be.
    fn class(&self, weight: u32) -> Result<usize, usize> {
        self.classes
            .binary_search_by_key(&weight, |class| class.weight.get())
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The best node for a key. O(nodes).
    #[inline]
    pub(crate) fn best(&self, key: u64) -> Option<NodeIdx> {
        if let [_] = self.classes[..] {
            let at = simd::highest(&self.keys, key)?;
            return Some(self.nodes[at]);
        }
        let standing = self.classes.iter().filter_map(|class| {
            let at = class.range.start + simd::highest(&self.keys[class.range.clone()], key)?;
            Some(self.standing(at, class.weight, key))
        });
        standing.min().map(|best| best.node)
    }

    fn standing(&self, at: usize, weight: Weight, key: u64) -> Standing {
        Standing::of_draw(pair(self.keys[at], key), weight, self.nodes[at])
    }

    /// Writes the best nodes worse than `after` to `out`, best first, and answers how many. O(nodes).
    pub(crate) fn best_after(&self, key: u64, after: Standing, out: &mut [Standing]) -> usize {
        let mut found = 0;
        for class in &self.classes {
            // Nodes of this class with lower draws than this cannot be among the best.
            let mut least = 0;
            let range = class.range.clone();
            simd::for_each_draw(&self.keys[range.clone()], key, |at, draw| {
                if draw < least {
                    return;
                }
                let standing = Standing::of_draw(draw, class.weight, self.nodes[range.start + at]);
                if standing <= after {
                    return;
                }
                if found == out.len() {
                    match out.last() {
                        Some(worst) if standing < *worst => found -= 1,
                        _ => {
                            least = draw;
                            return;
                        }
                    }
                }
                let at = out[..found].partition_point(|better| *better < standing);
                out[at..=found].rotate_right(1);
                out[at] = standing;
                found += 1;
            });
        }
        found
    }

    /// Fills `out` with the best nodes, best first, and answers how many. O(nodes) for each sixteen.
    pub(crate) fn best_of(&self, key: u64, out: &mut [NodeIdx]) -> usize {
        const AT_ONCE: usize = 16;
        let (mut written, mut after) = (0, Standing::BEST);
        for part in out.chunks_mut(AT_ONCE) {
            let mut next = [Standing::BEST; AT_ONCE];
            let found = self.best_after(key, after, &mut next[..part.len()]);
            for (slot, standing) in part.iter_mut().zip(&next[..found]) {
                *slot = standing.node;
            }
            written += found;
            match next[..found].last() {
                Some(&last) if found == AT_ONCE => after = last,
                _ => break,
            }
        }
        written
    }

    /// The best node that `accept` accepts. O(nodes) for each eight that it refuses, and never more than
    /// three times that.
    pub(crate) fn best_where(
        &self,
        key: u64,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        const AT_ONCE: usize = 8;
        let mut after = Standing::BEST;
        for _ in 0..2 {
            let mut next = [Standing::BEST; AT_ONCE];
            let found = self.best_after(key, after, &mut next);
            let next = &next[..found];
            if let Some(accepted) = next.iter().find(|standing| accept(standing.node)) {
                return Some(accepted.node);
            }
            after = *next.last().filter(|_| found == AT_ONCE)?;
        }
        self.best_of_accepted(key, accept)
    }

    fn best_of_accepted(
        &self,
        key: u64,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        let mut best: Option<Standing> = None;
        for class in &self.classes {
            for at in class.range.clone() {
                let standing = self.standing(at, class.weight, key);
                if best.is_none_or(|best| standing < best) && accept(standing.node) {
                    best = Some(standing);
                }
            }
        }
        best.map(|best| best.node)
    }

    /// Panics when this is not what building anew would give, order within a weight aside.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn check(&self, seats: &Seats) {
        let sorted = |candidates: &Self| {
            let mut all: Vec<_> = candidates
                .entrants()
                .map(|entrant| (entrant.weight, entrant.key, entrant.node))
                .collect();
            all.sort_unstable();
            all
        };
        assert_eq!(sorted(self), sorted(&Self::new(self.seed, seats)));
        let weights = self
            .classes
            .windows(2)
            .all(|pair| pair[0].weight < pair[1].weight);
        assert!(weights, "classes are in the order of their weights");
    }

    /// All nodes that take keys.
    pub(crate) fn entrants(&self) -> impl Iterator<Item = Entrant> {
        self.classes.iter().flat_map(|class| {
            class.range.clone().map(|at| Entrant {
                key: self.keys[at],
                node: self.nodes[at],
                weight: class.weight,
            })
        })
    }
}
