//! A store in the files of one directory.

mod disk;
mod error;
mod identity;
mod log;
mod record;
mod snapshot;

pub use disk::{Disk, OsDisk};
pub use error::FileError;

use super::{Identity, Storage, StorageError};
use crate::raft::durable::{HardState, Recovered, Write};
use crate::raft::entry::Entry;
use crate::raft::membership::Configuration;
use crate::raft::position::Position;
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use alloc::borrow::ToOwned as _;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use log::Log;
use snapshot::{COMPACTING, INCOMING, Manifest, SNAPSHOT, Writer};
use std::io;
use std::path::{Path, PathBuf};

/// A durable store: a segmented, checksummed, append-only log and a snapshot, in one directory.
///
/// | file | what |
/// |---|---|
/// | `log-` and a number | a segment of the log: votes, terms, entries |
/// | `snapshot` | the latest snapshot, whose store it is, and which segment comes after it |
/// | `snapshot.new`, `snapshot.incoming`, `log.new` | one in the making; means nothing after a crash |
/// | `lock` | locked while a process has the store open |
///
/// * A [`sync`](Storage::sync) costs one `fdatasync`, however many writes it covers, and nothing if
///   there were none.
/// * A write that a crash has cut short is cut off when the store is opened. Damage to anything
///   that was durable is found by its checksum, and the store does not open
///   ([`FileError::Corrupt`]) nor hand out damaged data: it never passes over a bad record. The one
///   exception that no log can help: damage to the very last records that were synced looks like a
///   write cut short.
/// * The log's last segment is copied at start, before anybody hears of what is in it: that may have
///   been in the system's cache only, where even another sync would leave it if one had failed.
/// * After any error of the disk the store refuses everything: open it anew. A failed sync is never
///   tried again.
/// * Memory: a buffer of about 1 MiB; one record (at most 64 MiB, as large as the entries of one
///   write) while writing or opening, besides the log itself, which [`recover`](Storage::recover)
///   hands over.
/// * An entry has at most 32 MiB, less 64 bytes: see [`max_entry_bytes`](Storage::max_entry_bytes).
/// * Disk: the snapshot (twice while it is replaced), the log after it, and up to one segment more.
///
/// Every method blocks. One thread at a time.
///
/// The format is version 1; how it grows is that of the [codec](crate::raft::codec): the files of a
/// newer version are refused ([`FileError::Version`]).
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::storage::{FileOptions, FileStorage, Identity, Storage};
/// use purlin_quorum::raft::{
///     ClusterId, Configuration, Entries, HardState, Term, Ticket, Write,
/// };
///
/// # let directory = std::env::temp_dir().join(std::format!("purlin-doc-{}", std::process::id()));
/// let mut store = FileStorage::open(&directory, FileOptions::default())?;
/// let drawn_at_random = 0x5eed;
/// let identity = Identity::new(ClusterId(7), NodeId(1), drawn_at_random);
/// store.bootstrap_if_empty(identity, Configuration::new([NodeId(1)]))?;
/// let hard_state = HardState { term: Term(3), vote: Some(NodeId(1)) };
/// store.write(&Write {
///     ticket: Ticket(1),
///     hard_state: Some(hard_state),
///     entries: Entries::default(),
/// })?;
/// store.sync()?;
///
/// assert!(FileStorage::open(&directory, FileOptions::default()).is_err()); // it is open already
/// drop(store);
/// let mut store = FileStorage::open(&directory, FileOptions::default())?;
/// assert_eq!(store.recover()?.hard_state, hard_state);
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileStorage<D = OsDisk> {
    disk: D,
    /// For errors to name.
    directory: Option<PathBuf>,
    options: FileOptions,
    opened: Option<Opened>,
    failed: bool,
}

/// What a store that is not empty has.
#[derive(Debug)]
struct Opened {
    manifest: Manifest,
    log: Log,
    /// What opening the log has found, for [`Storage::recover`]: kept until something changes.
    found: Option<(HardState, Vec<Entry>)>,
    incoming: Option<(SnapshotMeta, Writer)>,
}

/// How a [`FileStorage`] behaves. May differ from one start to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileOptions {
    /// A segment of the log ends when it has this many bytes; a snapshot frees whole segments, and
    /// the last one is copied at start. Default 16 MiB.
    pub segment_bytes: u64,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
        }
    }
}

