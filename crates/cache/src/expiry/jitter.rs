use core::time::Duration;
use purlin_core::random::{Random, SplitMix64};
use thiserror::Error;

/// Makes durations shorter by up to a fraction, so that entries that came in together do not all expire, and are not all loaded
/// again, in one moment.
///
/// Which part is taken off depends on the key's hash and the seed and on nothing else: uniform over keys, the same
/// for a key at every time. Never more than was asked for, as a lifetime is a promise of how old a value may
/// be; never down to zero.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::expiry::Jitter;
///
/// let jitter = Jitter::new(0.1, 42)?;
/// let hour = Duration::from_secs(3_600);
/// let (a, b) = (jitter.spread(hour, 1), jitter.spread(hour, 2));
/// assert!(a != b && a <= hour && b > Duration::from_secs(3_240));
/// assert_eq!(a, jitter.spread(hour, 1));
/// # Ok::<_, purlin_cache::expiry::JitterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    /// In units of 2^-32.
    fraction: u64,
    seed: u64,
}

/// The fraction of a [`Jitter`] is not a number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("jitter takes a fraction from 0 to 1 off a duration, not {0}")]
pub struct JitterError(f64);

impl Jitter {
    /// Takes off up to `fraction` of a duration: 0.1 leaves an hour between 54 and 60 minutes.
    ///
    /// # Errors
    ///
    /// A fraction below 0, above 1, or NaN.
    pub fn new(fraction: f64, seed: u64) -> Result<Self, JitterError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(JitterError(fraction));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2^32"
        )]
        let fraction = (fraction * (1_u64 << 32) as f64) as u64;
        Ok(Self { fraction, seed })
    }

    /// What is left of a duration for the key with this hash. A duration past 584 years stays as it is.
    #[must_use]
    pub fn spread(&self, duration: Duration, hash: u64) -> Duration {
        let Ok(nanos) = u64::try_from(duration.as_nanos()) else {
            return duration;
        };
        let random = SplitMix64::new(self.seed ^ hash).next_u64() >> 32;
        // Below `fraction`, and thus below 1: less than the whole is taken off.
        let part = self.fraction * random >> 32;
        let off = u128::from(nanos) * u128::from(part) >> 32;
        u64::try_from(off).map_or(duration, |off| Duration::from_nanos(nanos - off))
    }
}
