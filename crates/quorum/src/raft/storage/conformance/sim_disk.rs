//! A file system in memory that crashes and fails on request.

use super::{Crash, CrashableStorage};
use crate::raft::storage::{Disk, FileError, FileStorage, StorageError};
use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::random::{Random as _, RandomExt as _, SplitMix64};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a disk writes at once: within it a write is whole, or garbage.
const SECTOR: usize = 512;

/// A directory in memory with the faults of a real one. A clone is another handle of the same
/// directory.
///
/// A power failure takes away what was not synced, of each file apart: nothing; all; the last writes
/// and a part of the one before; or single sectors, which are then as before, zero, or garbage. Of
/// changes of names some may be lost, the last ones or any, independently of contents. A sync that fails drops
/// what it should have written, as Linux does: a second one succeeds and writes nothing.
///
/// ```
/// use purlin_quorum::raft::storage::conformance::{Crash, SimDisk};
/// use purlin_quorum::raft::storage::Disk;
///
/// let mut disk = SimDisk::new();
/// disk.create("a")?;
/// disk.append("a", b"some bytes")?;
/// disk.sync("a")?;
/// disk.sync_names()?;
/// disk.fail_after(1);
/// disk.append("a", b" and more")?;
/// assert!(disk.sync("a").is_err());
///
/// disk.crash(Crash::Power(7));
/// let mut bytes = [0; 10];
/// assert_eq!(disk.read("a", 0, &mut bytes)?, 10);
/// assert_eq!(&bytes, b"some bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Mutex<Directory>>);

#[derive(Debug, Default)]
struct Directory {
    /// The files by name, as they are and as they are durably; numbers point into `files`.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// The changes that lead from the durable names to the present ones.
    changes: Vec<Change>,
    files: Vec<FileState>,
    operations: u64,
    fails_from: Option<u64>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct FileState {
    contents: Vec<u8>,
    durable: Vec<u8>,
    /// What leads from the durable contents to the present ones.
    writes: Vec<Modification>,
}

#[derive(Clone, Debug)]
enum Modification {
    Append(Vec<u8>),
    Empty,
}

fn apply_change(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Link(name, file) => {
            names.insert(name.clone(), *file);
        }
        Change::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Change::Remove(name) => {
            names.remove(name);
        }
    }
}

fn apply_modification(contents: &mut Vec<u8>, modification: &Modification) {
    match modification {
        Modification::Append(bytes) => contents.extend_from_slice(bytes),
        Modification::Empty => contents.clear(),
    }
}

fn below(random: &mut SplitMix64, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap_or(0)
}

impl FileState {
    fn modify(&mut self, modification: Modification) {
        apply_modification(&mut self.contents, &modification);
        self.writes.push(modification);
    }

    /// What a power failure leaves.
    fn lose_power(&mut self, random: &mut SplitMix64) {
        let survivors = match random.below(4) {
            0 => 0,
            1 => self.writes.len(),
            _ => below(random, self.writes.len() + 1),
        };
        let mut left = self.durable.clone();
        for write in &self.writes[..survivors] {
            apply_modification(&mut left, write);
        }
        if let Some(Modification::Append(torn)) = self.writes.get(survivors) {
            left.extend_from_slice(&torn[..below(random, torn.len() + 1)]);
        }
        if random.below(2) == 0 {
            self.lose_sectors(&mut left, random);
        }
        self.contents.clone_from(&left);
        self.durable = left;
        self.writes.clear();
    }

    /// Sectors reach the disk in any order: one that was not synced may lack what is before others.
    fn lose_sectors(&self, left: &mut [u8], random: &mut SplitMix64) {
        let synced = left
            .iter()
            .zip(&self.durable)
            .take_while(|(left, durable)| left == durable);
        let mut start = synced.count();
        while start < left.len() {
            let end = left.len().min(start - start % SECTOR + SECTOR);
            match random.below(8) {
                0 => {
                    let before = self
                        .durable
                        .iter()
                        .skip(start)
                        .chain(core::iter::repeat(&0));
                    left[start..end]
                        .iter_mut()
                        .zip(before)
                        .for_each(|(left, &before)| *left = before);
                }
                1 => left[start..end].fill_with(|| random.next_u64().to_le_bytes()[0]),
                _ => {}
            }
            start = end;
        }
    }
}

