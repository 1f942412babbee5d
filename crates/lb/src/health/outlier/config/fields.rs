//! The fields of an [`OutlierConfig`], and which values they may have.

use super::OutlierConfig;
use crate::error::ConfigError;
use core::time::Duration;

/// What is in it, checked or not.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(default, deny_unknown_fields, rename = "OutlierConfig")
)]
pub(super) struct Fields {
    pub(super) interval: Duration,
    pub(super) base_ejection_time: Duration,
    pub(super) max_ejection_time: Duration,
    pub(super) max_ejection_percent: u8,
    pub(super) strict_percent: bool,
    pub(super) min_ejected: u32,
    pub(super) consecutive_failures: u32,
    pub(super) enforcing_consecutive_failures: u8,
    pub(super) success_rate_stdev_factor: f64,
    pub(super) success_rate_minimum_hosts: u32,
    pub(super) success_rate_request_volume: u32,
    pub(super) enforcing_success_rate: u8,
    pub(super) failure_percentage_threshold: u8,
    pub(super) failure_percentage_minimum_hosts: u32,
    pub(super) failure_percentage_request_volume: u32,
    pub(super) enforcing_failure_percentage: u8,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            base_ejection_time: Duration::from_secs(30),
            max_ejection_time: Duration::from_secs(300),
            max_ejection_percent: 10,
            strict_percent: false,
            min_ejected: 0,
            consecutive_failures: 5,
            enforcing_consecutive_failures: 100,
            success_rate_stdev_factor: 1.9,
            success_rate_minimum_hosts: 5,
            success_rate_request_volume: 100,
            enforcing_success_rate: 100,
            failure_percentage_threshold: 85,
            failure_percentage_minimum_hosts: 5,
            failure_percentage_request_volume: 50,
            enforcing_failure_percentage: 0,
        }
    }
}

impl TryFrom<Fields> for OutlierConfig {
    type Error = ConfigError;

    fn try_from(fields: Fields) -> Result<Self, ConfigError> {
        let Fields {
            interval,
            base_ejection_time,
            consecutive_failures,
            success_rate_stdev_factor: factor,
            ..
        } = fields;
        for (field, zero) in [
            ("interval", interval.is_zero()),
            ("base_ejection_time", base_ejection_time.is_zero()),
            ("consecutive_failures", consecutive_failures == 0),
        ] {
            if zero {
                return Err(ConfigError::Zero { field });
            }
        }
        for (field, percent) in [
            ("max_ejection_percent", fields.max_ejection_percent),
            (
                "enforcing_consecutive_failures",
                fields.enforcing_consecutive_failures,
            ),
            ("enforcing_success_rate", fields.enforcing_success_rate),
            (
                "failure_percentage_threshold",
                fields.failure_percentage_threshold,
            ),
            (
                "enforcing_failure_percentage",
                fields.enforcing_failure_percentage,
            ),
        ] {
            if percent > 100 {
                return Err(ConfigError::OutOfRange {
                    field,
                    expected: "from 0 to 100",
                });
            }
        }
        if !(factor.is_finite() && factor >= 0.0) {
            return Err(ConfigError::OutOfRange {
                field: "success_rate_stdev_factor",
                expected: "at least zero and finite",
            });
        }
        Ok(Self(fields))
    }
}

#[cfg(feature = "serde")]
impl From<OutlierConfig> for Fields {
    fn from(config: OutlierConfig) -> Self {
        config.0
    }
}