impl FileStorage {
    /// Opens the store in `directory`, which is made if need be. O(log).
    ///
    /// # Errors
    ///
    /// [`FileError::Locked`] if it is open already; [`FileError::Corrupt`]; [`FileError::Version`]; or
    /// the file system fails.
    pub fn open(directory: impl AsRef<Path>, options: FileOptions) -> Result<Self, FileError> {
        let directory = directory.as_ref();
        let name = directory.to_string_lossy();
        let disk = OsDisk::open(directory).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => FileError::Locked {
                directory: name.into_owned(),
            },
            _ => FileError::io("open", &name)(error),
        })?;
        let mut store =
            Self::open_on(disk, options).map_err(|error| error.within(Some(directory)))?;
        store.directory = Some(directory.to_owned());
        Ok(store)
    }
}

impl<D: Disk> FileStorage<D> {
    /// Opens the store on `disk`, which nobody else uses. O(log).
    ///
    /// # Errors
    ///
    /// [`FileError::Corrupt`]; [`FileError::Version`]; or the disk fails.
    pub fn open_on(mut disk: D, options: FileOptions) -> Result<Self, FileError> {
        // A snapshot that is there may still have been about to be renamed durably, and the segments
        // before it must not go before that.
        disk.sync_names()
            .map_err(FileError::io("sync the directory of", SNAPSHOT))?;
        let opened = match snapshot::open(&mut disk)? {
            Some(manifest) => {
                remove_unfinished(&mut disk)?;
                Some(Opened::new(&mut disk, manifest, options)?)
            }
            None => {
                check_empty(&mut disk)?;
                None
            }
        };
        Ok(Self {
            disk,
            directory: None,
            options,
            opened,
            failed: false,
        })
    }

    /// The disk.
    #[must_use]
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// As given when it was opened.
    #[must_use]
    pub fn options(&self) -> FileOptions {
        self.options
    }

    /// Runs one operation on a store that has not failed and is not empty.
    fn operate<T>(
        &mut self,
        operation: impl FnOnce(&mut Opened, &mut D, FileOptions) -> Result<T, StorageError<FileError>>,
    ) -> Result<T, StorageError<FileError>> {
        if self.failed {
            return Err(StorageError::Failed);
        }
        let opened = self.opened.as_mut().ok_or(StorageError::Empty)?;
        let result = operation(opened, &mut self.disk, self.options);
        self.failed = matches!(result, Err(StorageError::Medium(_)));
        result.map_err(|error| match error {
            StorageError::Medium(error) => error.within(self.directory.as_deref()).into(),
            error => error,
        })
    }

    /// The files of a store that holds nothing but this.
    fn found(&mut self, identity: Identity, meta: &SnapshotMeta) -> Result<Opened, FileError> {
        let segment_bytes = self.options.segment_bytes;
        let log = Log::create(&mut self.disk, identity, FIRST_SEGMENT, segment_bytes)?;
        let snapshot = Writer::create(&mut self.disk, COMPACTING)?;
        let manifest = snapshot.finish(&mut self.disk, identity, meta, FIRST_SEGMENT)?;
        Ok(Opened {
            manifest,
            log,
            found: None,
            incoming: None,
        })
    }
}

/// Removes what a crash has left of snapshots in the making.
fn remove_unfinished(disk: &mut impl Disk) -> Result<(), FileError> {
    let names = disk
        .list()
        .map_err(FileError::io("list the directory of", SNAPSHOT))?;
    for name in names
        .iter()
        .filter(|name| [COMPACTING, INCOMING].contains(&name.as_str()))
    {
        disk.remove(name).map_err(FileError::io("remove", name))?;
    }
    Ok(())
}

/// Without a snapshot file there may be what an unfinished bootstrap leaves, and no more.
fn check_empty(disk: &mut impl Disk) -> Result<(), FileError> {
    for number in log::segments(disk)? {
        if number != FIRST_SEGMENT || log::holds_records(disk, number)? {
            return Err(FileError::corrupt(
                SNAPSHOT,
                0,
                "missing, though there is a log",
            ));
        }
    }
    Ok(())
}

const FIRST_SEGMENT: u64 = 1;

impl Opened {
    fn new(
        disk: &mut impl Disk,
        manifest: Manifest,
        options: FileOptions,
    ) -> Result<Self, FileError> {
        let base = manifest.meta.position.index;
        let (log, replay) = log::open(
            disk,
            manifest.identity,
            manifest.log_from,
            base,
            options.segment_bytes,
        )?;
        let found = Some((replay.hard_state.unwrap_or_default(), replay.entries));
        Ok(Self {
            manifest,
            log,
            found,
            incoming: None,
        })
    }

