//! Quotas, costs and instants from a seed.

use super::model::nanos;
use super::subject::Subject;
use crate::Quota;
use core::time::Duration;
use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};

/// The source of everything that a property tries.
pub(super) struct Draw {
    random: Xoshiro256PlusPlus,
}

const SECOND: u64 = 1_000_000_000;

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::from_seed(seed),
        }
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    fn one_of(&mut self, values: &[u64]) -> u64 {
        let index = usize::try_from(self.below(values.len() as u64)).unwrap_or(0);
        values[index]
    }

    /// A quota as people write them: up to a million in anything from a microsecond to a day.
    pub(super) fn quota(&mut self, subject: &Subject<'_>) -> Quota {
        let count = match self.below(3) {
            0 => 1 + self.below(8),
            1 => self.one_of(&[10, 60, 97, 100, 300, 999, 1_000, 30_000, 1_000_000]),
            _ => 1 + self.below(2_000),
        };
        let period = match self.below(3) {
            0 => SECOND,
            1 => self.one_of(&[
                1_000,
                1_000_000,
                60 * SECOND,
                3_600 * SECOND,
                86_400 * SECOND,
            ]),
            _ => 1_000 + self.below(10 * SECOND),
        };
        // Up to four a nanosecond, which a word can count.
        let period = period.max(count / 4);
        let burst = match self.below(3) {
            0 => count,
            1 => 1 + self.below(8),
            _ => 1 + self.below(2 * count),
        };
        self.valid(subject, count, period, burst)
    }

    /// One whose burst is at most this.
    pub(super) fn small_quota(&mut self, subject: &Subject<'_>, most: u64) -> Quota {
        let count = 1 + self.below(most);
        let period = 1_000 + self.below(10 * SECOND);
        let burst = 1 + self.below(most);
        self.valid(subject, count, period, burst)
    }

    fn valid(&mut self, subject: &Subject<'_>, count: u64, period: u64, burst: u64) -> Quota {
        let burst = if subject.capabilities().bursts {
            burst
        } else {
            count
        };
        let quota = Quota::new(count, Duration::from_nanos(period));
        match quota.and_then(|quota| quota.with_burst(burst)) {
            Ok(quota) => quota,
            Err(error) => unreachable!("none of the numbers is zero: {error}"),
        }
    }

    /// An instant to begin at: near the beginning of the clock, or anywhere in its first two years.
    pub(super) fn start(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(3),
            1 => self.below(SECOND),
            _ => self.below(1 << 56),
        }
    }

    /// A cost: mostly one, sometimes more than there can be.
    pub(super) fn cost(&mut self, limit: u64) -> u64 {
        match self.below(16) {
            0 => 0,
            1 => limit,
            2 => limit.saturating_add(1),
            3 => self.one_of(&[limit / 2, limit - 1, 2]),
            4 => 1 + self.below(limit),
            5..=7 => 1 + self.below(limit.min(4)),
            _ => 1,
        }
    }

    /// A step to a later instant, or to the same: what a limiter by that quota could get wrong.
    pub(super) fn later(&mut self, now: u64, quota: &Quota, retry_at: Option<u64>) -> u64 {
        let period = nanos(quota);
        let token = period.div_ceil(quota.count());
        let full = full_after(quota);
        let later = match self.below(16) {
            0..=2 => now,
            3 => now + 1,
            4 => now + token,
            5 => now + (period / quota.count()),
            6 => now + token * self.below(5) + self.below(3),
            7 => now + self.below(token),
            8 => now + self.below(full),
            9 => now + full + self.below(3) * token,
            10 => (now / period + 1) * period - 1,
            11 => (now / period + 1) * period + self.below(2),
            12 if self.below(8) == 0 => now + 3 * period + 2 * full,
            13 => retry_at.map_or(now, |at| at.saturating_sub(1)),
            _ => retry_at.unwrap_or(now + token / 2),
        };
        later.max(now)
    }

    /// An instant that may lie before.
    pub(super) fn anywhere(&mut self, now: u64, quota: &Quota, retry_at: Option<u64>) -> u64 {
        let full = full_after(quota);
        match self.below(6) {
            0 => now.saturating_sub(1),
            1 => now.saturating_sub(self.below(nanos(quota))),
            2 => now.saturating_sub(self.below(3 * full)),
            _ => self.later(now, quota, retry_at),
        }
    }

    /// Any word, and often one at an end.
    pub(super) fn extreme(&mut self) -> u64 {
        match self.below(6) {
            0 => self.below(3),
            1 => u64::MAX - self.below(3),
            2 => 1 << self.below(64),
            3 => (1 << self.below(64)) - 1,
            _ => self.random.next_u64() >> self.below(64),
        }
    }
}

/// In how many nanoseconds an empty bucket fills, about.
pub(super) fn full_after(quota: &Quota) -> u64 {
    let full = quota.period().as_nanos() * u128::from(quota.burst());
    u64::try_from(full.div_ceil(quota.count().into())).unwrap_or(u64::MAX)
}
