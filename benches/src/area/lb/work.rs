//! How much work requests are: made, or as the user's requests were.

use alloc::rc::Rc;
use core::time::Duration;

use purlin_core::random::SplitMix64;

use super::arena::below;
use crate::workload::{LogNormal, ServiceTimes, WorkloadError};

/// The mean of what is made.
pub(super) const MEAN: Duration = Duration::from_millis(10);

/// What requests are like.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// Log-normal with that mean; the scenario says how long its tail is.
    LogNormal,
    /// Any of these, each as likely. Never empty, and never of mean zero.
    Measured(Rc<[Duration]>),
}

impl Work {
    pub(super) fn mean(&self) -> Duration {
        match self {
            Self::LogNormal => MEAN,
            Self::Measured(times) => {
                let sum: f64 = times.iter().map(Duration::as_secs_f64).sum();
                Duration::from_secs_f64(sum / times.len() as f64)
            }
        }
    }

    /// # Errors
    ///
    /// None: the log-normal's parameters are in range.
    pub(super) fn stream(&self, sigma: f64, random: SplitMix64) -> Result<Stream, WorkloadError> {
        Ok(match self {
            Self::LogNormal => {
                let median = MEAN.mul_f64(libm::exp(-sigma * sigma / 2.0));
                Stream::LogNormal(LogNormal::new(median, sigma, random)?)
            }
            Self::Measured(times) => Stream::Measured(Rc::clone(times), random),
        })
    }
}

/// The work of one request after the other.
pub(super) enum Stream {
    LogNormal(LogNormal<SplitMix64>),
    Measured(Rc<[Duration]>, SplitMix64),
}

impl ServiceTimes for Stream {
    fn next_service_time(&mut self) -> Duration {
        match self {
            Self::LogNormal(times) => times.next_service_time(),
            Self::Measured(times, random) => times[below(random, times.len())],
        }
    }
}
