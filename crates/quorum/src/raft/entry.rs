//! What the log is made of.

use super::membership::Configuration;
use super::position::{Index, Position, Term};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Payload {
    /// A command for the state machine. Empty in the entry with which a leader starts its term:
    /// state machines pass over it.
    Command(Bytes),
    /// The configuration that holds from this entry on, as a whole.
    Configuration(Arc<Configuration>),
}

impl Payload {
    /// The payload's bytes, of a configuration an estimate.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Command(command) => command.len(),
            Self::Configuration(configuration) => configuration.size(),
        }
    }

    /// Whether it is the entry with which a leader starts its term.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Command(command) if command.is_empty())
    }
}

/// One entry of the log. Its index is its place: see [`Entries`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// What it carries.
    pub payload: Payload,
}

impl Entry {
    /// A command.
    #[must_use]
    #[inline]
    pub const fn command(term: Term, command: Bytes) -> Self {
        Self {
            term,
            payload: Payload::Command(command),
        }
    }
}

/// Consecutive entries, shared rather than copied: a clone costs at most one reference count for
/// each part of the log that it spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entries {
    first: Index,
    entries: Vec<Entry>,
}

impl Entries {
    /// No entries; what comes next would be at `first`.
    #[must_use]
    pub const fn empty(first: Index) -> Self {
        Self {
            first,
            entries: Vec::new(),
        }
    }

    /// One entry.
    #[must_use]
    pub fn one(index: Index, entry: Entry) -> Self {
        Self {
            first: index,
            entries: alloc::vec![entry],
        }
    }

    /// Entries from `first` on.
    #[must_use]
    pub fn new(first: Index, entries: Vec<Entry>) -> Self {
        Self { first, entries }
    }

    /// The index of the first entry, or of the one that would be the first.
    #[must_use]
    #[inline]
    pub fn first_index(&self) -> Index {
        self.first
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The last entry's position.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        let last = self.entries.last()?;
        Some(Position::new(
            last.term,
            self.first + (self.entries.len() as u64 - 1),
        ))
    }

    /// The sum of the payloads' lengths.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| entry.payload.len() as u64)
            .sum()
    }

    /// The entries with their indices, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Index, &Entry)> {
        (self.first.0..).map(Index).zip(&self.entries)
    }

    /// The entries from `index` on.
    #[must_use]
    pub fn from(&self, index: Index) -> Self {
        let skip = usize::try_from(index - self.first)
            .unwrap_or(usize::MAX)
            .min(self.len());
        Self {
            first: index.max(self.first),
            entries: self.entries[skip..].to_vec(),
        }
    }
}
