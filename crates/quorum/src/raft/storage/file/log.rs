//! The log in segments: files of [records](super::record) that are only ever appended to.
//!
//! # What a crash leaves, and what damage is
//!
//! A segment is durable as a whole before the next one is made. What was written and not synced is
//! therefore at the end of the last segment, and a crash may leave any part of it: the system writes
//! pages in any order, so that a good record may even follow a bad one. A bad record is a write that
//! a crash has cut short, and goes away with all that follows, if
//!
//! * it is in the last segment, and
//! * no header after it says that the segment was durable beyond it when that was written.
//!
//! Everything else is damage: the store does not open. One case remains that no log can tell apart:
//! damage to the last records that were synced, with nothing after them, looks like a write cut
//! short (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, §3.3).

use super::disk::Disk;
use super::record::{self, Header, Kind, MAX_BODY, Place, Reader};
use super::{FileError, identity};
use crate::raft::codec::DecodeError;
use crate::raft::durable::{HardState, Write};
use crate::raft::entry::{Entries, Entry};
use crate::raft::position::Index;
use crate::raft::storage::{Identity, StorageError};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// How much is held back at most before it goes to the file.
const BUFFER: usize = 1 << 20;
const PREFIX: &str = "log-";
/// The last segment while it is replaced by a durable copy.
const REWRITTEN: &str = "log.new";

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

/// What the records say, one after the other.
#[derive(Debug)]
pub(super) struct Replay {
    identity: Identity,
    base: Index,
    /// That of the records; `None` before the first one.
    pub(super) hard_state: Option<HardState>,
    /// The entries after the base.
    pub(super) entries: Vec<Entry>,
    /// The highest index of the segment.
    highest: Index,
}

impl Replay {
    fn record(&mut self, kind: Kind, at_start: bool, body: &[u8]) -> Result<(), &'static str> {
        let undecodable = |_: DecodeError| "a record that says nothing";
        match kind {
            Kind::Start if at_start => {
                let (identity, hard_state) =
                    identity::decode(body).ok_or("a start that says nothing")?;
                let hard_state =
                    HardState::decode(Bytes::copy_from_slice(hard_state)).map_err(undecodable)?;
                if identity != self.identity {
                    return Err("a segment of another store");
                }
                if self
                    .hard_state
                    .replace(hard_state)
                    .is_some_and(|before| before != hard_state)
                {
                    return Err("a segment that does not follow the one before");
                }
            }
            _ if at_start => return Err("a segment without a start"),
            Kind::Start => return Err("a second start"),
            Kind::HardState => {
                self.hard_state =
                    Some(HardState::decode(Bytes::copy_from_slice(body)).map_err(undecodable)?);
            }
            Kind::Entries => {
                let entries = Entries::decode(Bytes::copy_from_slice(body)).map_err(undecodable)?;
                self.put(&entries)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, entries: &Entries) -> Result<(), &'static str> {
        let first = entries.first_index();
        let Ok(keep) = usize::try_from(first.previous() - self.base) else {
            return Err("an index beyond memory");
        };
        if first == Index::ZERO || keep > self.entries.len() {
            return Err("entries after a gap");
        }
        self.entries.truncate(keep);
        let after = entries.iter().filter(|&(index, _)| index > self.base);
        self.entries.extend(after.map(|(_, entry)| entry.clone()));
        self.highest = entries
            .last()
            .map_or(self.highest, |last| self.highest.max(last.index));
        Ok(())
    }
}

/// Opens the log of segment `from` and those after it, over a snapshot at `base`: cuts off what a
/// crash left incomplete, removes segments that the snapshot made needless, and makes durable what
/// it answers. O(log), and a copy of the last segment.
///
/// # Errors
///
/// [`FileError::Corrupt`], or a failing disk.
pub(super) fn open(
    disk: &mut impl Disk,
    identity: Identity,
    from: u64,
    base: Index,
    segment_bytes: u64,
) -> Result<(Log, Replay), FileError> {
    let mut replay = Replay {
        identity,
        base,
        hard_state: None,
        entries: Vec::new(),
        highest: Index::ZERO,
    };
    let numbers = segments(disk)?;
    let (old, numbers) = numbers.split_at(numbers.partition_point(|&number| number < from));
    let missing = (from..)
        .zip(numbers)
        .find(|&(expected, &number)| expected != number);
    if numbers.is_empty() || missing.is_some() {
        let name = segment_name(missing.map_or(from, |(expected, _)| expected));
        return Err(FileError::corrupt(&name, 0, "missing"));
    }
    for &number in old {
        remove(disk, number)?;
    }
    let (mut sealed, mut len) = (Vec::new(), 0);
    for (&number, left) in numbers.iter().zip((0..numbers.len()).rev()) {
        replay.highest = Index::ZERO;
        len = segment(disk, number, left == 0, &mut replay)?;
        sealed.push((number, replay.highest));
    }
    let Some((number, highest)) = sealed.pop() else {
        return Err(FileError::corrupt(&segment_name(from), 0, "missing"));
    };
    let hard_state = replay.hard_state.unwrap_or_default();
    let last = base + replay.entries.len() as u64;
    let mut log = Log {
        identity,
        segment_bytes,
        sealed,
        number,
        highest,
        len,
        durable: len,
        buffer: Vec::new(),
        hard_state,
        last,
    };
    if len == 0 {
        log.start(disk)?;
    } else {
        rewrite(disk, number, len)?;
    }
    Ok((log, replay))
}

