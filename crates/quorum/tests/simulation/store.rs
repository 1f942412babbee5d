//! A node's disk: a write-ahead log of records, each of which names the record before it.
//!
//! The simulator loses, tears and reorders what is not synced, so a record may be there without the
//! one before it, and records of an earlier life may lie behind those of a later one. Recovery
//! takes the longest chain and nothing behind it, as the checksums of a real log would have it.

use super::registers::Registers;
use alloc::collections::VecDeque;
use core::mem;
use purlin_core::random::{Random, RandomExt as _};
use purlin_quorum::raft::{Entries, Entry, HardState, Index, Position, Recovered, SnapshotMeta};
use purlin_sim::Store;

/// What is on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    /// How many records came before the first of `records`; they are numbered from 1.
    pruned: u64,
    records: VecDeque<Option<Record>>,
}

/// One write to the disk.
#[derive(Clone, Debug)]
pub(crate) enum DiskWrite {
    Record(Record),
    /// The records before this one are not needed any more.
    Prune(u64),
}

/// Which record, and in which life of the node it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordId {
    pub(crate) number: u64,
    pub(crate) life: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: RecordId,
    /// The record before it.
    pub(crate) after: RecordId,
    /// Cut short by a crash: what was written behind it in the same life does not count.
    pub(crate) is_torn: bool,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// What the core wants written.
    Write {
        hard_state: Option<HardState>,
        entries: Entries,
    },
    /// Everything anew, in one step: after a compaction and when a snapshot is installed.
    Checkpoint(Box<Checkpoint>),
    /// The state machine up to `applied`.
    Applied { applied: Index, image: Registers },
}

#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) hard_state: HardState,
    pub(crate) meta: SnapshotMeta,
    pub(crate) image: Registers,
    /// Those after the snapshot.
    pub(crate) entries: Vec<Entry>,
}

impl Store for Disk {
    type Write = DiskWrite;

    fn apply(&mut self, write: &DiskWrite) {
        match write {
            DiskWrite::Prune(first) => {
                while self.pruned + 1 < *first && self.records.pop_front().is_some() {
                    self.pruned += 1;
                }
            }
            DiskWrite::Record(record) => {
                let Some(place) = record.id.number.checked_sub(self.pruned + 1) else {
                    return;
                };
                let place = usize::try_from(place).expect("few records");
                if self.records.len() <= place {
                    self.records.resize(place + 1, None);
                }
                self.records[place] = Some(record.clone());
            }
        }
    }

    /// The vote comes before the entries, and the entries come one after the other. What takes one
    /// step (a rename, in a real store) is not torn.
    fn torn(write: &DiskWrite, random: &mut dyn Random) -> Option<DiskWrite> {
        let DiskWrite::Record(record) = write else {
            return None;
        };
        let Content::Write {
            hard_state,
            entries,
        } = &record.content
        else {
            return None;
        };
        let kept = random.below(entries.len() as u64 + 2);
        let content = Content::Write {
            hard_state: hard_state.filter(|_| kept > 0),
            entries: first_entries(entries, kept.saturating_sub(1)),
        };
        Some(DiskWrite::Record(Record {
            is_torn: true,
            content,
            ..record.clone()
        }))
    }
}

fn first_entries(entries: &Entries, count: u64) -> Entries {
    let count = usize::try_from(count).expect("few entries");
    let kept = entries.iter().take(count).map(|(_, entry)| entry.clone());
    Entries::new(entries.first_index(), kept.collect())
}

/// What a node finds on its disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) recovered: Recovered,
    /// The state machine at [`Recovered::applied`].
    pub(crate) registers: Registers,
    /// The state machine at the snapshot.
    pub(crate) snapshot: Registers,
    /// The last record of the chain.
    pub(crate) last: RecordId,
    /// Whether that one is cut short.
    pub(crate) is_torn: bool,
    /// Whether there is anything at all.
    pub(crate) is_empty: bool,
}

impl Disk {
    /// Follows the chain of records.
    ///
    /// # Panics
    ///
    /// When entries leave a gap: the core has asked for writes that make no log.
    pub(crate) fn recover(&self) -> Found {
        let mut found = Found {
            is_empty: true,
            ..Found::default()
        };
        for record in self.records.iter().map_while(Option::as_ref) {
            let is_first = found.is_empty && self.pruned > 0;
            let follows =
                record.after == found.last && (!found.is_torn || record.id.life > found.last.life);
            if !is_first && !follows {
                break;
            }
            found.is_empty = false;
            found.is_torn = record.is_torn;
            found.last = record.id;
            found.take(&record.content);
        }
        found
    }
}

