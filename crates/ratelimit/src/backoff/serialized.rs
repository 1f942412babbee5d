//! A [`Backoff`] as data.

use super::{Backoff, Jitter};
use crate::ConfigError;
use core::time::Duration;

/// What is not given but base and cap is as by [`Backoff::exponential`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename = "Backoff")]
pub(super) struct Serialized {
    base: Duration,
    cap: Duration,
    #[serde(default)]
    factor: Option<f64>,
    #[serde(default)]
    jitter: Jitter,
    #[serde(default)]
    max_retries: Option<u32>,
    #[serde(default)]
    deadline: Option<Duration>,
}

impl From<Backoff> for Serialized {
    fn from(backoff: Backoff) -> Self {
        Self {
            base: Duration::from_nanos(backoff.base),
            cap: Duration::from_nanos(backoff.cap),
            factor: Some(backoff.factor),
            jitter: backoff.jitter,
            max_retries: backoff.max_retries,
            deadline: backoff.deadline,
        }
    }
}

impl TryFrom<Serialized> for Backoff {
    type Error = ConfigError;

    fn try_from(data: Serialized) -> Result<Self, ConfigError> {
        let backoff = Self::exponential(data.base, data.cap)?.with_jitter(data.jitter)?;
        let backoff = match data.factor {
            Some(factor) => backoff.with_factor(factor)?,
            None => backoff,
        };
        Ok(Self {
            max_retries: data.max_retries,
            deadline: data.deadline,
            ..backoff
        })
    }
}