/// Replays one segment and answers how long it is, without what a crash left incomplete.
fn segment(
    disk: &mut impl Disk,
    number: u64,
    is_last: bool,
    replay: &mut Replay,
) -> Result<u64, FileError> {
    let name = segment_name(number);
    let mut reader = Reader::new(disk, &name)?;
    let mut offset = 0;
    loop {
        let place = Place {
            segment: number,
            offset,
        };
        if offset == reader.len() && offset > 0 {
            return Ok(offset);
        }
        let Some(header) = Header::read(reader.bytes(offset, record::HEADER)?, place) else {
            break;
        };
        let body = reader.bytes(offset + record::HEADER as u64, header.len)?;
        if !header.is_header_of(body) {
            break;
        }
        let kind = header
            .kind()
            .ok_or_else(|| FileError::corrupt(&name, offset, "a record of an unknown kind"))?;
        replay
            .record(kind, offset == 0, body)
            .map_err(|what| FileError::corrupt(&name, offset, what))?;
        offset += (record::HEADER + header.len) as u64;
    }
    if let Some(version) =
        record::other_version(reader.bytes(offset, record::HEADER)?).filter(|_| offset == 0)
    {
        return Err(FileError::Version {
            file: name,
            version,
        });
    }
    if !is_last || was_durable(&mut reader, number, offset)? {
        return Err(FileError::corrupt(&name, offset, "a damaged record"));
    }
    Ok(offset)
}

/// Puts the last segment's first `len` bytes in place of it, durably.
///
/// What was read from it may be in the system's cache only: the process may have ended before it
/// synced, or the sync may have failed and the system forgotten that it has something to write
/// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Another sync
/// would not help. Nor may an incomplete record stay: others follow in its place.
fn rewrite(disk: &mut impl Disk, number: u64, len: u64) -> Result<(), FileError> {
    let name = segment_name(number);
    disk.create(REWRITTEN)
        .map_err(FileError::io("create", REWRITTEN))?;
    let mut piece = vec![0; BUFFER];
    let mut at = 0;
    while at < len {
        let size = usize::try_from(len - at).unwrap_or(usize::MAX).min(BUFFER);
        let read = disk
            .read(&name, at, &mut piece[..size])
            .map_err(FileError::io("read", &name))?;
        if read < size {
            return Err(FileError::corrupt(&name, at, "shorter than it was"));
        }
        disk.append(REWRITTEN, &piece[..size])
            .map_err(FileError::io("append to", REWRITTEN))?;
        at += size as u64;
    }
    disk.sync(REWRITTEN)
        .map_err(FileError::io("sync", REWRITTEN))?;
    disk.rename(REWRITTEN, &name)
        .map_err(FileError::io("rename", REWRITTEN))?;
    disk.sync_names()
        .map_err(FileError::io("sync the directory of", &name))
}

/// Whether a header after `offset` says that the segment was durable beyond it. O(bytes left).
fn was_durable<D: Disk>(
    reader: &mut Reader<'_, D>,
    number: u64,
    offset: u64,
) -> Result<bool, FileError> {
    for at in offset..reader.len() {
        let bytes = reader.bytes(at, record::HEADER)?;
        let header = Header::read(
            bytes,
            Place {
                segment: number,
                offset: at,
            },
        );
        if header.is_some_and(|header| header.durable > offset) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the first segment of a log, which no snapshot file goes with, holds anything.
pub(super) fn holds_records(disk: &mut impl Disk, number: u64) -> Result<bool, FileError> {
    let name = segment_name(number);
    let mut reader = Reader::new(disk, &name)?;
    let place = |offset| Place {
        segment: number,
        offset,
    };
    let Some(start) = Header::read(reader.bytes(0, record::HEADER)?, place(0)) else {
        return Ok(false);
    };
    let second = (record::HEADER + start.len) as u64;
    Ok(Header::read(reader.bytes(second, record::HEADER)?, place(second)).is_some())
}
