//! Random histories.

use super::step::{Member, Step};
use alloc::vec::Vec;
use purlin_core::random::{RandomExt as _, SplitMix64};

pub(super) struct Draw(SplitMix64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // What is below a u32 is one.
        u32::try_from(self.0.below(bound.into())).unwrap_or(0)
    }

    fn below_byte(&mut self, bound: u8) -> u8 {
        u8::try_from(self.below(bound.into())).unwrap_or(0)
    }

    /// Endpoints are few, so that most steps are about one that is there.
    fn id(&mut self) -> u64 {
        self.below(24).into()
    }

    fn member(&mut self, labels: bool) -> Member {
        let weight = match self.below(8) {
            0 => 0,
            _ => self.below(10) + 1,
        };
        Member {
            id: self.id(),
            weight,
            zone: if labels { self.below_byte(3) } else { 0 },
            priority: if labels { self.below_byte(3) } else { 0 },
        }
    }

    /// So many steps; with zones and priorities if there are to be `labels`.
    pub(super) fn steps(&mut self, count: usize, labels: bool) -> Vec<Step> {
        (0..count).map(|_| self.step(labels)).collect()
    }

    fn step(&mut self, labels: bool) -> Step {
        let id = self.id();
        match self.below(21) {
            0..=7 => self.update(labels),
            8 | 9 => Step::Health(id, self.below_byte(3)),
            10 => Step::Eject(id, self.below(2) == 0),
            11 => Step::Drain(id, self.below(2) == 0),
            12..=16 => {
                let excluded = self.below(4);
                let key = (self.below(4) > 0).then(|| self.below(1_000).into());
                Step::Pick(key, (0..excluded).map(|_| self.id()).collect())
            }
            17 | 18 => Step::End(self.below(1_000) as usize, self.below_byte(3)),
            19 => Step::Clock(self.below(100_000).into()),
            _ => {
                let count = self.below(6);
                Step::Batch((0..count).map(|_| self.update(labels)).collect())
            }
        }
    }

    /// A change of endpoints or weights.
    fn update(&mut self, labels: bool) -> Step {
        let id = self.id();
        match self.below(8) {
            0..=3 => Step::Insert(self.member(labels)),
            4 | 5 => Step::Remove(id),
            6 => Step::SetWeight(id, self.below(12)),
            _ => {
                let count = self.below(20);
                Step::Replace((0..count).map(|_| self.member(labels)).collect())
            }
        }
    }
}
