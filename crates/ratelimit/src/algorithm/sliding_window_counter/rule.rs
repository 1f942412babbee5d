//! The arithmetic of the sliding-window counter.

use super::SlidingWindowCounter;
use super::word::Word;
use crate::algorithm::Carry;
use crate::decision::{Denied, Reason};
use core::time::Duration;
use purlin_core::time::Instant;

/// A state as seen at an instant: counts up to the sub-window `index`, of which `passed` units are
/// over.
struct View<W> {
    index: u64,
    passed: u64,
    counts: W,
    /// The state is of a later sub-window than the instant: reserved, or the clock went back.
    ahead: bool,
}

#[expect(private_bounds, reason = "sealed")]
impl<W: Word> SlidingWindowCounter<W> {
    #[inline]
    fn view(&self, state: W, now: Instant) -> View<W> {
        let (index, passed) = self.grid.at(now);
        let (last, counts) = self.layout.unpack(state);
        match index.checked_sub(last) {
            Some(by) => View {
                index,
                passed,
                counts: self.layout.aged(counts, by),
                ahead: false,
            },
            None => View {
                index: last,
                passed: 0,
                counts,
                ahead: true,
            },
        }
    }

    #[inline]
    pub(super) fn decide_word(&self, state: &mut W, now: Instant, cost: u64) -> Result<(), Denied> {
        if cost > self.limit {
            return Err(Denied::because(now, Reason::TooLarge));
        }
        let view = self.view(*state, now);
        if view.ahead || !self.fits(&view, cost) {
            return Err(self.short(&view, now, cost));
        }
        if cost > 0 {
            let counts = self.layout.add(view.counts, cost);
            *state = self.layout.pack(view.index, counts);
        }
        Ok(())
    }

    /// `oldest * (1 - passed / units) + newer + cost <= limit`, times `units`.
    #[inline]
    fn fits(&self, view: &View<W>, cost: u64) -> bool {
        let (oldest, newer) = self.layout.weigh(view.counts);
        let Some(room) = (self.limit - cost).checked_sub(newer) else {
            return false;
        };
        let units = self.grid.units();
        let in_sight = units - (view.passed & self.fading);
        oldest <= room
            || u128::from(oldest) * u128::from(in_sight) <= u128::from(room) * u128::from(units)
    }

    /// Refused until enough has faded: in the first sub-window in which the newer counts leave room.
    fn short(&self, view: &View<W>, now: Instant, cost: u64) -> Denied {
        let (mut index, mut counts) = (view.index, view.counts);
        let (mut oldest, mut newer) = self.layout.weigh(counts);
        let room = loop {
            if let Some(room) = (self.limit - cost).checked_sub(newer) {
                break room;
            }
            // Saturating here and below: a word that came from elsewhere may hold any index.
            index = index.saturating_add(1);
            counts = self.layout.aged(counts, 1);
            oldest = self.layout.count(counts, self.grid.parts());
            newer -= oldest;
        };
        // What must fade of the oldest count, of which it is worth nothing when the next one begins.
        let (fading, of) = match oldest.saturating_sub(room) {
            0 => (0, 1),
            _ if self.fading == 0 => (1, 1),
            excess => (excess, oldest),
        };
        if let Some(mark) = self.grid.mark(index, fading, of) {
            return Denied::reaching(now, mark);
        }
        let passed = u128::from(fading) * u128::from(self.grid.units());
        let passed = u64::try_from(passed.div_ceil(of.into())).unwrap_or(u64::MAX);
        match self.grid.instant(index, passed) {
            Some(at) => Denied::until(now, at),
            None => Denied::because(now, Reason::Horizon),
        }
    }

    pub(super) fn remaining(&self, state: W, now: Instant) -> u64 {
        let view = self.view(state, now);
        if view.ahead {
            0
        } else {
            self.limit.saturating_sub(self.used(&view))
        }
    }

    /// What the counts are worth, rounded up.
    fn used(&self, view: &View<W>) -> u64 {
        let (oldest, newer) = self.layout.weigh(view.counts);
        let units = u128::from(self.grid.units());
        let in_sight = units - u128::from(view.passed & self.fading);
        let oldest = (u128::from(oldest) * in_sight).div_ceil(units);
        newer.saturating_add(u64::try_from(oldest).unwrap_or(u64::MAX))
    }

