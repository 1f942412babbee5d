//! Requests and changes from a seed.

use super::step::Step;
use purlin_core::random::{RandomExt, Xoshiro256PlusPlus};

/// The source of everything that a property tries.
pub(super) struct Draw {
    random: Xoshiro256PlusPlus,
    pattern: u64,
    /// How many requests are left of the pattern.
    left: u64,
    fresh: u64,
}

/// Capacities with an edge in some policy: a segment of none, of one, of less than a percent.
const CAPACITIES: [usize; 12] = [1, 2, 3, 4, 5, 8, 10, 16, 21, 33, 64, 101];

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::from_seed(seed),
            pattern: 0,
            left: 0,
            fresh: 1 << 32,
        }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        // What is less than a usize is one.
        usize::try_from(self.random.below(bound as u64)).unwrap_or(0)
    }

    /// Whether it is the one time in so many.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.random.below(times) == 0
    }

    pub(super) fn capacity(&mut self) -> usize {
        CAPACITIES[self.below(CAPACITIES.len())]
    }

    /// A key that was never asked for.
    pub(super) fn fresh_key(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    /// The next of a stream of requests that changes its pattern now and then, as is right for a cache of about so
    /// many entries: skewed, uniform, a loop that does not quite fit, a scan with repeats, a few hot keys.
    pub(super) fn key(&mut self, size: usize) -> u64 {
        let size = size as u64 + 1;
        if self.left == 0 {
            self.pattern = self.random.below(5);
            self.left = 1 + self.random.below(3 * size);
        }
        self.left -= 1;
        match self.pattern {
            0 => {
                let most = 1 + self.random.below(4 * size);
                self.random.below(most)
            }
            1 => self.random.below(2 * size),
            2 => self.left % size,
            3 => {
                if !self.one_in(4) {
                    self.fresh += 1;
                }
                self.fresh - self.random.below(3)
            }
            _ => self.random.below(1 + size / 4),
        }
    }

    /// A lookup or a removal.
    pub(super) fn step(&mut self, size: usize) -> Step {
        let key = self.key(size);
        match self.random.below(100) {
            0..8 => Step::Remove { key },
            8..11 => Step::GetHeavy {
                key,
                entries: 2 + self.below(4),
            },
            _ => Step::Get { key },
        }
    }
}
