//! The records that the log's segments are made of.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PQR` and the version of the format |
//! | 1 | kind |
//! | 4 | length of the body |
//! | 8 | how long the durable part of the segment was when the record was made |
//! | 4 | CRC-32 of the body |
//! | 4 | CRC-32 of the segment's number, the record's offset in it, and the header so far |
//! | | body: an [encoding](crate::raft::codec) of what the kind says |
//!
//! Numbers are little-endian. That the checksum covers the place means that a record counts nowhere
//! else: neither bytes that a command happens to contain nor an old block that comes back to light
//! are taken for a record.

use super::FileError;
use super::disk::Disk;
use alloc::vec::Vec;
use std::io;

/// Length of a record's header.
pub(super) const HEADER: usize = 25;
/// The longest body: what a reader allocates at most on the word of a header.
pub(super) const MAX_BODY: usize = 64 << 20;
const MAGIC: [u8; 4] = *b"PQR\x01";
/// How many bytes are read from a file at once.
const READ_AHEAD: usize = 256 << 10;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first of every segment: whose it is, and the hard state.
    Start = 1,
    /// A new vote or term.
    HardState = 2,
    /// Entries, in place of everything from the first one on.
    Entries = 3,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of the segment.
    pub(super) segment: u64,
    /// The offset in it.
    pub(super) offset: u64,
}

/// The header of a record that is in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    kind: u8,
    /// The body's length.
    pub(super) len: usize,
    /// The segment up to here was durable before the record was made.
    pub(super) durable: u64,
    crc: u32,
}

impl Header {
    /// The header in `bytes`, if they are one at that place.
    pub(super) fn read(bytes: &[u8], place: Place) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        let (rest, crc) = bytes.split_last_chunk::<4>()?;
        if rest[..4] != MAGIC || header_crc(rest, place) != u32::from_le_bytes(*crc) {
            return None;
        }
        let len = usize::try_from(u32::from_le_bytes(*rest[5..].first_chunk()?)).ok()?;
        (len <= MAX_BODY).then_some(Self {
            kind: rest[4],
            len,
            durable: u64::from_le_bytes(*rest[9..].first_chunk()?),
            crc: u32::from_le_bytes(*rest[17..].first_chunk()?),
        })
    }

    pub(super) fn is_header_of(&self, body: &[u8]) -> bool {
        body.len() == self.len && crc32fast::hash(body) == self.crc
    }

    /// `None` if a newer release made it.
    pub(super) fn kind(&self) -> Option<Kind> {
        [Kind::Start, Kind::HardState, Kind::Entries]
            .into_iter()
            .find(|kind| *kind as u8 == self.kind)
    }
}

/// The version of the format that `header` speaks, if it is another one.
pub(super) fn other_version(header: &[u8]) -> Option<u8> {
    let (magic, version) = header.first_chunk::<4>()?.split_at(3);
    (magic == &MAGIC[..3] && version != &MAGIC[3..]).then(|| version[0])
}

fn header_crc(header: &[u8], place: Place) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&place.segment.to_le_bytes());
    hasher.update(&place.offset.to_le_bytes());
    hasher.update(header);
    hasher.finalize()
}

/// Appends a record to `out`, which will stand at `place`. The body is what `encode` appends.
pub(super) fn append(
    out: &mut Vec<u8>,
    kind: Kind,
    place: Place,
    durable: u64,
    encode: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.resize(start + HEADER, 0);
    encode(out);
    let (header, body) = out[start..].split_at_mut(HEADER);
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    debug_assert!(
        body.len() <= MAX_BODY,
        "whoever makes records keeps the bound"
    );
    header[..4].copy_from_slice(&MAGIC);
    header[4] = kind as u8;
    header[5..9].copy_from_slice(&len.to_le_bytes());
    header[9..17].copy_from_slice(&durable.to_le_bytes());
    header[17..21].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    let crc = header_crc(&header[..21], place);
    header[21..].copy_from_slice(&crc.to_le_bytes());
}

/// Reads one file from its beginning to its end, in large pieces.
pub(super) struct Reader<'a, D> {
    disk: &'a mut D,
    name: &'a str,
    len: u64,
    /// What has been read ahead, and where it begins.
    ahead: Vec<u8>,
    at: u64,
}

impl<'a, D: Disk> Reader<'a, D> {
    pub(super) fn new(disk: &'a mut D, name: &'a str) -> Result<Self, FileError> {
        let len = disk
            .len(name)
            .map_err(FileError::io("read the length of", name))?;
        Ok(Self {
            disk,
            name,
            len,
            ahead: Vec::new(),
            at: 0,
        })
    }

    /// How long the file is.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes at `offset`, or as many as there are.
    pub(super) fn bytes(&mut self, offset: u64, len: usize) -> Result<&[u8], FileError> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = len.min(left);
        let known = offset
            .checked_sub(self.at)
            .and_then(|skip| usize::try_from(skip).ok());
        let skip = match known {
            Some(skip) if skip.saturating_add(len) <= self.ahead.len() => skip,
            _ => {
                self.ahead.resize(len.max(READ_AHEAD.min(left)), 0);
                self.at = offset;
                let read = self.disk.read(self.name, offset, &mut self.ahead);
                match read.map_err(FileError::io("read", self.name))? {
                    bytes if bytes == self.ahead.len() => 0,
                    _ => {
                        let error = io::ErrorKind::UnexpectedEof.into();
                        return Err(FileError::io("read", self.name)(error));
                    }
                }
            }
        };
        Ok(&self.ahead[skip..skip + len])
    }
}
