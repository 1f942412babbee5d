//! A node's stable storage: what would be there after a crash.

use purlin_quorum::raft::{Entry, HardState, Index, Position, SnapshotMeta, Term, Write};

/// What has been written and synced.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) hard_state: HardState,
    /// What the stored snapshot covers.
    snapshot: Position,
    entries: Vec<Entry>,
}

impl Disk {
    /// One that holds a snapshot and nothing else.
    pub(crate) fn new(snapshot: Position) -> Self {
        Self {
            snapshot,
            ..Self::default()
        }
    }

    /// Carries out a write: its entries replace everything from their first index on.
    pub(crate) fn write(&mut self, write: &Write) -> Result<(), String> {
        if let Some(hard_state) = write.hard_state {
            self.hard_state = hard_state;
        }
        if write.entries.is_empty() {
            return Ok(());
        }
        let first = write.entries.first_index();
        let keep = usize::try_from(first - self.snapshot.index.next()).expect("a small log");
        if first <= self.snapshot.index || keep > self.entries.len() {
            return Err(format!("a write from {first} on leaves a gap in {self:?}"));
        }
        self.entries.truncate(keep);
        self.entries
            .extend(write.entries.iter().map(|(_, entry)| entry.clone()));
        Ok(())
    }

    /// A snapshot replaces everything.
    pub(crate) fn install(&mut self, meta: &SnapshotMeta) {
        self.snapshot = meta.position;
        self.entries.clear();
    }

    /// Drops what `upto` covers.
    pub(crate) fn compact(&mut self, upto: Position) {
        let drop = usize::try_from(upto.index - self.snapshot.index).expect("a small log");
        self.entries.drain(..drop.min(self.entries.len()));
        self.snapshot = upto;
    }

    /// The entries with their indices.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Index, &Entry)> {
        (self.snapshot.index.0 + 1..).map(Index).zip(&self.entries)
    }

    /// The term of the entry at `index`; none where there is no entry.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        if index == self.snapshot.index {
            return Some(self.snapshot.term);
        }
        self.entries()
            .find(|&(at, _)| at == index)
            .map(|(_, entry)| entry.term)
    }

    /// Whether everything up to `index` is there, as `term` says it is; what the snapshot covers is.
    pub(crate) fn holds(&self, index: Index, term: Option<Term>) -> bool {
        index <= self.snapshot.index || (term.is_some() && self.term(index) == term)
    }
}
