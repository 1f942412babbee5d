//! The part of the log that is kept in memory: everything after the last compaction.

use super::entry::{Entries, Entry};
use super::position::{Index, Position, Term};
use alloc::collections::VecDeque;

/// The log after `base`, the last entry that a snapshot covers.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    base: Position,
    entries: VecDeque<Entry>,
    bytes: u64,
}

impl Log {
    /// An empty log after `base`.
    pub(crate) fn new(base: Position) -> Self {
        Self {
            base,
            entries: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The last entry covered by the snapshot.
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// The last entry's position; that of the snapshot when there is none.
    pub(crate) fn last(&self) -> Position {
        let term = self
            .entries
            .back()
            .map_or(self.base.term, |entry| entry.term);
        Position::new(term, self.last_index())
    }

    pub(crate) fn last_index(&self) -> Index {
        self.base.index + self.entries.len() as u64
    }

    /// The term of the entry at `index`; `None` before the base and after the end.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.entry(index).map(|entry| entry.term)
    }

    pub(crate) fn entry(&self, index: Index) -> Option<&Entry> {
        if index <= self.base.index {
            return None;
        }
        self.entries
            .get(usize::try_from(index - self.base.index).ok()? - 1)
    }

    /// Payload bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds one entry at the end.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.payload.len() as u64;
        self.entries.push_back(entry);
    }

    /// Adds entries at the end: their first index must be the one after the last.
    pub(crate) fn extend(&mut self, entries: Entries) {
        debug_assert_eq!(
            entries.first_index(),
            self.last_index().next(),
            "a log has no gaps"
        );
        for (_, entry) in entries.iter() {
            self.push(entry.clone());
        }
    }

    /// Removes `from` and everything after it.
    pub(crate) fn truncate(&mut self, from: Index) {
        while self.last_index() >= from {
            let Some(entry) = self.entries.pop_back() else {
                break;
            };
            self.bytes -= entry.payload.len() as u64;
        }
    }

    /// Drops everything up to `upto`, which the log has.
    pub(crate) fn compact(&mut self, upto: Index) {
        let Some(term) = self.term(upto) else { return };
        while self.base.index < upto {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= entry.payload.len() as u64;
            self.base.index = self.base.index.next();
        }
        self.base.term = term;
    }

    /// Forgets everything: the log starts anew after `base`.
    pub(crate) fn reset(&mut self, base: Position) {
        *self = Self::new(base);
    }

    /// The entries `from..=to`, as many as have at most `max_bytes` of payload, but at least one if
    /// there is one.
    pub(crate) fn slice(&self, from: Index, to: Index, max_bytes: u64) -> Entries {
        let mut bytes = 0;
        let mut taken = alloc::vec::Vec::new();
        let mut index = from;
        while index <= to {
            let Some(entry) = self.entry(index) else {
                break;
            };
            bytes += entry.payload.len() as u64;
            if bytes > max_bytes && !taken.is_empty() {
                break;
            }
            taken.push(entry.clone());
            index = index.next();
        }
        Entries::new(from, taken)
    }

    /// The last index up to `index` whose term is at most `term`: where a leader and a follower
    /// that disagree may still agree.
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> Position {
        let mut index = index.min(self.last_index());
        loop {
            match self.term(index) {
                Some(found) if found <= term => return Position::new(found, index),
                Some(_) if index > self.base.index => index = index.previous(),
                _ => return self.base,
            }
        }
    }
}
