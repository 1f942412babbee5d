//! Why entries leave, and what is left of them.

use core::fmt;

/// Why an entry left the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RemovalCause {
    /// Its time was over.
    Expired,
    /// It was removed by its key, a predicate or a tag.
    Explicit,
    /// Another value was put in under its key.
    Replaced,
    /// The policy chose it when there was no room.
    Size,
    /// It never came in: the policy held it for worth less than what is there, it weighs more than the whole
    /// capacity, or nothing that is there may leave.
    Rejected,
    /// Everything was removed.
    Cleared,
}

impl RemovalCause {
    pub(crate) const COUNT: usize = 6;

    /// Whether the cache decided it, and not its user.
    #[must_use]
    pub fn was_evicted(self) -> bool {
        matches!(self, Self::Expired | Self::Size | Self::Rejected)
    }
}

impl fmt::Display for RemovalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Explicit => "explicit",
            Self::Replaced => "replaced",
            Self::Size => "size",
            Self::Rejected => "rejected",
            Self::Cleared => "cleared",
        })
    }
}
