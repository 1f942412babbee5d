//! The log in segments: files of [records](super::record) that are only ever appended to.
//!
//! A segment is durable as a whole before the next one is made.

mod replay;

pub(super) use replay::{holds_records, open};

use super::disk::Disk;
use super::record::{self, Kind, MAX_BODY, Place};
use super::{FileError, identity};
use crate::raft::durable::{HardState, Write};
use crate::raft::entry::{Entries, Entry};
use crate::raft::position::Index;
use crate::raft::storage::{Identity, StorageError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// How much is held back at most before it goes to the file.
const BUFFER: usize = 1 << 20;
/// The largest payload of an entry, and so much less than a record can have that the term and length
/// fit beside it.
pub(super) const MAX_PAYLOAD: u64 = (MAX_BODY / 2 - 64) as u64;
const PREFIX: &str = "log-";

/// The file of a segment.
pub(super) fn segment_name(number: u64) -> String {
    format!("{PREFIX}{number:016x}")
}

/// The numbers of all segments, ascending.
pub(super) fn segments(disk: &mut impl Disk) -> Result<Vec<u64>, FileError> {
    let names = disk
        .list()
        .map_err(FileError::io("list the directory of", PREFIX))?;
    let number = |name: &String| {
        let number = u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()?;
        (segment_name(number) == *name).then_some(number)
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The end of the log, where records are appended.
#[derive(Debug)]
pub(super) struct Log {
    identity: Identity,
    segment_bytes: u64,
    /// The former segments with the highest index that each ever had.
    sealed: Vec<(u64, Index)>,
    /// The number of the last segment, its highest index, and how long it is with what is buffered.
    number: u64,
    highest: Index,
    len: u64,
    /// How much of it is durable.
    durable: u64,
    buffer: Vec<u8>,
    hard_state: HardState,
    last: Index,
}

impl Log {
    /// Makes a log that begins with segment `number`.
    pub(super) fn create(
        disk: &mut impl Disk,
        identity: Identity,
        number: u64,
        segment_bytes: u64,
    ) -> Result<Self, FileError> {
        let mut log = Self {
            identity,
            segment_bytes,
            sealed: Vec::new(),
            number,
            highest: Index::ZERO,
            len: 0,
            durable: 0,
            buffer: Vec::new(),
            hard_state: HardState::default(),
            last: Index::ZERO,
        };
        log.start(disk)?;
        Ok(log)
    }

    /// The last index.
    pub(super) fn last(&self) -> Index {
        self.last
    }

    /// Whether a [`Write`] is of a size that records can have.
    pub(super) fn check<E>(write: &Write) -> Result<(), StorageError<E>> {
        let fits = |(_, entry): (_, &Entry)| entry.encoded_len() <= MAX_BODY / 2;
        if write.entries.iter().all(fits) {
            return Ok(());
        }
        Err(StorageError::Refused("an entry of more than 32 MiB"))
    }

    /// Appends a write. One record for the hard state and one for the entries, or several where they
    /// would be too long for one: what a crash leaves is always a beginning of it.
    pub(super) fn append(&mut self, disk: &mut impl Disk, write: &Write) -> Result<(), FileError> {
        if let Some(hard_state) = write.hard_state {
            self.record(Kind::HardState, |out| hard_state.encode(out));
            self.hard_state = hard_state;
        }
        if let Some(last) = write.entries.last() {
            self.append_entries(disk, &write.entries)?;
            self.last = last.index;
            self.highest = self.highest.max(last.index);
        }
        if self.buffer.len() >= BUFFER {
            self.flush(disk)?;
        }
        if self.len >= self.segment_bytes {
            self.rotate(disk)?;
        }
        Ok(())
    }

    fn append_entries(&mut self, disk: &mut impl Disk, entries: &Entries) -> Result<(), FileError> {
        if entries.encoded_len() <= MAX_BODY {
            self.record(Kind::Entries, |out| entries.encode(out));
            return Ok(());
        }
        let mut part = Vec::new();
        let mut bytes = 0;
        for (index, entry) in entries.iter() {
            part.push(entry.clone());
            bytes += entry.encoded_len();
            if bytes >= MAX_BODY / 4 || Some(index) == entries.last().map(|last| last.index) {
                let first = Index(index.0 + 1 - part.len() as u64);
                let part = Entries::new(first, core::mem::take(&mut part));
                self.record(Kind::Entries, |out| part.encode(out));
                self.flush(disk)?;
                bytes = 0;
            }
        }
        Ok(())
    }

    fn record(&mut self, kind: Kind, encode: impl FnOnce(&mut Vec<u8>)) {
        let place = Place {
            segment: self.number,
            offset: self.len,
        };
        let before = self.buffer.len();
        record::append(&mut self.buffer, kind, place, self.durable, encode);
        self.len += (self.buffer.len() - before) as u64;
    }

    fn flush(&mut self, disk: &mut impl Disk) -> Result<(), FileError> {
        if !self.buffer.is_empty() {
            let name = segment_name(self.number);
            disk.append(&name, &self.buffer)
                .map_err(FileError::io("append to", &name))?;
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER);
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn sync(&mut self, disk: &mut impl Disk) -> Result<(), FileError> {
        self.flush(disk)?;
        if self.durable < self.len {
            let name = segment_name(self.number);
            disk.sync(&name).map_err(FileError::io("sync", &name))?;
            self.durable = self.len;
        }
        Ok(())
    }

    /// Goes on in a new segment.
    pub(super) fn rotate(&mut self, disk: &mut impl Disk) -> Result<(), FileError> {
        self.sync(disk)?;
        self.sealed.push((self.number, self.highest));
        self.number += 1;
        self.start(disk)
    }

    /// Makes the last segment, durable with its first record.
    fn start(&mut self, disk: &mut impl Disk) -> Result<(), FileError> {
        let name = segment_name(self.number);
        disk.create(&name).map_err(FileError::io("create", &name))?;
        (self.len, self.durable, self.highest) = (0, 0, Index::ZERO);
        let (identity, hard_state) = (self.identity, self.hard_state);
        self.record(Kind::Start, |out| {
            identity::encode(&identity, out);
            hard_state.encode(out);
        });
        self.sync(disk)?;
        disk.sync_names()
            .map_err(FileError::io("sync the directory of", &name))
    }

    /// The first segment that is needed after a snapshot at `index`.
    ///
    /// A segment counts with the highest index that it ever had, whether or not a later one took its
    /// entries back. So the first entries of the segment that stays follow the snapshot or lie
    /// before its end, and replaying needs no more.
    pub(super) fn needed_after(&self, index: Index) -> u64 {
        let needed = self.sealed.iter().find(|&&(_, highest)| highest > index);
        needed.map_or(self.number, |&(number, _)| number)
    }

    /// The number of the last segment.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Forgets and removes the segments before `number`.
    pub(super) fn remove_before(
        &mut self,
        disk: &mut impl Disk,
        number: u64,
    ) -> Result<(), FileError> {
        let drop = self.sealed.partition_point(|&(sealed, _)| sealed < number);
        for (sealed, _) in self.sealed.drain(..drop) {
            remove(disk, sealed)?;
        }
        Ok(())
    }

    /// The log restarts after a snapshot at `index`: whatever it had is gone.
    pub(super) fn reset(&mut self, index: Index) {
        self.last = index;
    }
}

fn remove(disk: &mut impl Disk, number: u64) -> Result<(), FileError> {
    let name = segment_name(number);
    disk.remove(&name).map_err(FileError::io("remove", &name))
}
