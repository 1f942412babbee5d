//! What happened lately: the counts that failure rates are taken of.

mod calls;
mod time;

use crate::{ConfigError, Instant};
use core::time::Duration;

/// Which calls a rate is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Window {
    /// The last so many calls, at most 4,096. One bit for each outcome.
    Calls(u32),
    /// The calls reported within the last so long: in ten buckets, so what is counted reaches back
    /// between nine tenths of it and all of it. 80 bytes, whatever the traffic.
    Time(Duration),
}

/// Counts of calls in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

/// How a call ended, as the window sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

impl Ended {
    pub(super) const WELL: Self = Self {
        failed: false,
        slow: false,
    };
}

/// The counters of a [`Window`].
///
/// Both forms are exact when one thread reports at a time. Reports at once are all counted; a
/// reader may miss those in progress, one per reporting thread.
#[derive(Debug)]
pub(super) struct Counters(Kind);

#[derive(Debug)]
enum Kind {
    Calls(calls::CallWindow),
    Time(time::TimeWindow),
}

impl Window {
    /// The most that a window of time surely tells apart: see [`time`].
    pub(super) const fn max_minimum_calls(self) -> u32 {
        match self {
            Self::Calls(calls) => calls,
            Self::Time(_) => time::MAX_MINIMUM_CALLS,
        }
    }

    pub(super) fn validate(self) -> Result<(), ConfigError> {
        match self {
            Self::Calls(0) | Self::Time(Duration::ZERO) => {
                Err(ConfigError::Zero { field: "window" })
            }
            Self::Calls(calls) if calls > calls::MAX_CALLS => Err(ConfigError::TooLarge {
                field: "window",
                value: calls.into(),
                max: calls::MAX_CALLS.into(),
            }),
            Self::Calls(_) | Self::Time(_) => Ok(()),
        }
    }
}

impl Counters {
    /// Empty counters of a window and a minimum of calls that were found valid.
    pub(super) fn new(window: Window, minimum_calls: u32) -> Self {
        match window {
            Window::Calls(calls) => Self(Kind::Calls(calls::CallWindow::new(calls, minimum_calls))),
            Window::Time(length) => Self(Kind::Time(time::TimeWindow::new(length))),
        }
    }

    /// Counts a call. Whether it filled the minimum of calls, so that the rates are to be judged
    /// for the first time; of a window of time never.
    #[inline]
    pub(super) fn record(&self, now: Instant, ended: Ended) -> bool {
        match &self.0 {
            Kind::Calls(window) => window.record(ended),
            Kind::Time(window) => {
                window.record(now, ended);
                false
            }
        }
    }

    pub(super) fn tally(&self, now: Instant) -> Tally {
        match &self.0 {
            Kind::Calls(window) => window.tally(),
            Kind::Time(window) => window.tally(now),
        }
    }

    /// Forgets everything. Reports in progress may be forgotten or not.
    pub(super) fn clear(&self) {
        match &self.0 {
            Kind::Calls(window) => window.clear(),
            Kind::Time(window) => window.clear(),
        }
    }
}
