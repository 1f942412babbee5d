//! The leaky bucket as a meter.

use crate::arrival::{Arrival, algorithm_by_arrival};
use crate::error::ConfigError;
use crate::quota::Quota;
use crate::timeline::{Scale, Timeline as _};
use purlin_core::time::Instant;

/// The leaky bucket as a meter: each request pours `cost` into a bucket that leaks at the rate, and
/// is refused if the bucket would overflow its `burst`.
///
/// The mirror image of a token bucket (Turner 1986; ITU-T I.371 calls it the continuous-state leaky
/// bucket): it decides exactly as [`Gcra`](crate::Gcra) does, whose notes on exactness and time hold
/// here, and tells how full it [is](Self::level). It delays nothing; [`Shaper`](crate::Shaper) is
/// the leaky bucket that does.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Instant, LeakyBucket, Limiter, Quota, Shared};
///
/// // Holds 5, leaks 2 a second.
/// let bucket = Shared::new(LeakyBucket::new(Quota::per_second(2)?.with_burst(5)?)?);
/// let level = |now| bucket.algorithm().level(&bucket.state(), now);
///
/// let now = Instant::from_secs(9);
/// assert!(bucket.try_acquire_at(now, 5).is_ok());
/// assert!(bucket.try_acquire_at(now, 1).is_err());
/// assert_eq!(level(now), 5);
/// assert_eq!(level(Instant::from_secs(10)), 3);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyBucket {
    arrival: Arrival<Scale>,
    quota: Quota,
}

impl LeakyBucket {
    /// A bucket that holds the quota's burst and leaks at its rate.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] where a word cannot count that fast, or hold such a burst.
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        Self::starting_at(quota, Instant::default())
    }

    /// The same for a clock that does not count from about the time at which this limiter starts.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn starting_at(quota: Quota, origin: Instant) -> Result<Self, ConfigError> {
        let arrival = Arrival::even(&quota, origin)?;
        Ok(Self { arrival, quota })
    }

    /// Its quota.
    #[must_use]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// What is in the bucket, rounded up to whole tokens. More than it holds, by what was reserved.
    #[must_use]
    pub fn level(&self, state: &u64, now: Instant) -> u64 {
        let (floor, _) = self.arrival.time.at(now);
        state.saturating_sub(floor).div_ceil(self.arrival.token)
    }
}

algorithm_by_arrival! {
    impl [] LeakyBucket { type State = u64; |bucket| &bucket.arrival }
}
