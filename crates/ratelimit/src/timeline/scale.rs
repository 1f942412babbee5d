//! Instants as 64-bit units: exact for most rates, rounded to a fraction of a nanosecond for the
//! others.

use super::{Even, Mark, Shift, Timeline};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::quota::Quota;
use purlin_core::time::Instant;

/// How long after its origin a limiter of one word counts at least: 2⁵⁷ ns, more than four and a half
/// years.
pub(crate) const HORIZON: u64 = 1 << 57;

/// Units of tokens that come evenly: `(elapsed << shift) * multiplier / 2^64`.
///
/// The upper half of one multiplication, with neither a division nor a shift of 128 bits: this stands
/// between the two ends of a compare-and-swap.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    origin: Instant,
    /// The last nanosecond since the origin that is counted; the shift loses none of its bits.
    horizon: u64,
    multiplier: u64,
    shift: u8,
    /// By 64 bits less the shift.
    unshift: Shift,
    /// Whether the product is cut off: one, or zero.
    inexact: u64,
}

impl Scale {
    /// A nanosecond is `n` units and a token `p`. `None` where that does not fit.
    fn exact(n: u64, p: u64, burst: u64, origin: Instant) -> Option<(Self, u64, u64)> {
        let burst = p.checked_mul(burst)?;
        let horizon = (u64::MAX - 1).checked_sub(burst)? / n;
        if horizon < HORIZON {
            return None;
        }
        // n is below 2^7, and below 2^shift.
        let shift = 64 - n.leading_zeros();
        let multiplier = n << (64 - shift);
        let horizon = horizon.min(u64::MAX >> shift);
        let scale = Self::new(origin, horizon, multiplier, shift, 0);
        Some((scale, p, burst))
    }

    /// A token is a power of two of units, as large as fits.
    fn fixed_point(
        n: u64,
        p: u64,
        burst: u64,
        origin: Instant,
    ) -> Result<(Self, u64, u64), ConfigError> {
        let (n, p, burst) = (u128::from(n), u128::from(p), u128::from(burst));
        // Tokens until the horizon, and the burst ahead of it.
        let coming = (u128::from(HORIZON) * n).div_ceil(p) + 1;
        if coming >> 64 != 0 {
            return Err(ConfigError::TooLarge {
                field: "count",
                value: n,
                max: (p << 64) / u128::from(HORIZON),
            });
        }
        let token_bits = (coming + burst).leading_zeros().saturating_sub(64);
        // Units a nanosecond, times 2^57: below 2^64, since those until the horizon are.
        let multiplier = shifted_ratio(n, p, token_bits + 57);
        // A unit is at most a nanosecond, or the burst takes longer to come than a word can count.
        if multiplier >> 57 == 0 || (coming + burst) >> 64 != 0 {
            let token_bits = 128 - (p.div_ceil(n) - 1).leading_zeros();
            return Err(ConfigError::TooLarge {
                field: "burst",
                value: burst,
                max: (u128::from(u64::MAX) >> token_bits).saturating_sub(coming),
            });
        }
        let scale = Self::new(origin, HORIZON - 1, multiplier, 7, 1);
        let token = 1_u64 << token_bits;
        #[expect(clippy::cast_possible_truncation, reason = "below 2^64 with the shift")]
        Ok((scale, token, (burst as u64) << token_bits))
    }

    fn new(origin: Instant, horizon: u64, multiplier: u64, shift: u32, inexact: u64) -> Self {
        Self {
            origin,
            // No instant wraps around into the range.
            horizon: horizon.min(u64::MAX - origin.as_nanos()),
            multiplier,
            #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
            shift: shift as u8,
            unshift: Shift::by(64 - shift),
            inexact,
        }
    }

    /// Whether nothing is ever rounded.
    pub(crate) const fn is_exact(&self) -> bool {
        self.inexact == 0
    }

    /// What is really counted: that many units in that many nanoseconds.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) const fn pace(&self) -> (u128, u128) {
        (self.multiplier as u128, 1 << (64 - self.shift))
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "between the ends of a compare-and-swap"
    )]
    const fn units(&self, elapsed: u64) -> (u64, u64) {
        let product = ((elapsed << self.shift) as u128) * (self.multiplier as u128);
        let floor = (product >> 64) as u64;
        (floor, floor + self.inexact)
    }

    #[cold]
    fn clamped(&self, now: Instant) -> (u64, u64) {
        if now < self.origin {
            (0, 0)
        } else {
            self.units(self.horizon)
        }
    }
}

/// `n * 2^bits / p`, rounded down.
fn shifted_ratio(n: u128, p: u128, bits: u32) -> u64 {
    let (mut quotient, mut remainder) = (n / p, n % p);
    for _ in 0..bits {
        // Both stay below 2^65.
        remainder <<= 1;
        quotient = (quotient << 1) | u128::from(remainder >= p);
        if remainder >= p {
            remainder -= p;
        }
    }
    u64::try_from(quotient).unwrap_or(u64::MAX)
}

impl Even for Scale {
    /// # Errors
    ///
    /// When tokens until the horizon, or those of the burst, are more than a word can count.
    fn even(quota: &Quota, origin: Instant) -> Result<(Self, u64, u64), ConfigError> {
        let (n, p) = quota.reduced();
        Self::exact(n, p, quota.burst(), origin)
            .map_or_else(|| Self::fixed_point(n, p, quota.burst(), origin), Ok)
    }
}

impl Timeline for Scale {
    type Units = u64;

    #[inline]
    fn at(&self, now: Instant) -> (u64, u64) {
        // One comparison for both ends: what is earlier than the origin wraps around.
        let elapsed = now.as_nanos().wrapping_sub(self.origin.as_nanos());
        if elapsed > self.horizon {
            return self.clamped(now);
        }
        self.units(elapsed)
    }

    #[inline]
    fn mark(&self, units: u64) -> Mark {
        Mark {
            origin: self.origin,
            units,
            multiplier: self.multiplier,
            shift: self.unshift,
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("even")
            .and(self.origin.as_nanos())
            .and(self.multiplier)
            .and(u64::from(self.shift))
            .and(self.horizon)
    }

    fn origin(&self) -> Instant {
        self.origin
    }

    fn horizon(&self) -> Instant {
        Instant::from_nanos(self.origin.as_nanos() + self.horizon)
    }
}
