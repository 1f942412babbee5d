//! A [`BreakerConfig`] as data: an object whose fields are named as the methods that set them.

use super::config::{BreakerConfig, Opening};
use super::window::Window;
use crate::ConfigError;
use crate::backoff::Backoff;
use core::time::Duration;

/// What is not given is as by [`BreakerConfig::new`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename = "BreakerConfig")]
pub(super) struct Serialized {
    consecutive_failures: Option<u32>,
    failure_rate: Option<u32>,
    slow_call_rate: Option<SlowCallRate>,
    window: Window,
    minimum_calls: Option<u32>,
    open_for: Option<Duration>,
    open_growing: Option<Backoff>,
    probes: u32,
    probe_successes: u32,
    probe_failures: u32,
    probe_timeout: Duration,
}

/// The two arguments, by name.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowCallRate {
    percent: u32,
    duration: Duration,
}

impl From<BreakerConfig> for Serialized {
    fn from(config: BreakerConfig) -> Self {
        let (open_for, open_growing) = match config.open {
            Opening::For(duration) => (Some(duration), None),
            Opening::Growing(backoff) => (None, Some(backoff)),
        };
        Self {
            consecutive_failures: config.consecutive_failures,
            failure_rate: config.failure_rate,
            slow_call_rate: config
                .slow_call_rate
                .map(|(percent, duration)| SlowCallRate { percent, duration }),
            window: config.window,
            minimum_calls: config.minimum_calls,
            open_for,
            open_growing,
            probes: config.probes,
            probe_successes: config.probe_successes,
            probe_failures: config.probe_failures,
            probe_timeout: config.probe_timeout,
        }
    }
}

impl Default for Serialized {
    fn default() -> Self {
        let mut data = Self::from(BreakerConfig::new());
        // Either of the two may be given.
        data.open_for = None;
        data
    }
}

impl TryFrom<Serialized> for BreakerConfig {
    type Error = ConfigError;

    fn try_from(data: Serialized) -> Result<Self, ConfigError> {
        let config = Self::new();
        let open = match (data.open_for, data.open_growing) {
            (None, None) => config.open,
            (Some(duration), None) => Opening::For(duration),
            (None, Some(backoff)) => Opening::Growing(backoff),
            (Some(_), Some(_)) => {
                return Err(ConfigError::OutOfRange {
                    field: "open_growing",
                    expected: "absent where open_for is given",
                });
            }
        };
        let config = Self {
            consecutive_failures: data.consecutive_failures,
            failure_rate: data.failure_rate,
            slow_call_rate: data
                .slow_call_rate
                .map(|rate| (rate.percent, rate.duration)),
            window: data.window,
            minimum_calls: data.minimum_calls,
            open,
            probes: data.probes,
            probe_successes: data.probe_successes,
            probe_failures: data.probe_failures,
            probe_timeout: data.probe_timeout,
        };
        config.validate()?;
        Ok(config)
    }
}
