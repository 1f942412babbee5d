//! Time in the units in which an algorithm counts.
//!
//! One nanosecond is seldom a whole number of tokens, so that neither is a good unit. A [`Timeline`]
//! maps instants to integers such that both are:
//!
//! * [`Scale`], 64 bits. A rate of `n / p` tokens a nanosecond in lowest terms makes a nanosecond `n`
//!   units and a token `p`, and nothing is ever rounded, where that fits for [`HORIZON`]. For other
//!   rates a token is a power of two of units as small as fits (about 2⁻⁷ ns), and an instant lies
//!   between two integers.
//! * [`Steps`], 64 bits. Tokens come at the ends of periods; a unit is a token. Never rounds.
//! * [`WideScale`], 128 bits. Never rounds.
//!
//! An algorithm that asks for the lower integer where it admits, and for the upper where it records,
//! errs to the safe side by under two units, once, whatever the number of calls: durations are
//! rounded, tokens never are.

mod scale;
mod steps;
#[cfg(test)]
mod tests;
mod wide;

pub(crate) use scale::{HORIZON, Scale};
pub(crate) use steps::Steps;
pub(crate) use wide::WideScale;

use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::quota::Quota;
use core::fmt::Debug;
use core::num::NonZeroU64;
use core::ops::{Add, Div, Mul, Sub};
use purlin_core::time::Instant;

/// The integers of a timeline.
pub(crate) trait Units:
    Copy
    + Debug
    + Default
    + Ord
    + From<u64>
    + Into<u128>
    + TryFrom<u128>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const MAX: Self;

    fn saturating_sub(self, other: Self) -> Self;
    fn checked_add(self, other: Self) -> Option<Self>;
    fn checked_sub(self, other: Self) -> Option<Self>;
    fn checked_mul(self, other: Self) -> Option<Self>;
}

macro_rules! units {
    ($($integer:ty),*) => {$(
        impl Units for $integer {
            const MAX: Self = <$integer>::MAX;

            #[inline]
            fn saturating_sub(self, other: Self) -> Self {
                <$integer>::saturating_sub(self, other)
            }

            #[inline]
            fn checked_add(self, other: Self) -> Option<Self> {
                <$integer>::checked_add(self, other)
            }

            #[inline]
            fn checked_sub(self, other: Self) -> Option<Self> {
                <$integer>::checked_sub(self, other)
            }

            #[inline]
            fn checked_mul(self, other: Self) -> Option<Self> {
                <$integer>::checked_mul(self, other)
            }
        }
    )*};
}

units!(u64, u128);

/// A monotone map of instants to units.
pub(crate) trait Timeline: Clone + Debug + PartialEq {
    type Units: Units;

    /// The greatest unit that is not after the instant, and the least that is not before it: equal,
    /// or neighbours. Those of the origin for what is earlier, of the horizon for what is later.
    fn at(&self, now: Instant) -> (Self::Units, Self::Units);

    /// The point, whose instant is not computed yet.
    fn mark(&self, units: Self::Units) -> Mark;

    /// The first instant that [`at`](Self::at) says is not before the unit. `None` where instants
    /// end.
    fn instant(&self, units: Self::Units) -> Option<Instant> {
        self.mark(units).instant()
    }

    /// The kind of timeline and what its units are made of: equal for those on which every instant has
    /// the same units.
    fn fingerprint(&self) -> Fingerprint;

    /// The first instant that is counted: it has no units. Earlier ones are taken for it.
    fn origin(&self) -> Instant;

    /// The last instant that is counted. Later ones are taken for it.
    fn horizon(&self) -> Instant;
}

/// A timeline on which tokens come evenly.
pub(crate) trait Even: Timeline {
    /// That of a rate, with the units of one token and of the burst.
    ///
    /// # Errors
    ///
    /// When there is no room for as many units.
    fn even(
        quota: &Quota,
        origin: Instant,
    ) -> Result<(Self, Self::Units, Self::Units), ConfigError>;
}

/// A point of a timeline, as an instant that is yet to be computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) origin: Instant,
    pub(crate) units: u64,
    pub(crate) multiplier: u64,
    pub(crate) shift: Shift,
}

/// A shift by up to 127 bits, as a number from 1 to 128.
///
/// A whole word, since it is copied with refusals: to load a word of which a byte was just stored
/// takes a dozen cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift(NonZeroU64);

impl Shift {
    pub(crate) const NONE: Self = Self(NonZeroU64::MIN);

    /// By that many bits.
    pub(crate) const fn by(bits: u32) -> Self {
        assert!(bits < 128, "a shift of 128-bit numbers");
        Self(NonZeroU64::MIN.saturating_add(bits as u64))
    }

    /// `None` for a byte that is no shift.
    pub(crate) const fn of(code: NonZeroU64) -> Option<Self> {
        if code.get() > 128 {
            None
        } else {
            Some(Self(code))
        }
    }

    pub(crate) const fn code(self) -> NonZeroU64 {
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "below 128")]
    pub(crate) const fn bits(self) -> u32 {
        self.0.get() as u32 - 1
    }
}

impl Mark {
    /// A point of which the instant is known.
    pub(crate) const fn known(instant: Instant) -> Self {
        Self {
            origin: instant,
            units: 0,
            multiplier: 1,
            shift: Shift::NONE,
        }
    }

    pub(crate) fn instant(self) -> Option<Instant> {
        // The least e of which (e * multiplier) >> shift is at least `units`.
        let (units, shift) = (u128::from(self.units), self.shift.bits());
        if units.leading_zeros() < shift {
            return None;
        }
        let units = units << shift;
        let elapsed = u64::try_from(units.div_ceil(u128::from(self.multiplier))).ok()?;
        let nanos = self.origin.as_nanos().checked_add(elapsed)?;
        Some(Instant::from_nanos(nanos))
    }
}
