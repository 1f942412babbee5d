//! Slow start: a new endpoint gets its share little by little.

use crate::error::ConfigError;
use core::time::Duration;
use purlin_core::time::Instant;

/// How the share of an endpoint grows after it came or became healthy again.
///
/// At `t` after that instant it gets `max(min_weight, (t / window)^(1 / aggression))` of its weight;
/// after the window all of it. Source: Envoy, `slow_start.rst`, where `t` is at least a second; here
/// time has no such grain.
///
/// [`Ewma`](crate::policy::Ewma) and [`LeastRequest`](crate::policy::LeastRequest) draw which requests
/// an endpoint in slow start may have, and then let load decide whether it gets them: it gets its part
/// at most.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::SlowStart;
///
/// let ramp = SlowStart::new(Duration::from_secs(30))?;
/// assert_eq!(ramp.factor(Duration::ZERO), 0.1);
/// assert_eq!(ramp.factor(Duration::from_secs(15)), 0.5);
/// assert_eq!(ramp.factor(Duration::from_secs(30)), 1.0);
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    window: Duration,
    aggression: f64,
    min_weight: f64,
}

impl SlowStart {
    /// A linear ramp of this length that begins at a tenth.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a window of zero.
    pub const fn new(window: Duration) -> Result<Self, ConfigError> {
        if window.is_zero() {
            return Err(ConfigError::Zero { field: "window" });
        }
        Ok(Self {
            window,
            aggression: 1.0,
            min_weight: 0.1,
        })
    }

    /// The same with another shape: above 1 it rises fast at first, below 1 late.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is not above zero, or infinite.
    pub fn aggression(self, aggression: f64) -> Result<Self, ConfigError> {
        if aggression.is_finite() && aggression > 0.0 {
            return Ok(Self { aggression, ..self });
        }
        Err(ConfigError::OutOfRange {
            field: "aggression",
            expected: "above zero and finite",
        })
    }

    /// The same with another share to begin with.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is outside of 0 to 1.
    pub fn min_weight(self, min_weight: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&min_weight) {
            return Ok(Self { min_weight, ..self });
        }
        Err(ConfigError::OutOfRange {
            field: "min_weight",
            expected: "from 0 to 1",
        })
    }

    /// The part of its weight that an endpoint gets so long after it began.
    #[must_use]
    pub fn factor(&self, age: Duration) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let part = age.as_secs_f64() / self.window.as_secs_f64();
        part.powf(self.aggression.recip()).max(self.min_weight)
    }

    /// When an endpoint that begins now has all of its share.
    pub(crate) fn end(&self, now: Instant) -> Instant {
        now.saturating_add(self.window)
    }
}
