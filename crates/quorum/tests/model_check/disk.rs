//! What would survive a crash.

use super::digest::digest;
use purlin_quorum::raft::{
    Entry, HardState, Index, Recovered, SnapshotChunk, SnapshotMeta, Term, Write,
};

/// The state machine: it remembers everything that it was ever told, in a digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Applied {
    /// The last entry, and the configuration in force there.
    pub(crate) meta: SnapshotMeta,
    pub(crate) digest: u64,
}

impl Applied {
    pub(crate) fn index(&self) -> Index {
        self.meta.position.index
    }
}

/// The digest of a history that `entry` is appended to.
#[expect(clippy::cast_possible_truncation, reason = "half of a digest is one")]
pub(crate) fn append_to(history: u64, entry: &Entry) -> u64 {
    digest(&(history, entry)) as u64
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Disk {
    pub(crate) hard: HardState,
    pub(crate) snapshot: Applied,
    /// The log after the snapshot.
    pub(crate) entries: Vec<Entry>,
    /// The parts of a snapshot that comes from the leader.
    parts: Vec<u8>,
}

impl Disk {
    pub(crate) fn founder(snapshot: SnapshotMeta) -> Self {
        let snapshot = Applied {
            meta: snapshot,
            digest: 0,
        };
        Self {
            snapshot,
            ..Self::default()
        }
    }

    pub(crate) fn write(&mut self, write: &Write) {
        if let Some(hard) = write.hard_state {
            self.hard = hard;
        }
        if !write.entries.is_empty() {
            let kept = self.place(write.entries.first_index()) - 1;
            assert!(kept <= self.entries.len(), "a write leaves a gap");
            self.entries.truncate(kept);
            let new = write.entries.iter().map(|(_, entry)| entry.clone());
            self.entries.extend(new);
        }
    }

    /// Stores a part; whether that was the last one, and the snapshot has replaced all else.
    pub(crate) fn store(&mut self, chunk: &SnapshotChunk) -> bool {
        if chunk.offset == 0 {
            self.parts.clear();
        }
        assert_eq!(self.parts.len() as u64, chunk.offset, "parts have gaps");
        self.parts.extend_from_slice(&chunk.data);
        if chunk.done {
            let content = core::mem::take(&mut self.parts);
            let content = content.try_into().expect("a snapshot is a digest");
            self.snapshot = Applied {
                meta: chunk.meta.clone(),
                digest: u64::from_le_bytes(content),
            };
            self.entries.clear();
        }
        chunk.done
    }

    /// Keeps a snapshot of the own state machine, and of the log what comes after it.
    pub(crate) fn compact(&mut self, snapshot: Applied) {
        let covered = self.place(snapshot.index());
        self.entries.drain(..covered);
        self.snapshot = snapshot;
    }

    fn place(&self, index: Index) -> usize {
        usize::try_from(index - self.snapshot.index()).expect("a short log")
    }

    pub(crate) fn last_index(&self) -> Index {
        self.snapshot.index() + self.entries.len() as u64
    }

    /// The term at `index`; `None` for what it does not have or has as part of the snapshot.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        let place = self.place(index).checked_sub(1)?;
        self.entries.get(place).map(|entry| entry.term)
    }

    pub(crate) fn recover(&mut self) -> Recovered {
        self.parts.clear();
        Recovered {
            hard_state: self.hard,
            snapshot: self.snapshot.meta.clone(),
            entries: self.entries.clone(),
            applied: self.snapshot.index(),
        }
    }
}
