//! What a limiter is built by, in one form for all.

use crate::{ConfigError, Quota};

/// What a limiter is built by. An algorithm takes its defaults for those that are not set, and
/// refuses those that it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Options {
    /// How much, how often, how much at once. Of a window: its limit is the count, its length the
    /// period.
    pub quota: Quota,
    /// All of a period's tokens come at its end: `token_bucket`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub at_intervals: Option<bool>,
    /// How many tokens may leave at once: `shaper`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub slack: Option<u64>,
}

impl Options {
    /// By that quota, and all else as it is by default.
    #[must_use]
    pub const fn new(quota: Quota) -> Self {
        Self {
            quota,
            at_intervals: None,
            slack: None,
        }
    }

    /// That only those are set that an algorithm has.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), ConfigError> {
        let set = [
            ("at_intervals", self.at_intervals.is_some()),
            ("slack", self.slack.is_some()),
        ];
        match set.iter().find(|(name, set)| *set && !known.contains(name)) {
            Some((field, _)) => Err(ConfigError::OutOfRange {
                field,
                expected: "absent: this algorithm does not have it",
            }),
            None => Ok(()),
        }
    }
}
