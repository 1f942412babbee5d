//! Windows, seen as a list of all that was ever admitted.

use super::{Model, nanos};
use crate::Quota;
use alloc::vec::Vec;

/// Everything that was admitted, and which of it counts.
#[derive(Clone, Debug)]
pub(in super::super) struct Entries {
    /// Instant and cost, in the order of both calls and instants.
    list: Vec<(u64, u64)>,
    window: u64,
    limit: u64,
    parts: Option<Parts>,
}

/// A window that is counted by parts of it.
#[derive(Clone, Copy, Debug)]
struct Parts {
    /// How many there are in a window.
    count: u64,
    strict: bool,
}

impl Entries {
    pub(in super::super) fn log(quota: &Quota) -> Self {
        Self {
            list: Vec::new(),
            window: nanos(quota),
            limit: quota.count(),
            parts: None,
        }
    }

    pub(in super::super) fn counter(quota: &Quota, parts: u32, strict: bool) -> Self {
        let count = u64::from(parts);
        let parts = Some(Parts { count, strict });
        Self {
            parts,
            ..Self::log(quota)
        }
    }

    /// What counts at an instant at which nothing younger is there: tokens times the second number.
    fn counted(&self, now: u64) -> (u128, u128) {
        let Some(parts) = self.parts else {
            let inside = |&&(at, _): &&(u64, u64)| now - at < self.window;
            return (self.sum(inside), 1);
        };
        let length = self.window / parts.count;
        let (index, into) = (now / length, now % length);
        let whole = self.sum(|(at, _)| index - at / length < parts.count);
        let oldest = self.sum(|(at, _)| index - at / length == parts.count);
        let share = if parts.strict { length } else { length - into };
        let length = u128::from(length);
        (whole * length + oldest * u128::from(share), length)
    }

    fn sum(&self, which: impl Fn(&&(u64, u64)) -> bool) -> u128 {
        let counted = self.list.iter().filter(which);
        counted.map(|&(_, cost)| u128::from(cost)).sum()
    }

    fn newest(&self) -> u64 {
        self.list.last().map_or(0, |&(at, _)| at)
    }

    fn fits(&self, now: u64, cost: u64) -> bool {
        let (counted, unit) = self.counted(now);
        counted + u128::from(cost) * unit <= u128::from(self.limit) * unit
    }

    /// Instants from `from` on between which nothing changes but by the share of the oldest part.
    fn changes(&self, from: u64) -> Vec<u64> {
        let mut changes: Vec<u64> = match self.parts {
            None => {
                let left = self.list.iter();
                left.filter_map(|(at, _)| at.checked_add(self.window))
                    .collect()
            }
            Some(parts) => {
                let length = self.window / parts.count;
                let first = from / length;
                (first..=first.saturating_add(parts.count + 1))
                    .filter_map(|index| index.checked_mul(length))
                    .collect()
            }
        };
        changes.retain(|&at| at > from);
        changes.push(from);
        changes.sort_unstable();
        changes
    }

    /// The first instant from `from` to `to` at which it fits, where fitting once is fitting on.
    fn first_fit(&self, from: u64, to: u64, cost: u64) -> Option<u64> {
        if !self.fits(to, cost) {
            return None;
        }
        let (mut low, mut high) = (from, to);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.fits(middle, cost) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }
}

impl Model for Entries {
    fn earliest(&self, now: u64, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let changes = self.changes(now.max(self.newest()));
        let ends = changes.iter().skip(1).map(|next| next - 1);
        let last = changes.last().copied();
        let mut pieces = changes.iter().zip(ends.chain(last));
        pieces.find_map(|(&from, to)| self.first_fit(from, to, cost))
    }

    fn take(&mut self, _now: u64, at: u64, cost: u64) -> usize {
        if cost > 0 {
            self.list.push((at, cost));
        }
        self.list.len()
    }

    fn remaining(&self, now: u64) -> u64 {
        if now < self.newest() {
            return 0;
        }
        let (counted, unit) = self.counted(now);
        let left = (u128::from(self.limit) * unit).saturating_sub(counted);
        u64::try_from(left / unit).unwrap_or(u64::MAX)
    }

    fn idle_at(&self, now: u64) -> u64 {
        if now >= self.newest() && self.counted(now).0 == 0 {
            return now;
        }
        let newest = self.newest();
        let idle = match self.parts {
            None => newest.saturating_add(self.window),
            Some(parts) => {
                let length = self.window / parts.count;
                (newest / length + parts.count + 1).saturating_mul(length)
            }
        };
        idle.max(now)
    }

    fn cancel(&mut self, _now: u64, _number: usize, _cost: u64, _slack: u64) -> Option<u64> {
        None
    }

    fn refund(&mut self, _now: u64, _cost: u64, _slack: u64) -> bool {
        false
    }

    fn goes_back(&self) -> bool {
        false
    }

    fn is_before_full(&self, _now: u64) -> bool {
        false
    }
}
