//! The least and the most that there may be.

use crate::error::ConfigError;

/// From `min` to `max` instances, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct Bounds {
    min: u32,
    max: u32,
}

impl Bounds {
    /// From `min` to `max`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a `max` below `min`.
    pub const fn new(min: u32, max: u32) -> Result<Self, ConfigError> {
        if max < min {
            return Err(ConfigError::OutOfRange {
                field: "max",
                expected: "at least min",
            });
        }
        Ok(Self { min, max })
    }

    /// Just so many.
    #[must_use]
    pub const fn exactly(instances: u32) -> Self {
        Self {
            min: instances,
            max: instances,
        }
    }

    /// The least.
    #[must_use]
    pub const fn min(&self) -> u32 {
        self.min
    }

    /// The most.
    #[must_use]
    pub const fn max(&self) -> u32 {
        self.max
    }

    /// The nearest that is within them.
    #[must_use]
    pub fn clamp(&self, instances: u32) -> u32 {
        instances.clamp(self.min, self.max)
    }

    /// Both ends the higher of two.
    pub(super) fn higher(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: self.max.max(other.max),
        }
    }

    /// The same with room for those of a period that is about to begin.
    pub(super) fn raised_to(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: self.max.max(other.min),
        }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    min: u32,
    max: u32,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for Bounds {
    type Error = ConfigError;

    fn try_from(raw: Unchecked) -> Result<Self, ConfigError> {
        Self::new(raw.min, raw.max)
    }
}