    fn position(&self) -> Position {
        self.manifest.meta.position
    }
}

impl<D: Disk> Storage for FileStorage<D> {
    type Error = FileError;

    fn identity(&self) -> Option<Identity> {
        self.opened.as_ref().map(|opened| opened.manifest.identity)
    }

    fn create(
        &mut self,
        identity: Identity,
        configuration: Configuration,
    ) -> Result<(), StorageError<FileError>> {
        if self.failed {
            return Err(StorageError::Failed);
        }
        if let Some(identity) = self.identity() {
            return Err(StorageError::NotEmpty(identity));
        }
        let meta = SnapshotMeta {
            configuration: Arc::new(configuration),
            ..SnapshotMeta::default()
        };
        let opened = self.found(identity, &meta);
        self.failed = opened.is_err();
        self.opened = Some(opened.map_err(|error| error.within(self.directory.as_deref()))?);
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError<FileError>> {
        self.operate(|opened, disk, options| {
            if opened.found.is_none() {
                opened.log.sync(disk)?;
                let incoming = opened.incoming.take();
                *opened = Opened {
                    incoming,
                    ..Opened::new(disk, opened.manifest.clone(), options)?
                };
            }
            let (hard_state, entries) = opened.found.take().unwrap_or_default();
            let snapshot = opened.manifest.meta.clone();
            Ok(Recovered {
                hard_state,
                applied: snapshot.position.index,
                snapshot,
                entries,
            })
        })
    }

    fn max_entry_bytes(&self) -> u64 {
        log::MAX_PAYLOAD
    }

    fn write(&mut self, write: &Write) -> Result<(), StorageError<FileError>> {
        self.operate(|opened, disk, _| {
            super::check_write(write, opened.position().index, opened.log.last())?;
            Log::check(write)?;
            opened.found = None;
            Ok(opened.log.append(disk, write)?)
        })
    }

    fn sync(&mut self) -> Result<(), StorageError<FileError>> {
        self.operate(|opened, disk, _| Ok(opened.log.sync(disk)?))
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<(), StorageError<FileError>> {
        self.operate(|opened, disk, _| {
            super::check_compact(meta, opened.position(), opened.log.last())?;
            opened.found = None;
            opened.log.sync(disk)?;
            let mut snapshot = Writer::create(disk, COMPACTING)?;
            for part in data {
                snapshot.push(disk, &part)?;
            }
            let log_from = opened.log.needed_after(meta.position.index);
            opened.manifest = snapshot.finish(disk, opened.manifest.identity, meta, log_from)?;
            Ok(opened.log.remove_before(disk, log_from)?)
        })
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64, StorageError<FileError>> {
        self.operate(|opened, disk, _| {
            let incoming = opened
                .incoming
                .as_ref()
                .map(|(meta, file)| (meta, file.len()));
            super::check_chunk(chunk, opened.position(), incoming)?;
            let mut snapshot = match opened.incoming.take() {
                Some((_, snapshot)) if chunk.offset > 0 => snapshot,
                _ => Writer::create(disk, INCOMING)?,
            };
            snapshot.push(disk, &chunk.data)?;
            let stored = snapshot.len();
            if !chunk.done {
                opened.incoming = Some((chunk.meta.clone(), snapshot));
                return Ok(stored);
            }
            // The log goes on in a segment of its own, and the snapshot's manifest says so: that it
            // takes the place of the former one is what makes the whole log before it void.
            opened.found = None;
            opened.log.rotate(disk)?;
            let log_from = opened.log.number();
            opened.manifest =
                snapshot.finish(disk, opened.manifest.identity, &chunk.meta, log_from)?;
            opened.log.reset(chunk.meta.position.index);
            opened.log.remove_before(disk, log_from)?;
            Ok(stored)
        })
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>, StorageError<FileError>> {
        self.operate(|opened, disk, _| {
            let whole = opened.manifest.len;
            if opened.manifest.meta != *meta || !super::is_readable(offset, max_bytes, whole) {
                return Ok(None);
            }
            let end = whole.min(offset.saturating_add(u64::from(max_bytes)));
            let data = snapshot::data(disk, whole, offset, end)?;
            Ok(Some(SnapshotChunk {
                meta: meta.clone(),
                offset,
                data,
                done: end == whole,
            }))
        })
    }
}
