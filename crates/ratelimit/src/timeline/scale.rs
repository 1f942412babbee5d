//! Instants as 64-bit units: exact for most rates, rounded to a fraction of a nanosecond for the
//! others.

use super::{Mark, Timeline};
use crate::error::ConfigError;
use crate::quota::Quota;
use core::time::Duration;
use purlin_core::time::Instant;

/// How long after its origin a limiter of one word counts at least: 2⁵⁷ ns, more than four and a half
/// years.
pub(crate) const HORIZON: u64 = 1 << 57;

/// `((now - origin) * multiplier >> shift) * step`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    multiplier: u64,
    shift: u8,
    /// Whether the product is cut off: one, or zero.
    inexact: u64,
    step: u64,
    origin: Instant,
    horizon: u64,
}

impl Scale {
    /// A timeline on which tokens come evenly, with the units of one token and of the burst.
    ///
    /// # Errors
    ///
    /// When the burst takes longer to come than the horizon is away.
    pub(crate) fn even(quota: &Quota, origin: Instant) -> Result<(Self, u64, u64), ConfigError> {
        let (n, p) = quota.reduced();
        let exact = p
            .checked_mul(quota.burst())
            .and_then(|burst| Some((burst, (u64::MAX - 1).checked_sub(burst)? / n)))
            .filter(|(_, horizon)| *horizon >= HORIZON);
        if let Some((burst, horizon)) = exact {
            let scale = Self {
                multiplier: n,
                shift: 0,
                inexact: 0,
                step: 1,
                origin,
                horizon,
            };
            return Ok((scale, p, burst));
        }
        Self::fixed_point(n, p, quota.burst(), origin)
    }

    /// A token is a power of two of units, as large as fits.
    fn fixed_point(
        n: u64,
        p: u64,
        burst: u64,
        origin: Instant,
    ) -> Result<(Self, u64, u64), ConfigError> {
        let (n, p) = (u128::from(n), u128::from(p));
        // Tokens until the horizon, and the burst ahead of it.
        let tokens = (u128::from(HORIZON) * n).div_ceil(p) + u128::from(burst) + 1;
        let token_bits = tokens.leading_zeros().saturating_sub(64);
        if tokens >> 64 != 0 {
            let room = u128::from(u64::MAX).saturating_sub(tokens - u128::from(burst));
            let (field, value, max) = if room == 0 {
                ("count", n, (p << 64) / u128::from(HORIZON))
            } else {
                ("burst", u128::from(burst), room)
            };
            return Err(ConfigError::TooLarge { field, value, max });
        }
        // n / p * 2^token_bits units a nanosecond, as a multiplier of 64 significant bits.
        let (multiplier, shift) = ratio(n, p, token_bits);
        let token = 1_u64 << token_bits;
        let scale = Self {
            multiplier,
            shift,
            inexact: 1,
            step: 1,
            origin,
            horizon: HORIZON,
        };
        Ok((scale, token, burst << token_bits))
    }

    /// A timeline on which `step` tokens come at once, at the end of each `period` since `origin`. A
    /// token is a unit.
    ///
    /// # Errors
    ///
    /// When that many tokens until the horizon cannot be counted, for a period of zero, and for one
    /// that does not end before the horizon.
    pub(crate) fn stepped(
        step: u64,
        period: Duration,
        burst: u64,
        origin: Instant,
    ) -> Result<Self, ConfigError> {
        let nanos = period.as_nanos();
        if nanos == 0 {
            return Err(ConfigError::Zero { field: "period" });
        }
        if nanos > u128::from(HORIZON) {
            return Err(ConfigError::TooLarge {
                field: "period",
                value: nanos,
                max: HORIZON.into(),
            });
        }
        // Division by the period, as a multiplication that is exact up to the horizon: the
        // multiplier is above 2^shift / period by less than one, which makes the quotient too large
        // by less than HORIZON / 2^shift = 1 / 2^bits, at most one part in the period: not enough to
        // reach the next whole number (Granlund and Montgomery 1994).
        let bits = 128 - (nanos - 1).leading_zeros();
        let shift = 57 + bits;
        let fits = |periods: u128| {
            let units = periods.checked_mul(u128::from(step))?;
            let units = units.checked_add(u128::from(burst))?;
            (units < u128::from(u64::MAX)).then_some(())
        };
        let periods = u128::from(HORIZON) / nanos;
        if fits(periods).is_none() {
            return Err(ConfigError::TooLarge {
                field: "limit",
                value: u128::from(step),
                max: (u128::from(u64::MAX - 1).saturating_sub(u128::from(burst))) / periods.max(1),
            });
        }
        let multiplier = (1_u128 << shift).div_ceil(nanos);
        Ok(Self {
            multiplier: u64::try_from(multiplier).unwrap_or(u64::MAX),
            shift: u8::try_from(shift).unwrap_or(u8::MAX),
            inexact: 0,
            step,
            origin,
            horizon: HORIZON,
        })
    }

    /// The same timeline, counted from another instant.
    pub(crate) const fn starting_at(self, origin: Instant) -> Self {
        Self { origin, ..self }
    }

    /// Whether nothing is ever rounded.
    pub(crate) const fn is_exact(&self) -> bool {
        self.inexact == 0
    }

    /// Units a nanosecond, as a fraction: what this timeline really counts.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) const fn pace(&self) -> (u64, u8) {
        (self.multiplier, self.shift)
    }

    /// The instant from which it counts.
    pub(crate) const fn origin(&self) -> Instant {
        self.origin
    }
}

/// `n / p * 2^bits` as a `multiplier / 2^shift` that is not above it, with 64 significant bits.
fn ratio(n: u128, p: u128, bits: u32) -> (u64, u8) {
    // n and p are below 2^64: shift n up until the quotient has 64 bits.
    let mut shift = 0_u32;
    let mut quotient = (n << bits.min(63)) / p;
    let mut remainder = (n << bits.min(63)) % p;
    let pending = bits.saturating_sub(63);
    for _ in 0..pending {
        remainder <<= 1;
        quotient = (quotient << 1) | u128::from(remainder >= p);
        remainder = if remainder >= p {
            remainder - p
        } else {
            remainder
        };
    }
    while quotient >> 63 == 0 && shift < 127 {
        remainder <<= 1;
        quotient = (quotient << 1) | u128::from(remainder >= p);
        remainder = if remainder >= p {
            remainder - p
        } else {
            remainder
        };
        shift += 1;
    }
    (
        u64::try_from(quotient).unwrap_or(u64::MAX),
        u8::try_from(shift).unwrap_or(u8::MAX),
    )
}

impl Timeline for Scale {
    type Units = u64;

    #[inline]
    fn at(&self, now: Instant) -> (u64, u64) {
        let elapsed = now.as_nanos().saturating_sub(self.origin.as_nanos());
        let elapsed = elapsed.min(self.horizon);
        let product = u128::from(elapsed) * u128::from(self.multiplier);
        #[expect(clippy::cast_possible_truncation, reason = "fits up to the horizon")]
        let floor = (product >> self.shift) as u64 * self.step;
        (floor, floor + self.inexact)
    }

    #[inline]
    fn mark(&self, units: u64) -> Mark {
        let units = if self.step == 1 {
            units
        } else {
            units.div_ceil(self.step)
        };
        Mark {
            origin: self.origin,
            units,
            multiplier: self.multiplier,
            shift: self.shift,
        }
    }

    fn horizon(&self) -> Instant {
        Instant::from_nanos(self.origin.as_nanos().saturating_add(self.horizon))
    }
}

#[cfg(test)]
mod tests;
