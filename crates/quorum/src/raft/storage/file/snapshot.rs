//! The snapshot file: the state machine's data, and which part of the log comes after it.
//!
//! It is written under another name, made durable, and renamed: whether a snapshot holds or its
//! predecessor, and with it where the log begins, changes in that one step. An empty store is one
//! without this file.
//!
//! | bytes | what |
//! |---|---|
//! | | the data in blocks of 64 KiB (the last one is shorter), each with the CRC-32 of its number and content after it |
//! | | the manifest: identity, first segment of the log, length of the data (8 bytes each number), then the [encoding](crate::raft::codec) of the meta |
//! | 4 | CRC-32 of the manifest |
//! | 4 | length of the manifest |
//! | 4 | `PQS` and the version of the format |

use super::disk::Disk;
use super::{FileError, identity};
use crate::raft::snapshot::SnapshotMeta;
use crate::raft::storage::Identity;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};

/// The snapshot file.
pub(super) const SNAPSHOT: &str = "snapshot";
/// The one that the state machine is about to give.
pub(super) const COMPACTING: &str = "snapshot.new";
/// The one that a leader is about to send.
pub(super) const INCOMING: &str = "snapshot.incoming";

const MAGIC: [u8; 4] = *b"PQS\x01";
const BLOCK: usize = 64 << 10;
const CRC: usize = 4;
const TRAILER: u64 = 12;
/// The longest manifest: what a reader allocates at most on the word of a trailer.
const MAX_MANIFEST: u32 = 16 << 20;

/// What the store is, apart from the log.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) identity: Identity,
    /// The first segment that counts.
    pub(super) log_from: u64,
    /// Length of the data.
    pub(super) len: u64,
    pub(super) meta: SnapshotMeta,
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        identity::encode(&self.identity, &mut out);
        out.extend_from_slice(&self.log_from.to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
        self.meta.encode(&mut out);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (identity, rest) = identity::decode(bytes)?;
        let (log_from, rest) = identity::number(rest)?;
        let (len, rest) = identity::number(rest)?;
        let meta = SnapshotMeta::decode(Bytes::copy_from_slice(rest)).ok()?;
        Some(Self {
            identity,
            log_from,
            len,
            meta,
        })
    }
}

/// How long the file is up to the manifest, with `len` bytes of data.
fn length_of_blocks(len: u64) -> Option<u64> {
    let blocks = len.div_ceil(BLOCK as u64);
    blocks.checked_mul(CRC as u64)?.checked_add(len)
}

fn block_crc(number: u64, block: &[u8]) -> [u8; CRC] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(block);
    hasher.finalize().to_le_bytes()
}

/// Reads the manifest; `None` if there is no snapshot file.
pub(super) fn open(disk: &mut impl Disk) -> Result<Option<Manifest>, FileError> {
    let names = disk
        .list()
        .map_err(FileError::io("list the directory of", SNAPSHOT))?;
    if !names.iter().any(|name| name == SNAPSHOT) {
        return Ok(None);
    }
    let len = disk
        .len(SNAPSHOT)
        .map_err(FileError::io("read the length of", SNAPSHOT))?;
    let corrupt = |offset| FileError::corrupt(SNAPSHOT, offset, "a damaged manifest");
    let trailer_at = len.checked_sub(TRAILER).ok_or_else(|| corrupt(0))?;
    let mut trailer = [0; 12];
    read(disk, trailer_at, &mut trailer)?;
    let [crc, manifest_len, magic] =
        [0, 4, 8].map(|at| [0, 1, 2, 3].map(|byte| trailer[at + byte]));
    if magic[..3] == MAGIC[..3] && magic[3] != MAGIC[3] {
        return Err(FileError::Version {
            file: SNAPSHOT.into(),
            version: magic[3],
        });
    }
    let manifest_len = u32::from_le_bytes(manifest_len);
    let manifest_at = trailer_at.checked_sub(u64::from(manifest_len));
    let (Some(at), true) = (manifest_at, magic == MAGIC && manifest_len <= MAX_MANIFEST) else {
        return Err(corrupt(trailer_at));
    };
    let mut manifest = vec![0; usize::try_from(manifest_len).unwrap_or(usize::MAX)];
    read(disk, at, &mut manifest)?;
    if crc32fast::hash(&manifest) != u32::from_le_bytes(crc) {
        return Err(corrupt(at));
    }
    let manifest = Manifest::decode(&manifest).ok_or_else(|| corrupt(at))?;
    if length_of_blocks(manifest.len) != Some(at) {
        return Err(corrupt(at));
    }
    Ok(Some(manifest))
}

