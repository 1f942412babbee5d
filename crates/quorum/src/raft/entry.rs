//! What the log is made of.

mod entries;
mod part;
#[cfg(feature = "serde")]
mod serde_entries;
#[cfg(test)]
mod tests;

pub(super) use entries::Shape;
pub use entries::{Entries, EntriesError};
pub(super) use part::{Part, fitting, payload_bytes};

use super::membership::Configuration;
use super::position::Term;
use alloc::sync::Arc;
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
