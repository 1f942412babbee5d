//! How a [`HealthChecker`](super::HealthChecker) checks.

use crate::error::ConfigError;
use crate::status::Health;
use core::time::Duration;

/// When endpoints are probed, and how many results it takes.
///
/// | | unless said otherwise |
/// |---|---|
/// | [`interval`](Self::interval) | 5 s, as nginx's |
/// | [`unhealthy_interval`](Self::unhealthy_interval) | the interval |
/// | [`healthy_edge_interval`](Self::healthy_edge_interval) | the interval |
/// | [`unhealthy_edge_interval`](Self::unhealthy_edge_interval) | the unhealthy interval |
/// | [`jitter_percent`](Self::jitter_percent) | 10 |
/// | [`first_within`](Self::first_within) | 1 s |
/// | [`timeout`](Self::timeout) | 1 s |
/// | [`healthy_threshold`](Self::healthy_threshold) | 2, as HAProxy's `rise` |
/// | [`unhealthy_threshold`](Self::unhealthy_threshold) | 3, as HAProxy's `fall` |
/// | [`initial`](Self::initial) | [`Health::Healthy`] |
///
/// With feature `serde` it is an object with these names as fields, all of them optional, and checked
/// when it is read.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::ConfigError;
/// use purlin_lb::health::HealthConfig;
///
/// let config = HealthConfig::new()
///     .interval(Duration::from_secs(10))?
///     .unhealthy_edge_interval(Duration::from_millis(500))?
///     .unhealthy_threshold(2)?;
/// let refused = config.timeout(Duration::ZERO).unwrap_err();
/// assert_eq!(refused, ConfigError::Zero { field: "timeout" });
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct HealthConfig(Fields);

/// What is in it, checked or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(default, deny_unknown_fields, rename = "HealthConfig")
)]
struct Fields {
    interval: Duration,
    unhealthy_interval: Option<Duration>,
    healthy_edge_interval: Option<Duration>,
    unhealthy_edge_interval: Option<Duration>,
    jitter_percent: u8,
    first_within: Duration,
    timeout: Duration,
    healthy_threshold: u32,
    unhealthy_threshold: u32,
    initial: Health,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            unhealthy_interval: None,
            healthy_edge_interval: None,
            unhealthy_edge_interval: None,
            jitter_percent: 10,
            first_within: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            healthy_threshold: 2,
            unhealthy_threshold: 3,
            initial: Health::Healthy,
        }
    }
}

impl TryFrom<Fields> for HealthConfig {
    type Error = ConfigError;

    fn try_from(fields: Fields) -> Result<Self, ConfigError> {
        let above_zero = |field, zero: bool| match zero {
            true => Err(ConfigError::Zero { field }),
            false => Ok(()),
        };
        let is_zero = |duration: Option<Duration>| duration.is_some_and(|it| it.is_zero());
        above_zero("interval", fields.interval.is_zero())?;
        above_zero("unhealthy_interval", is_zero(fields.unhealthy_interval))?;
        above_zero(
            "healthy_edge_interval",
            is_zero(fields.healthy_edge_interval),
        )?;
        above_zero(
            "unhealthy_edge_interval",
            is_zero(fields.unhealthy_edge_interval),
        )?;
        above_zero("timeout", fields.timeout.is_zero())?;
        above_zero("healthy_threshold", fields.healthy_threshold == 0)?;
        above_zero("unhealthy_threshold", fields.unhealthy_threshold == 0)?;
        if fields.jitter_percent > 100 {
            return Err(ConfigError::OutOfRange {
                field: "jitter_percent",
                expected: "from 0 to 100",
            });
        }
        Ok(Self(fields))
    }
}

#[cfg(feature = "serde")]
impl From<HealthConfig> for Fields {
    fn from(config: HealthConfig) -> Self {
        config.0
    }
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl HealthConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self(Fields::default())
    }

    /// How long after a result the next probe is due.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        self.0.interval = interval;
        self.0.try_into()
    }

    /// The same, while the endpoint is unhealthy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn unhealthy_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        self.0.unhealthy_interval = Some(interval);
        self.0.try_into()
    }

    /// The same, once, after the result that made the endpoint healthy or degraded.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn healthy_edge_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        self.0.healthy_edge_interval = Some(interval);
        self.0.try_into()
    }

    /// The same, once, after the result that made the endpoint unhealthy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn unhealthy_edge_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        self.0.unhealthy_edge_interval = Some(interval);
        self.0.try_into()
    }

    /// Each interval is longer by a random part of so many percent of it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn jitter_percent(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.jitter_percent = percent;
        self.0.try_into()
    }

    /// An endpoint is probed for the first time at a random moment within so long after it was added.
    /// With zero at once, and all that are added together together.
    #[must_use]
    pub const fn first_within(mut self, window: Duration) -> Self {
        self.0.first_within = window;
        self
    }

    /// A probe that has no result for so long has failed.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.0.timeout = timeout;
        self.0.try_into()
    }

    /// So many successes in a row make an unhealthy endpoint healthy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn healthy_threshold(mut self, successes: u32) -> Result<Self, ConfigError> {
        self.0.healthy_threshold = successes;
        self.0.try_into()
    }

    /// So many failures in a row make an endpoint unhealthy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn unhealthy_threshold(mut self, failures: u32) -> Result<Self, ConfigError> {
        self.0.unhealthy_threshold = failures;
        self.0.try_into()
    }

    /// What an endpoint counts as before its first result. That result decides alone, as it does with
    /// Envoy, which begins with unhealthy, and with HAProxy, which begins with healthy.
    #[must_use]
    pub const fn initial(mut self, health: Health) -> Self {
        self.0.initial = health;
        self
    }

    pub(super) const fn initial_health(&self) -> Health {
        self.0.initial
    }

    pub(super) const fn first_window(&self) -> Duration {
        self.0.first_within
    }

    pub(super) const fn probe_timeout(&self) -> Duration {
        self.0.timeout
    }

    pub(super) fn threshold_to(&self, health: Health) -> u32 {
        match health {
            Health::Unhealthy => self.0.unhealthy_threshold,
            Health::Healthy | Health::Degraded => self.0.healthy_threshold,
        }
    }

    /// How long to wait after a result, before jitter: `edge` if that result changed it.
    pub(super) fn interval_after(&self, health: Health, edge: bool) -> Duration {
        let Fields { interval, .. } = self.0;
        if health == Health::Unhealthy {
            let first = self.0.unhealthy_edge_interval.filter(|_| edge);
            first.or(self.0.unhealthy_interval).unwrap_or(interval)
        } else {
            let first = self.0.healthy_edge_interval.filter(|_| edge);
            first.unwrap_or(interval)
        }
    }

    /// By how much an interval is longer at most.
    pub(super) fn jitter_of(&self, interval: Duration) -> Duration {
        interval / 100 * u32::from(self.0.jitter_percent)
    }
}
