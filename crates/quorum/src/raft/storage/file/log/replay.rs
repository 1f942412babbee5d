//! Opening a log.
//!
//! # What a crash leaves, and what damage is
//!
//! A segment is durable as a whole before the next one is made. What was written and not synced is
//! therefore at the end of the last segment, and a crash may leave any part of it: the system writes
//! pages in any order, so that a good record may even follow a bad one. A bad record is a write that
//! a crash has cut short, and goes away with all that follows, if
//!
//! * it is in the last segment,
//! * it is not the start of the segment that the snapshot names, which was durable before it, and
//! * no header after it says that the segment was durable beyond it when that was written.
//!
//! Everything else is damage: the store does not open. One case remains that no log can tell apart:
//! damage to the last records that were synced, with nothing after them, looks like a write cut
//! short (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, §3.3).

use super::{BUFFER, Log, remove, segment_name, segments};
use crate::raft::codec::DecodeError;
use crate::raft::durable::HardState;
use crate::raft::entry::{Entries, Entry};
use crate::raft::position::Index;
use crate::raft::storage::Identity;
use crate::raft::storage::file::disk::Disk;
use crate::raft::storage::file::record::{self, Header, Kind, Place, Reader};
use crate::raft::storage::file::{FileError, identity};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The last segment while it is replaced by a durable copy.
const REWRITTEN: &str = "log.new";

/// What the records say, one after the other.
#[derive(Debug)]
pub(in crate::raft::storage::file) struct Replay {
    identity: Identity,
    base: Index,
    /// That of the records; `None` before the first one.
    pub(in crate::raft::storage::file) hard_state: Option<HardState>,
    /// The entries after the base.
    pub(in crate::raft::storage::file) entries: Vec<Entry>,
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
pub(in crate::raft::storage::file) fn open(
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
        if len == 0 && number == from {
            return Err(FileError::corrupt(
                &segment_name(from),
                0,
                "a damaged start",
            ));
        }
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
pub(in crate::raft::storage::file) fn holds_records(
    disk: &mut impl Disk,
    number: u64,
) -> Result<bool, FileError> {
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
