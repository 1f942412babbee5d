//! Naming nodes: ids, dense indices, epochs and weights.

use core::fmt;

/// A node's identity, stable for its life and never reused for another.
///
/// Addresses make poor identities (they move and are reused), so protocols name their members by
/// this number; what it stands for is the user's affair.
///
/// ```
/// use purlin_core::node::NodeId;
///
/// assert_eq!(NodeId(7).to_string(), "n7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct NodeId(pub u64);

/// A node's dense position in one membership list, valid for one [`Epoch`] of it.
///
/// Small enough for compact tables. It indexes arrays; it does not identify: after a change of
/// membership the same index may be another node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct NodeIdx(pub u32);

impl NodeIdx {
    /// The index as a `usize`, for arrays.
    #[must_use]
    #[inline]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The version of a membership or configuration: it grows with every change.
///
/// ```
/// use purlin_core::node::Epoch;
///
/// assert!(Epoch::default().next() > Epoch::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one. The last (2^64 - 1) stays, rather than starting anew.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A node's share of the work relative to the others; 0 drains it.
///
/// Whole numbers, so that every machine computes the same shares; `u32`, so that sums over any
/// membership are exact in `u64`. Untrusted numbers come in through `TryFrom`, which names the
/// value it refuses.
///
/// ```
/// use purlin_core::node::Weight;
///
/// let weight = Weight::try_from(3_i64)?;
/// assert_eq!(weight.get(), 3);
/// assert!(Weight::DRAIN.is_drain());
/// assert_eq!(
///     Weight::try_from(-1_i64).unwrap_err().to_string(),
///     "weight -1 is outside 0..=4294967295"
/// );
/// # Ok::<(), purlin_core::node::WeightError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Weight(u32);

impl Weight {
    /// No new work: the node is being drained.
    pub const DRAIN: Self = Self(0);
    /// The weight of a node of which nothing is said.
    pub const ONE: Self = Self(1);
    /// The largest weight.
    pub const MAX: Self = Self(u32::MAX);

    /// This weight.
    #[must_use]
    pub const fn new(weight: u32) -> Self {
        Self(weight)
    }

    /// The weight as a number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether the node is to get no new work.
    #[must_use]
    pub const fn is_drain(self) -> bool {
        self.0 == 0
    }
}

/// [`Weight::ONE`].
impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

impl From<u32> for Weight {
    fn from(weight: u32) -> Self {
        Self(weight)
    }
}

impl TryFrom<u64> for Weight {
    type Error = WeightError;
    fn try_from(weight: u64) -> Result<Self, WeightError> {
        u32::try_from(weight).map(Self).map_err(|_| WeightError {
            value: i128::from(weight),
        })
    }
}

impl TryFrom<i64> for Weight {
    type Error = WeightError;
    fn try_from(weight: i64) -> Result<Self, WeightError> {
        u32::try_from(weight).map(Self).map_err(|_| WeightError {
            value: i128::from(weight),
        })
    }
}

/// A number that is no [`Weight`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightError {
    /// The refused number.
    pub value: i128,
}

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight {} is outside 0..={}", self.value, u32::MAX)
    }
}

impl core::error::Error for WeightError {}

macro_rules! display {
    ($type:ident, $format:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
    };
}

display!(NodeId, "n{}");
display!(NodeIdx, "#{}");
display!(Epoch, "{}");
display!(Weight, "{}");
