use super::{LimitAlgorithm, MAX_LIMIT, Sample};
use crate::ConfigError;

/// A limit that stays what it is.
///
/// With it a `ConcurrencyLimiter` is a counting semaphore: no clock is read, no lock taken.
///
/// ```
/// use purlin_ratelimit::concurrency::{Fixed, LimitAlgorithm};
///
/// assert_eq!(Fixed::new(8)?.limit(), 8);
/// assert!(Fixed::new(0).is_err());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(u32);

impl Fixed {
    /// A limit of so many calls in flight.
    ///
    /// # Errors
    ///
    /// When it is zero or above [`MAX_LIMIT`].
    pub fn new(limit: u32) -> Result<Self, ConfigError> {
        match limit {
            0 => Err(ConfigError::Zero { field: "limit" }),
            limit if limit > MAX_LIMIT => Err(ConfigError::TooLarge {
                field: "limit",
                value: limit.into(),
                max: MAX_LIMIT.into(),
            }),
            limit => Ok(Self(limit)),
        }
    }
}

impl LimitAlgorithm for Fixed {
    fn update(&mut self, _: &Sample) -> u32 {
        self.0
    }

    fn limit(&self) -> u32 {
        self.0
    }

    fn is_adaptive(&self) -> bool {
        false
    }
}