/// The data from `offset` to `end`, checked.
pub(super) fn data(
    disk: &mut impl Disk,
    len: u64,
    offset: u64,
    end: u64,
) -> Result<Bytes, FileError> {
    let mut out = BytesMut::new();
    let mut at = offset;
    while at < end {
        let number = at / BLOCK as u64;
        let start = number * BLOCK as u64;
        let size = usize::try_from(len - start)
            .unwrap_or(usize::MAX)
            .min(BLOCK);
        let mut block = vec![0; size + CRC];
        let file_offset = number * (BLOCK + CRC) as u64;
        read(disk, file_offset, &mut block)?;
        let (block, crc) = block.split_at(size);
        if block_crc(number, block) != *crc {
            return Err(FileError::corrupt(SNAPSHOT, file_offset, "a damaged block"));
        }
        let place = |offset: u64| {
            usize::try_from(offset - start)
                .unwrap_or(usize::MAX)
                .min(size)
        };
        out.extend_from_slice(&block[place(at)..place(end)]);
        at = start + size as u64;
    }
    Ok(out.freeze())
}

fn read(disk: &mut impl Disk, offset: u64, into: &mut [u8]) -> Result<(), FileError> {
    match disk
        .read(SNAPSHOT, offset, into)
        .map_err(FileError::io("read", SNAPSHOT))?
    {
        bytes if bytes == into.len() => Ok(()),
        _ => Err(FileError::corrupt(SNAPSHOT, offset, "shorter than it was")),
    }
}

/// A snapshot file in the making.
#[derive(Debug)]
pub(super) struct Writer {
    name: &'static str,
    /// The block that is not full yet.
    block: Vec<u8>,
    len: u64,
}

impl Writer {
    pub(super) fn create(disk: &mut impl Disk, name: &'static str) -> Result<Self, FileError> {
        disk.create(name).map_err(FileError::io("create", name))?;
        Ok(Self {
            name,
            block: Vec::new(),
            len: 0,
        })
    }

    /// How many bytes of data there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn push(&mut self, disk: &mut impl Disk, mut data: &[u8]) -> Result<(), FileError> {
        while !data.is_empty() {
            let (now, later) = data.split_at(data.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            self.len += now.len() as u64;
            if self.block.len() == BLOCK {
                self.end_block(disk)?;
            }
            data = later;
        }
        Ok(())
    }

    fn end_block(&mut self, disk: &mut impl Disk) -> Result<(), FileError> {
        let number = (self.len - 1) / BLOCK as u64;
        let crc = block_crc(number, &self.block);
        self.block.extend_from_slice(&crc);
        disk.append(self.name, &self.block)
            .map_err(FileError::io("append to", self.name))?;
        self.block.clear();
        Ok(())
    }

    /// Makes it the snapshot: durable when it returns.
    pub(super) fn finish(
        mut self,
        disk: &mut impl Disk,
        identity: Identity,
        meta: &SnapshotMeta,
        log_from: u64,
    ) -> Result<Manifest, FileError> {
        if !self.block.is_empty() {
            self.end_block(disk)?;
        }
        let manifest = Manifest {
            identity,
            log_from,
            len: self.len,
            meta: meta.clone(),
        };
        let mut end = manifest.encode();
        let len = u32::try_from(end.len()).unwrap_or(u32::MAX);
        let crc = crc32fast::hash(&end);
        for part in [crc.to_le_bytes(), len.to_le_bytes(), MAGIC] {
            end.extend_from_slice(&part);
        }
        disk.append(self.name, &end)
            .map_err(FileError::io("append to", self.name))?;
        disk.sync(self.name)
            .map_err(FileError::io("sync", self.name))?;
        disk.rename(self.name, SNAPSHOT)
            .map_err(FileError::io("rename", self.name))?;
        disk.sync_names()
            .map_err(FileError::io("sync the directory of", SNAPSHOT))?;
        Ok(manifest)
    }
}
