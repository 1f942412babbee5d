//! The generic cell rate algorithm.

use crate::arrival::{Arrival, algorithm_by_arrival};
use crate::error::ConfigError;
use crate::quota::Quota;
use crate::timeline::{Even, Scale, Timeline as _, WideScale};
use purlin_core::time::Instant;

/// The width of a state: `u64` fits an atomic word, `u128` is exact whatever the rate.
#[expect(private_bounds, reason = "sealed")]
pub trait Width: Sealed {}

pub(crate) trait Sealed: Copy + Default {
    type Time: Even<Units = Self>;
}

impl Width for u64 {}
impl Sealed for u64 {
    type Time = Scale;
}

impl Width for u128 {}
impl Sealed for u128 {
    type Time = WideScale;
}

/// The generic cell rate algorithm (GCRA, ITU-T I.371): the limiter to take unless you know better.
///
/// In every span of time `t` it admits at most `burst + rate * t`, and no other rule that keeps this
/// admits more. All it remembers is one word, the *theoretical arrival time*: when the burst will be
/// whole again. A request moves it on by `cost / rate`, and is refused if it would then be more than
/// `burst / rate` ahead.
///
/// # Exactness
///
/// The word counts in units of which both a nanosecond and a token are whole numbers, where those fit
/// ([`is_exact`](Self::is_exact)): that is so for all rates `n / p` tokens a nanosecond, in lowest
/// terms, with an `n` up to about 127, which are 100 a second, 7 a second, 97 a minute, 300 million a
/// second. Decisions are then those of exact arithmetic, to the nanosecond. For other rates tokens are
/// still exact and instants are rounded to about a hundredth of a nanosecond: the rate is right to
/// one part in 2⁶², a limit is never exceeded, and a request may be admitted up to one nanosecond late.
/// `Gcra<u128>` is exact for all rates, in a word that no atomic holds: take it in a
/// [`Locked`](crate::Locked), [`Local`](crate::Local) or [`Stored`](crate::Stored).
///
/// # Time
///
/// Instants count from an origin, that of the clock unless [`starting_at`](Self::starting_at) says
/// otherwise; what is earlier is taken for it. Of a `Gcra<u64>` they end at its
/// [`horizon`](Self::horizon), four and a half years later or more, from which on no tokens come any
/// more: a clock that counts from 1970 needs an origin near the present. An instant earlier than the
/// last one finds fewer tokens, never more.
///
/// Each decision is O(1), without a division.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// // 7 a second, three of them at once.
/// let limiter = Shared::new(Gcra::new(Quota::per_second(7)?.with_burst(3)?)?);
///
/// let now = Instant::from_secs(1);
/// assert!(limiter.try_acquire_at(now, 3).is_ok());
/// let denied = limiter.try_acquire_at(now, 1).unwrap_err();
///
/// // The first nanosecond after a seventh of a second.
/// assert_eq!(denied.retry_after(), Some(Duration::from_nanos(142_857_143)));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gcra<W: Width = u64> {
    arrival: Arrival<W::Time>,
    quota: Quota,
}

impl Gcra {
    /// By that quota, in a word.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] where a word cannot count that fast, or for a burst that takes
    /// hundreds of years to come.
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        Self::starting_at(quota, Instant::default())
    }
}

impl Gcra<u128> {
    /// By that quota, exactly.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] for a burst that takes longer to come than 292 years.
    pub fn wide(quota: Quota) -> Result<Self, ConfigError> {
        Self::starting_at(quota, Instant::default())
    }
}

impl<W: Width> Gcra<W> {
    /// The same for a clock that does not count from about the time at which this limiter starts.
    ///
    /// # Errors
    ///
    /// Those of `new`.
    pub fn starting_at(quota: Quota, origin: Instant) -> Result<Self, ConfigError> {
        let arrival = Arrival::even(&quota, origin)?;
        Ok(Self { arrival, quota })
    }

    /// Its quota.
    #[must_use]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The last instant that it counts.
    #[must_use]
    pub fn horizon(&self) -> Instant {
        self.arrival.time.horizon()
    }
}

impl Gcra {
    /// The rate that it really keeps, as tokens in a number of nanoseconds: the quota's where nothing
    /// is rounded, and at most 10⁻⁹ of it below otherwise.
    #[cfg(feature = "conformance")]
    #[must_use]
    pub fn stored_rate(&self) -> (u128, u128) {
        let (units, nanos) = self.arrival.time.pace();
        // Below 2^64 each.
        (units, nanos * u128::from(self.arrival.token))
    }

    #[cfg(all(feature = "std", target_has_atomic = "64"))]
    pub(crate) const fn arrival(&self) -> &Arrival<Scale> {
        &self.arrival
    }

    /// Whether nothing is ever rounded.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.arrival.time.is_exact()
    }
}

algorithm_by_arrival! {
    impl [W: Width] Gcra<W> { type State = W; |gcra| &gcra.arrival }
}
