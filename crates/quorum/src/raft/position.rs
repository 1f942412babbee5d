//! Where something stands in the log: terms, indices and both together.

use core::fmt;
use core::ops::{Add, Sub};

/// A term: the number of an election. At most one leader exists in a term, and terms only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Term(pub u64);

impl Term {
    /// The term after this one. The last (2^64 - 1) stays, rather than starting anew.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// The number of an entry in the log. The first entry is 1; 0 stands before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Index(pub u64);

impl Index {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);

    /// The index after this one.
    #[must_use]
    #[inline]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The index before this one; that of 0 is 0.
    #[must_use]
    #[inline]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl Add<u64> for Index {
    type Output = Self;

    /// Saturates, as no log can get there.
    #[inline]
    fn add(self, entries: u64) -> Self {
        Self(self.0.saturating_add(entries))
    }
}

impl Sub for Index {
    type Output = u64;

    /// How many entries lie after `earlier` up to this one; 0 when `earlier` is not earlier.
    #[inline]
    fn sub(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An entry named by index and term, which together tell it from every other entry that any node
/// ever had (the log matching property).
///
/// The order is Raft's "at least as up to date" (§5.4.1): by term first, then by index.
///
/// ```
/// use purlin_quorum::raft::{Index, Position, Term};
///
/// let short_but_newer = Position::new(Term(3), Index(7));
/// let long_but_older = Position::new(Term(2), Index(900));
/// assert!(short_but_newer > long_but_older);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    /// The term of the leader that made the entry.
    pub term: Term,
    /// The entry's place in the log.
    pub index: Index,
}

impl Position {
    /// The entry made in `term` at `index`.
    #[must_use]
    #[inline]
    pub const fn new(term: Term, index: Index) -> Self {
        Self { term, index }
    }
}

impl fmt::Display for Position {
    /// As `term/index`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.term.0, self.index.0)
    }
}