impl Found {
    fn take(&mut self, content: &Content) {
        let recovered = &mut self.recovered;
        match content {
            Content::Write {
                hard_state,
                entries,
            } => {
                recovered.hard_state = hard_state.unwrap_or(recovered.hard_state);
                overwrite(recovered, entries);
            }
            Content::Checkpoint(checkpoint) => {
                let Checkpoint {
                    hard_state,
                    meta,
                    image,
                    entries,
                } = &**checkpoint;
                if recovered.applied <= meta.position.index {
                    recovered.applied = meta.position.index;
                    self.registers = image.clone();
                }
                self.snapshot = image.clone();
                *recovered = Recovered {
                    hard_state: *hard_state,
                    snapshot: meta.clone(),
                    entries: entries.clone(),
                    applied: recovered.applied,
                };
            }
            Content::Applied { applied, image } => {
                recovered.applied = *applied;
                self.registers = image.clone();
            }
        }
    }
}

/// Puts entries into the log, over what it has from their first index on.
fn overwrite(recovered: &mut Recovered, entries: &Entries) {
    if entries.is_empty() {
        return;
    }
    let base = recovered.snapshot.position.index;
    let first = entries.first_index().max(base.next());
    let keep = usize::try_from(first - base.next()).expect("a short log");
    assert!(
        keep <= recovered.entries.len(),
        "entries from {first} on leave a gap: the log ends at {}",
        base + recovered.entries.len() as u64
    );
    recovered.entries.truncate(keep);
    let new = entries.iter().filter(|&(index, _)| index >= first);
    recovered
        .entries
        .extend(new.map(|(_, entry)| entry.clone()));
}

/// Numbers the records of one life.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    last: RecordId,
    life: u32,
    /// What recovery would find as the vote and term if everything written were kept.
    pub(crate) hard_state: HardState,
}

impl Journal {
    pub(crate) fn new(found: &Found, life: u32) -> Self {
        Self {
            last: found.last,
            life,
            hard_state: found.recovered.hard_state,
        }
    }

    pub(crate) fn record(&mut self, content: Content) -> Record {
        match &content {
            Content::Write {
                hard_state: Some(hard_state),
                ..
            } => self.hard_state = *hard_state,
            Content::Checkpoint(checkpoint) => self.hard_state = checkpoint.hard_state,
            _ => {}
        }
        let id = RecordId {
            number: self.last.number + 1,
            life: self.life,
        };
        let after = mem::replace(&mut self.last, id);
        Record {
            id,
            after,
            is_torn: false,
            content,
        }
    }
}

/// The terms of a log: all that tells one entry from another at its index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    base: Position,
    terms: VecDeque<u64>,
}

impl Terms {
    pub(crate) fn of(recovered: &Recovered) -> Self {
        Self {
            base: recovered.snapshot.position,
            terms: recovered.entries.iter().map(|entry| entry.term.0).collect(),
        }
    }

    pub(crate) fn last_index(&self) -> u64 {
        self.base.index.0 + self.terms.len() as u64
    }

    /// The term at `index`; `None` before the snapshot and after the end.
    pub(crate) fn get(&self, index: u64) -> Option<u64> {
        if index == self.base.index.0 {
            return Some(self.base.term.0);
        }
        let place = index.checked_sub(self.base.index.0 + 1)?;
        self.terms.get(usize::try_from(place).ok()?).copied()
    }

    /// Whether it has the entry, or a snapshot in its place.
    pub(crate) fn has(&self, index: u64, term: u64) -> bool {
        index < self.base.index.0 || self.get(index) == Some(term)
    }

    /// Replaces everything from `first` on.
    pub(crate) fn overwrite(&mut self, first: u64, terms: &[u64]) {
        if terms.is_empty() {
            return;
        }
        let skip = (self.base.index.0 + 1).saturating_sub(first);
        let keep = (first + skip - self.base.index.0 - 1).min(self.terms.len() as u64);
        self.terms
            .truncate(usize::try_from(keep).expect("a short log"));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.terms.extend(terms.iter().skip(skip));
    }

    /// Starts after a snapshot, with what the log has behind it; with nothing, if `anew`.
    pub(crate) fn rebase(&mut self, base: Position, anew: bool) {
        if anew || base.index.0 > self.last_index() {
            self.terms.clear();
        } else {
            let drop = base.index.0.saturating_sub(self.base.index.0);
            self.terms
                .drain(..usize::try_from(drop).expect("a short log"));
        }
        self.base = base;
    }
}
