//! Sub-windows: which one an instant is in, and how far.

use crate::fingerprint::Fingerprint;
use crate::timeline::{HORIZON, Mark, Shift};
use core::time::Duration;
use purlin_core::time::Instant;

/// A window in so many parts of equal length.
///
/// Time is counted in units of which a nanosecond is as many as there are parts. A part is then as
/// many units as the window has nanoseconds, and nothing is rounded whether the number divides the
/// window or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    origin: Instant,
    /// In nanoseconds; also the units of a part.
    window: u64,
    /// Also the units of a nanosecond.
    parts: u64,
    /// `parts / window` is `multiplier / 2^shift`, rounded up.
    multiplier: u64,
    shift: u32,
    /// The part in which the horizon is.
    last: u64,
}

impl Grid {
    /// More would need a wider multiplier. A minute has that many seconds.
    pub(super) const MAX_PARTS: u32 = 60;

    /// Of a window in `1..=HORIZON` nanoseconds in up to [`MAX_PARTS`](Self::MAX_PARTS).
    pub(super) fn new(window: u64, parts: u32, origin: Instant) -> Self {
        // Division by the window as a multiplication, exact up to the horizon: see `Steps::new`.
        // The product is too large by less than HORIZON / 2^shift, at most 1 / window.
        let bits = u64::BITS - (window - 1).leading_zeros();
        let shift = HORIZON.ilog2() + bits;
        let multiplier = (u128::from(parts) << shift).div_ceil(window.into());
        let last = u128::from(HORIZON) * u128::from(parts) / u128::from(window);
        Self {
            origin,
            window,
            parts: parts.into(),
            multiplier: u64::try_from(multiplier).unwrap_or(u64::MAX),
            shift,
            last: u64::try_from(last).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn in_parts(&self, parts: u32) -> Self {
        Self::new(self.window, parts, self.origin)
    }

    pub(super) const fn starting_at(self, origin: Instant) -> Self {
        Self { origin, ..self }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("window, counters")
            .and(self.origin.as_nanos())
            .and(self.window)
            .and(self.parts)
    }

    pub(super) const fn parts(&self) -> u64 {
        self.parts
    }

    pub(super) const fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// Units of a part.
    #[inline]
    pub(super) const fn units(&self) -> u64 {
        self.window
    }

    /// The part that an instant is in, counted from the origin, and the units of it that have passed.
    #[inline]
    pub(super) fn at(&self, now: Instant) -> (u64, u64) {
        let elapsed = now.as_nanos().saturating_sub(self.origin.as_nanos());
        let elapsed = elapsed.min(HORIZON);
        let product = u128::from(elapsed) * u128::from(self.multiplier);
        #[expect(clippy::cast_possible_truncation, reason = "at most HORIZON * parts")]
        let index = (product >> self.shift) as u64;
        (index, elapsed * self.parts - index * self.window)
    }

    /// The first instant that is not before the point. `None` beyond the horizon.
    pub(super) fn instant(&self, index: u64, units: u64) -> Option<Instant> {
        let units = index.checked_mul(self.window)?.checked_add(units)?;
        let elapsed = Some(units.div_ceil(self.parts)).filter(|it| *it <= HORIZON)?;
        let nanos = self.origin.as_nanos().checked_add(elapsed)?;
        Some(Instant::from_nanos(nanos))
    }

    /// The first instant at which `some / of` of a part have passed, yet to be computed. `None` where
    /// the numbers are too large for that, or the horizon is near.
    pub(super) fn mark(&self, index: u64, some: u64, of: u64) -> Option<Mark> {
        if index >= self.last {
            return None;
        }
        let begins = index * self.window;
        let (nanos, rest) = match self.parts {
            1 => (begins, 0),
            parts => (begins / parts, begins % parts),
        };
        Some(Mark {
            origin: Instant::from_nanos(self.origin.as_nanos().checked_add(nanos)?),
            units: some
                .checked_mul(self.window)?
                .checked_add(rest.checked_mul(of)?)?,
            multiplier: of.checked_mul(self.parts)?,
            shift: Shift::NONE,
        })
    }

    pub(super) fn horizon(&self) -> Instant {
        self.origin.saturating_add(Duration::from_nanos(HORIZON))
    }

    /// The last part that is counted.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn up_to_horizon() -> impl Strategy<Value = u64> {
        prop_oneof![
            (0_u32..=57, any::<u64>()).prop_map(|(bits, number)| (number >> 7) >> (57 - bits)),
            (0_u32..=57, 0_u64..3).prop_map(|(bits, off)| (1_u64 << bits).saturating_sub(off)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_grid_divides_as_division_does(
            window in up_to_horizon().prop_map(|window| window.max(1)),
            parts in 1..=Grid::MAX_PARTS,
            elapsed in up_to_horizon(),
            near in 0_u64..3,
            origin in any::<u32>(),
        ) {
            let origin = Instant::from_nanos(origin.into());
            let grid = Grid::new(window, parts, origin);
            // As drawn, and about the next boundary, where a wrong quotient would show.
            let units = u128::from(elapsed) * u128::from(parts);
            let end = (units / u128::from(window) + 1) * u128::from(window) / u128::from(parts);
            let end = u64::try_from(end).unwrap().saturating_sub(1) + near;
            for elapsed in [elapsed, end.min(HORIZON)] {
                let now = Instant::from_nanos(origin.as_nanos() + elapsed);
                let units = u128::from(elapsed) * u128::from(parts);
                let (index, passed) = grid.at(now);
                prop_assert_eq!(u128::from(index), units / u128::from(window));
                prop_assert_eq!(u128::from(passed), units % u128::from(window));
                prop_assert_eq!(grid.instant(index, passed), Some(now));
            }
        }
    }
}