    pub(super) fn reset_after(&self, state: W, now: Instant) -> Duration {
        let view = self.view(state, now);
        let parts = self.grid.parts();
        let newest = (0..=parts).find(|before| self.layout.count(view.counts, *before) > 0);
        let index = match newest {
            Some(before) => view.index.saturating_add(parts + 1 - before),
            None if view.ahead => view.index,
            None => return Duration::ZERO,
        };
        let reset = self.grid.instant(index, 0);
        reset.map_or(Duration::MAX, |at| at.saturating_duration_since(now))
    }

    pub(super) fn idle(&self, state: W, now: Instant) -> bool {
        let view = self.view(state, now);
        !view.ahead && view.counts == W::default()
    }

    /// Takes up to `count` tokens out of the sub-window that an instant is in.
    pub(super) fn take_at(&self, state: &mut W, at: Instant, count: u64) -> u64 {
        let (index, _) = self.grid.at(at);
        let (last, counts) = self.layout.unpack(*state);
        let Some(before) = last.checked_sub(index) else {
            return 0;
        };
        let (counts, taken) = self.layout.take(counts, before, count);
        *state = self.layout.pack(last, counts);
        taken
    }

    /// Takes up to `count` tokens out of the sub-windows that are in sight at `now` and not after it,
    /// from the newest one on.
    pub(super) fn take_newest(&self, state: &mut W, now: Instant, mut count: u64) {
        let (index, _) = self.grid.at(now);
        let (last, mut counts) = self.layout.unpack(*state);
        let newest = last.saturating_sub(index);
        let oldest = last.saturating_add(self.grid.parts()).checked_sub(index);
        let Some(oldest) = oldest else {
            return;
        };
        for before in newest..=oldest.min(self.grid.parts()) {
            let taken;
            (counts, taken) = self.layout.take(counts, before, count);
            count -= taken;
        }
        *state = self.layout.pack(last, counts);
    }

    pub(super) fn rebased(&self, state: W, from: Instant, to: Instant) -> W {
        let view = self.view(state, from);
        let ((old, old_passed), (new, new_passed)) = (self.grid.at(from), self.grid.at(to));
        let late = new_passed > old_passed;
        let count = |before| self.layout.count(view.counts, before);
        if view.ahead {
            let index = (view.index - old).saturating_add(new + u64::from(late));
            return self.layout.pack(index.min(self.grid.last()), view.counts);
        }
        if view.counts == W::default() {
            return W::default();
        }
        if !late {
            return self.layout.pack(new, view.counts);
        }
        // Each sub-window now ends in the middle of one, and counts in that.
        let counts = self.layout.gather(|before| match before {
            0 => count(0).saturating_add(count(1)).min(self.limit),
            _ => count(before + 1),
        });
        self.layout.pack(new, counts)
    }

    pub(super) fn migrated(&self, old: &Self, state: W, now: Instant, carry: Carry) -> W {
        if carry == Carry::Reset {
            return W::default();
        }
        let view = old.view(state, now);
        if self.grid == old.grid {
            let (oldest, newer) = old.layout.weigh(view.counts);
            let count = |before| old.layout.count(view.counts, before);
            let total = newer.saturating_add(oldest);
            let counts = self.carried(old.limit, total, carry, count);
            return self.layout.pack(view.index, counts);
        }
        let (index, used) = if view.ahead {
            // Not before the whole sub-window in which something is reserved.
            let end = old.grid.instant(view.index.saturating_add(1), 0);
            let end = end.unwrap_or_else(|| old.grid.horizon());
            (self.grid.at(end).0, old.limit)
        } else {
            (self.grid.at(now).0, old.used(&view))
        };
        let count = |before| if before == 0 { used } else { 0 };
        let counts = self.carried(old.limit, used, carry, count);
        self.layout.pack(index, counts)
    }

    /// The counts, whose sum is `total`, under this limit instead of another.
    fn carried(&self, from: u64, total: u64, carry: Carry, count: impl Fn(u64) -> u64) -> W {
        let scale = (u128::from(self.limit), u128::from(from));
        let as_is = carry == Carry::AsIs;
        let extra = if as_is {
            self.limit.saturating_sub(from)
        } else {
            0
        };
        // The oldest are forgotten.
        let forgotten = if as_is {
            from.saturating_sub(self.limit)
        } else {
            0
        };
        let mut kept = total.saturating_sub(forgotten);
        self.layout.gather(|before| {
            let mut count = count(before).min(kept);
            kept -= count;
            if carry == Carry::Proportional {
                let scaled = (u128::from(count) * scale.0).div_ceil(scale.1);
                count = u64::try_from(scaled).unwrap_or(u64::MAX);
            }
            if before == 0 {
                count = count.saturating_add(extra);
            }
            // Above the limit too, as far as it fits: what was taken of a larger one.
            count
        })
    }
}