impl SimDisk {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many operations that change something were begun so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.directory().operations
    }

    /// Every operation that changes something fails after so many more, until the next crash or
    /// [`heal`](Self::heal). The first one that fails may have been carried out in part.
    pub fn fail_after(&self, operations: u64) {
        let mut directory = self.directory();
        directory.fails_from = Some(directory.operations.saturating_add(operations));
    }

    /// Operations succeed again.
    pub fn heal(&self) {
        self.directory().fails_from = None;
    }

    /// Crashes. The disk works again afterwards.
    pub fn crash(&self, crash: Crash) {
        let mut directory = self.directory();
        directory.fails_from = None;
        let Crash::Power(seed) = crash else { return };
        let mut random = SplitMix64::new(seed);
        let mut changes = core::mem::take(&mut directory.changes);
        if random.below(2) == 0 {
            changes.truncate(below(&mut random, changes.len() + 1));
        } else {
            changes.retain(|_| random.below(2) == 0);
        }
        for change in &changes {
            apply_change(&mut directory.durable_names, change);
        }
        directory.names = directory.durable_names.clone();
        for file in &mut directory.files {
            file.lose_power(&mut random);
        }
    }

    /// The contents of a file.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let directory = self.directory();
        let file = *directory.names.get(name)?;
        Some(directory.files[file].contents.clone())
    }

    /// Makes a file, or puts other contents in place of its own, durably: damage, for example.
    pub fn put(&self, name: &str, contents: impl Into<Vec<u8>>) {
        let mut directory = self.directory();
        let contents = contents.into();
        let file = directory.files.len();
        let durable = contents.clone();
        directory.files.push(FileState {
            contents,
            durable,
            writes: Vec::new(),
        });
        directory.names.insert(name.to_owned(), file);
        directory.durable_names.insert(name.to_owned(), file);
    }
}

impl Directory {
    fn file(&mut self, name: &str) -> io::Result<&mut FileState> {
        let file = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.files
            .get_mut(*file)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Counts an operation; whether it is to succeed.
    fn begin(&mut self) -> bool {
        self.operations += 1;
        self.fails_from.is_none_or(|from| self.operations <= from)
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        // When it fails, it has not happened.
        if !self.begin() {
            return Err(broken());
        }
        apply_change(&mut self.names, &change);
        self.changes.push(change);
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk was told to fail")
}

impl Disk for SimDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.directory().names.keys().cloned().collect())
    }

    fn len(&mut self, name: &str) -> io::Result<u64> {
        Ok(self.directory().file(name)?.contents.len() as u64)
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut directory = self.directory();
        let contents = &directory.file(name)?.contents;
        let offset = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(contents.len());
        let len = into.len().min(contents.len() - offset);
        into[..len].copy_from_slice(&contents[offset..offset + len]);
        Ok(len)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let mut directory = self.directory();
        if directory.names.contains_key(name) {
            return if directory.begin() {
                directory.file(name)?.modify(Modification::Empty);
                Ok(())
            } else {
                Err(broken())
            };
        }
        let file = directory.files.len();
        directory.files.push(FileState::default());
        directory.change(Change::Link(name.to_owned(), file))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut directory = self.directory();
        let succeeds = directory.begin();
        let len = if succeeds {
            bytes.len()
        } else {
            bytes.len() / 2
        };
        directory
            .file(name)?
            .modify(Modification::Append(bytes[..len].to_vec()));
        if succeeds { Ok(()) } else { Err(broken()) }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut directory = self.directory();
        let succeeds = directory.begin();
        let file = directory.file(name)?;
        let writes = core::mem::take(&mut file.writes);
        if succeeds {
            writes
                .iter()
                .for_each(|write| apply_modification(&mut file.durable, write));
            return Ok(());
        }
        // The pages count as clean from now on; only the space for them is there.
        file.durable.resize(file.contents.len(), 0);
        Err(broken())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut directory = self.directory();
        directory.file(from)?;
        directory.change(Change::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut directory = self.directory();
        directory.file(name)?;
        directory.change(Change::Remove(name.to_owned()))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut directory = self.directory();
        if !directory.begin() {
            return Err(broken());
        }
        directory.durable_names = directory.names.clone();
        directory.changes.clear();
        Ok(())
    }
}

impl CrashableStorage for FileStorage<SimDisk> {
    /// Power often fails again while the store opens.
    fn reopen(self, crash: Crash) -> Result<Self, StorageError<FileError>> {
        let (disk, options) = (self.disk().clone(), self.options());
        drop(self);
        let Crash::Power(seed) = crash else {
            disk.crash(crash);
            return Ok(Self::open_on(disk, options)?);
        };
        let mut random = SplitMix64::new(seed.rotate_left(1));
        // The process may have ended before the power did.
        disk.crash(if random.below(2) == 0 {
            Crash::Process
        } else {
            crash
        });
        for _ in 0..random.below(3) {
            disk.fail_after(random.below(8));
            drop(Self::open_on(disk.clone(), options));
            disk.crash(Crash::Power(random.next_u64()));
        }
        disk.crash(crash);
        Ok(Self::open_on(disk, options)?)
    }

    fn fail_after(&mut self, operations: u64) -> bool {
        self.disk().fail_after(operations);
        true
    }
}
