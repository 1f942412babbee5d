//! Instants as tokens that come all at once, at the ends of periods.

#[cfg(test)]
mod tests;

use super::{HORIZON, Mark, Shift, Timeline};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use core::time::Duration;
use purlin_core::time::Instant;

/// Whole periods since the origin, times the tokens of each. A token is a unit, and nothing is
/// rounded: between the ends of periods nothing comes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Steps {
    origin: Instant,
    horizon: u64,
    /// The reciprocal of the period, times 2^shift.
    multiplier: u64,
    shift: Shift,
    /// Tokens a period.
    step: u64,
}

impl Steps {
    /// A timeline on which `step` tokens come at the end of each `period` since `origin`.
    ///
    /// # Errors
    ///
    /// For zeros, and when the tokens until the horizon and `burst` more of them are more than a word
    /// can count.
    pub(crate) fn new(
        step: u64,
        period: Duration,
        burst: u64,
        origin: Instant,
    ) -> Result<Self, ConfigError> {
        let period = period.as_nanos();
        if period == 0 {
            return Err(ConfigError::Zero { field: "period" });
        }
        if step == 0 {
            return Err(ConfigError::Zero { field: "count" });
        }
        if period > u128::from(HORIZON) {
            return Err(ConfigError::TooLarge {
                field: "period",
                value: period,
                max: u128::from(HORIZON),
            });
        }
        let periods = u128::from(HORIZON) / period;
        let units = periods * u128::from(step) + u128::from(burst);
        let most = u128::from(u64::MAX - 1);
        if units > most {
            return Err(ConfigError::TooLarge {
                field: "count",
                value: u128::from(step),
                max: most.saturating_sub(u128::from(burst)) / periods,
            });
        }
        // Division by the period, as a multiplication that is exact up to the horizon: the
        // multiplier is above 2^shift / period by less than one, which makes less than HORIZON, or
        // 2^shift / period, in the product (Granlund and Montgomery 1994, theorem 4.2).
        let bits = 128 - (period - 1).leading_zeros();
        let shift = HORIZON.trailing_zeros() + bits;
        let multiplier = (1_u128 << shift).div_ceil(period);
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^58")]
        let multiplier = multiplier as u64;
        Ok(Self {
            origin,
            horizon: HORIZON.min(u64::MAX - origin.as_nanos()),
            multiplier,
            shift: Shift::by(shift),
            step,
        })
    }

    /// The same with periods that are counted from `origin`.
    pub(crate) fn starting_at(self, origin: Instant) -> Self {
        Self {
            origin,
            horizon: HORIZON.min(u64::MAX - origin.as_nanos()),
            ..self
        }
    }

    /// Whole periods since the origin.
    #[inline]
    pub(crate) fn periods(&self, now: Instant) -> u64 {
        let elapsed = now.as_nanos().saturating_sub(self.origin.as_nanos());
        let product = u128::from(elapsed.min(self.horizon)) * u128::from(self.multiplier);
        #[expect(clippy::cast_possible_truncation, reason = "no more than were elapsed")]
        let periods = (product >> self.shift.bits()) as u64;
        periods
    }
}

impl Timeline for Steps {
    type Units = u64;

    #[inline]
    fn at(&self, now: Instant) -> (u64, u64) {
        let units = self.periods(now) * self.step;
        (units, units)
    }

    fn mark(&self, units: u64) -> Mark {
        Mark {
            origin: self.origin,
            units: units.div_ceil(self.step),
            multiplier: self.multiplier,
            shift: self.shift,
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("stepped")
            .and(self.origin.as_nanos())
            .and(self.multiplier)
            .and(u64::from(self.shift.bits()))
            .and(self.step)
            .and(self.horizon)
    }

    fn origin(&self) -> Instant {
        self.origin
    }

    fn horizon(&self) -> Instant {
        Instant::from_nanos(self.origin.as_nanos() + self.horizon)
    }
}
