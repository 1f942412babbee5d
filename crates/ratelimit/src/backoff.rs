//! How long to wait before each retry.
//!
//! A [`Backoff`] is a policy and nothing else: a few numbers that any number of operations share.
//! Each operation walks through it with a [`Retries`] of its own, which knows how many delays it
//! has given out and when it began. Time and randomness are the caller's.

mod jitter;
mod retries;
#[cfg(feature = "serde")]
mod serialized;

pub use jitter::Jitter;
pub use retries::Retries;

use crate::{ConfigError, Instant};
use core::time::Duration;

/// An exponential backoff: `base`, `base * factor`, `base * factor^2` ... up to `cap`, then spread
/// by [`Jitter`], until the retries or the time run out.
///
/// The jitter is [`Jitter::Full`] unless chosen otherwise: of the ways to spread retries it is the
/// one with the least work for the server ("Exponential Backoff And Jitter", AWS Architecture Blog,
/// 2015). No delay is ever above the cap, jitter included, but for one that the server asked for.
///
/// Delays are whole nanoseconds. Without jitter they are computed in binary64 by multiplications
/// alone, so they are the same on every machine.
///
/// With feature `serde` it is an object with the fields `base`, `cap`, and perhaps `factor`,
/// `jitter`, `max_retries` and `deadline`, checked when it is read.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::random::SplitMix64;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10))?
///     .with_jitter(Jitter::Equal)?
///     .with_max_retries(2);
///
/// let mut random = SplitMix64::new(7);
/// let mut retries = backoff.start_at(Instant::ORIGIN);
/// let first = retries.next_delay(Instant::ORIGIN, &mut random, None).expect("one of two");
/// assert!((50..=100).contains(&first.as_millis()));
/// let second = retries.next_delay(Instant::ORIGIN, &mut random, None).expect("two of two");
/// assert!((100..=200).contains(&second.as_millis()));
/// assert_eq!(retries.next_delay(Instant::ORIGIN, &mut random, None), None);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "serialized::Serialized", into = "serialized::Serialized")
)]
pub struct Backoff {
    /// In nanoseconds; above zero and at most `cap`.
    base: u64,
    /// In nanoseconds.
    cap: u64,
    /// Finite, at least 1.
    factor: f64,
    jitter: Jitter,
    max_retries: Option<u32>,
    deadline: Option<Duration>,
}

impl Backoff {
    /// Delays that double from `base` up to `cap`, with full jitter, for ever.
    ///
    /// Durations above 584 years are taken as 584 years.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] when `base` is zero, [`ConfigError::TooLarge`] when it is above `cap`.
    pub fn exponential(base: Duration, cap: Duration) -> Result<Self, ConfigError> {
        if base.is_zero() {
            return Err(ConfigError::Zero { field: "base" });
        }
        if base > cap {
            return Err(ConfigError::TooLarge {
                field: "base",
                value: base.as_nanos(),
                max: cap.as_nanos(),
            });
        }
        Ok(Self {
            base: nanos(base),
            cap: nanos(cap),
            factor: 2.0,
            jitter: Jitter::Full,
            max_retries: None,
            deadline: None,
        })
    }

    /// The same delay each time, without jitter, for ever.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] when `delay` is zero.
    pub fn fixed(delay: Duration) -> Result<Self, ConfigError> {
        if delay.is_zero() {
            return Err(ConfigError::Zero { field: "delay" });
        }
        Ok(Self {
            factor: 1.0,
            jitter: Jitter::None,
            ..Self::exponential(delay, delay)?
        })
    }

    /// The ratio of a delay to the one before it, 2 unless chosen otherwise. At 1 the delays do not
    /// grow.
    ///
    /// [`Jitter::Decorrelated`] grows by its own rule and does not use it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] when it is not finite or is below 1.
    pub fn with_factor(self, factor: f64) -> Result<Self, ConfigError> {
        if !factor.is_finite() || factor < 1.0 {
            return Err(ConfigError::OutOfRange {
                field: "factor",
                expected: "finite and at least 1",
            });
        }
        Ok(Self { factor, ..self })
    }

    /// How delays are spread, [`Jitter::Full`] unless chosen otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] for a [`Jitter::Spread`] of more than 100 percent.
    pub fn with_jitter(self, jitter: Jitter) -> Result<Self, ConfigError> {
        match jitter {
            Jitter::Spread { percent } if percent > 100 => Err(ConfigError::TooLarge {
                field: "percent",
                value: percent.into(),
                max: 100,
            }),
            _ => Ok(Self { jitter, ..self }),
        }
    }

    /// How many delays an operation gets: the calls it makes are one more. 0 forbids retries.
    #[must_use]
    pub const fn with_max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = Some(max_retries);
        self
    }

    /// How long after its beginning an operation may still start a call. A delay that would end
    /// later is not given out: the operation gives up at once instead of waiting in vain.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The delay before a retry, counted from 0, after the cap and before any jitter:
    /// `min(cap, base * factor^retry)`. O(log `retry`).
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_ratelimit::backoff::Backoff;
    ///
    /// let backoff = Backoff::exponential(Duration::from_millis(10), Duration::from_secs(1))?;
    /// assert_eq!(backoff.delay(3), Duration::from_millis(80));
    /// assert_eq!(backoff.delay(u32::MAX), Duration::from_secs(1));
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    #[must_use]
    pub fn delay(&self, retry: u32) -> Duration {
        Duration::from_nanos(self.delay_nanos(retry))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least the base, rounded to 53 bits; the cast saturates, and the cap is exact"
    )]
    fn delay_nanos(&self, retry: u32) -> u64 {
        if retry == 0 {
            return self.base;
        }
        // By squaring; `powi` is not in core, and its result may differ between platforms.
        let (mut growth, mut square, mut exponent) = (1.0, self.factor, retry);
        while exponent > 0 {
            if exponent & 1 == 1 {
                growth *= square;
            }
            square *= square;
            exponent >>= 1;
        }
        let grown = (self.base as f64 * growth) as u64;
        // A base beyond 2^53 may have been rounded down.
        grown.clamp(self.base, self.cap)
    }

    /// The delays of one operation that begins now.
    #[must_use]
    pub const fn start_at(self, now: Instant) -> Retries {
        Retries::new(self, now)
    }
}

/// Nanoseconds, [`u64::MAX`] where they do not fit.
const fn nanos(duration: Duration) -> u64 {
    Instant::ORIGIN.saturating_add(duration).as_nanos()
}
