//! How much, how often, and how much at once.

mod text;

pub use text::ParseQuotaError;

use crate::error::ConfigError;
use core::fmt;
use core::time::Duration;

/// A rate and a burst: `count` tokens a `period`, at most `burst` of them at once.
///
/// Any rate from one a day (and far below) to `u64::MAX` a nanosecond can be written down; whether
/// an algorithm can keep it exactly is said by the algorithm. A rate is the fraction `count /
/// period` and never rounded: 7 a second is not one every 142,857,142 ns.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Quota;
///
/// // 100 a second, of which up to 20 may come at once.
/// let quota = Quota::per_second(100)?.with_burst(20)?;
/// assert_eq!(quota.to_string(), "100 per 1s, burst 20");
/// // As in a configuration; with feature `serde` a quota is such a string.
/// assert_eq!("100/s burst 20".parse(), Ok(quota));
///
/// // A large file an hour: 10 GB, counted in bytes.
/// let quota = Quota::new(10_000_000_000, Duration::from_secs(3600))?;
/// assert_eq!(quota.burst(), 10_000_000_000);
///
/// let error = Quota::per_second(0).unwrap_err();
/// assert_eq!(error.to_string(), "count must be above zero");
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    count: u64,
    /// In nanoseconds.
    period: u64,
    burst: u64,
}

impl Quota {
    /// `count` tokens every `period`, all of which may come at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a count or a period of zero, [`ConfigError::TooLarge`] for a
    /// period of more than 584 years.
    pub const fn new(count: u64, period: Duration) -> Result<Self, ConfigError> {
        if count == 0 {
            return Err(ConfigError::Zero { field: "count" });
        }
        if period.is_zero() {
            return Err(ConfigError::Zero { field: "period" });
        }
        let nanos = period.as_nanos();
        if nanos > u64::MAX as u128 {
            return Err(ConfigError::TooLarge {
                field: "period",
                value: nanos,
                max: u64::MAX as u128,
            });
        }
        #[expect(clippy::cast_possible_truncation, reason = "compared above")]
        let period = nanos as u64;
        Ok(Self {
            count,
            period,
            burst: count,
        })
    }

    /// `count` tokens a second.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a count of zero.
    pub const fn per_second(count: u64) -> Result<Self, ConfigError> {
        Self::new(count, Duration::from_secs(1))
    }

    /// `count` tokens a minute.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a count of zero.
    pub const fn per_minute(count: u64) -> Result<Self, ConfigError> {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` tokens an hour.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a count of zero.
    pub const fn per_hour(count: u64) -> Result<Self, ConfigError> {
        Self::new(count, Duration::from_secs(60 * 60))
    }

    /// `count` tokens a day of 24 hours.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a count of zero.
    pub const fn per_day(count: u64) -> Result<Self, ConfigError> {
        Self::new(count, Duration::from_secs(24 * 60 * 60))
    }

    /// The same rate, and at most `burst` tokens at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a burst of zero.
    pub const fn with_burst(self, burst: u64) -> Result<Self, ConfigError> {
        if burst == 0 {
            return Err(ConfigError::Zero { field: "burst" });
        }
        Ok(Self { burst, ..self })
    }

    /// Tokens a period.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// Tokens at once, which is also the most that one request may cost.
    #[must_use]
    pub const fn burst(&self) -> u64 {
        self.burst
    }

    /// The count and the period in nanoseconds, in lowest terms.
    pub(crate) const fn reduced(&self) -> (u64, u64) {
        let divisor = greatest_common_divisor(self.count, self.period);
        (self.count / divisor, self.period / divisor)
    }
}

/// Euclid's algorithm.
const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, period, burst) = (self.count, self.period(), self.burst);
        write!(f, "{count} per {period:?}, burst {burst}")
    }
}
