//! A bucket, seen as one that leaks: what was taken, less what has come since.

use super::{Model, nanos};
use crate::Quota;
use alloc::vec::Vec;

/// A bucket in exact arithmetic. Time goes in ticks, and tokens are divided into as many units as
/// make the gain of a tick a whole number.
///
/// No sum is ever too large for its integer, or it means what the largest integer means too: more
/// than there can be.
#[derive(Clone, Debug)]
pub(in super::super) struct Bucket {
    /// Nanoseconds of a tick.
    tick: u64,
    /// Units that come in a tick.
    gain: u128,
    /// Units of a token.
    token: u128,
    limit: u64,
    level: Level,
    /// The last instant of a change at which nothing lacked.
    full_at: u64,
    reserved: Vec<Level>,
}

/// How much was taken and not replaced, at a tick.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    at: u64,
    taken: u128,
}

impl Bucket {
    /// Of which the tokens come evenly.
    pub(in super::super) fn even(quota: &Quota) -> Self {
        Self::new(1, quota.count().into(), nanos(quota).into(), quota.burst())
    }

    /// Of which the tokens come at every multiple of the period.
    pub(in super::super) fn stepped(quota: &Quota) -> Self {
        Self::new(nanos(quota), quota.count().into(), 1, quota.burst())
    }

    fn new(tick: u64, gain: u128, token: u128, limit: u64) -> Self {
        Self {
            tick,
            gain,
            token,
            limit,
            level: Level::default(),
            full_at: 0,
            reserved: Vec::new(),
        }
    }

    /// What lacks at an instant. An earlier one than the level's has seen less come.
    fn taken(&self, level: Level, now: u64) -> u128 {
        let now = now / self.tick;
        let came = self.gain * u128::from(now.abs_diff(level.at));
        if level.taken == 0 {
            0
        } else if now >= level.at {
            level.taken.saturating_sub(came)
        } else {
            level.taken.saturating_add(came)
        }
    }

    /// What lacks at an instant, and what has come since nothing did.
    fn apart(&self, level: Level, now: u64) -> (u128, u128) {
        let ticks = (now / self.tick).saturating_sub(level.at);
        let came = self.gain * u128::from(ticks);
        (self.taken(level, now), came.saturating_sub(level.taken))
    }

    fn burst(&self) -> u128 {
        self.token * u128::from(self.limit)
    }

    fn set(&mut self, now: u64, taken: u128) {
        let at = now / self.tick;
        self.level = Level { at, taken };
    }

    /// The first instant at which that many units have come since `now`.
    fn after(&self, now: u64, units: u128) -> Option<u64> {
        if units == 0 {
            return Some(now);
        }
        let ticks = u64::try_from(units.div_ceil(self.gain)).ok()?;
        (now / self.tick).checked_add(ticks)?.checked_mul(self.tick)
    }

    fn put_back(&mut self, now: u64, units: u128) {
        let taken = self.taken(self.level, now);
        if taken > 0 {
            let left = taken.saturating_sub(units);
            if left > 0 {
                self.set(now, left);
            } else {
                self.full_since(now);
            }
        }
    }

    /// A level that is made up for at `now`, not earlier: an instant before it sees something lack.
    fn full_since(&mut self, now: u64) {
        self.full_at = now;
        match (now / self.tick).checked_sub(1) {
            Some(at) => {
                let taken = self.gain;
                self.level = Level { at, taken };
            }
            None => self.level = Level::default(),
        }
    }
}

impl Model for Bucket {
    fn earliest(&self, now: u64, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let need = self.token * u128::from(cost);
        let taken = self.taken(self.level, now);
        self.after(now, taken.saturating_sub(self.burst() - need))
    }

    fn take(&mut self, now: u64, _at: u64, cost: u64) -> usize {
        if cost > 0 {
            let need = self.token * u128::from(cost);
            let taken = self.taken(self.level, now);
            if taken == 0 {
                self.full_at = now;
            }
            self.set(now, taken.saturating_add(need));
        }
        self.reserved.push(self.level);
        self.reserved.len() - 1
    }

    fn remaining(&self, now: u64) -> u64 {
        let left = self.burst().saturating_sub(self.taken(self.level, now));
        u64::try_from(left / self.token).unwrap_or(u64::MAX)
    }

    fn idle_at(&self, now: u64) -> u64 {
        self.after(now, self.taken(self.level, now))
            .unwrap_or(u64::MAX)
    }

    /// The newest one only. Whether it is, is not defined where they are fewer nanoseconds apart than
    /// are rounded.
    fn cancel(&mut self, now: u64, number: usize, cost: u64, slack: u64) -> Option<u64> {
        let (ahead, behind) = self.apart(self.level, now);
        let (its_ahead, its_behind) = self.apart(self.reserved[number], now);
        let behind_by = behind.abs_diff(its_behind);
        match ahead.abs_diff(its_ahead).saturating_add(behind_by) {
            0 => {
                self.put_back(now, self.token * u128::from(cost));
                Some(cost)
            }
            apart if apart <= self.gain * u128::from(slack) => None,
            _ => Some(0),
        }
    }

    /// Nothing while there is a debt: others were promised instants by it. Whether there is, is not
    /// defined where it is one of fewer nanoseconds than are rounded.
    fn refund(&mut self, now: u64, cost: u64, slack: u64) -> bool {
        let debt = |now| self.taken(self.level, now) > self.burst();
        if debt(now.saturating_sub(slack)) != debt(now.saturating_add(slack)) {
            return false;
        }
        if !debt(now) {
            self.put_back(now, self.token.saturating_mul(cost.into()));
        }
        true
    }

    fn goes_back(&self) -> bool {
        true
    }

    fn is_before_full(&self, now: u64) -> bool {
        now < self.full_at
    }
}
