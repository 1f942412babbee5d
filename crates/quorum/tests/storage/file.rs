//! What the file store does with damaged, missing, foreign and newer files, and with real ones.

use alloc::sync::Arc;
use bytes::Bytes;
use core::sync::atomic::{AtomicU64, Ordering};
use purlin_core::node::NodeId;
use purlin_quorum::raft::storage::conformance::{self, Crash, CrashableStorage, SimDisk};
use purlin_quorum::raft::storage::{
    Disk, FileError, FileOptions, FileStorage, Identity, Storage, StorageError,
};
use purlin_quorum::raft::{
    ClusterId, Configuration, Entries, Entry, HardState, Index, Position, Recovered, SnapshotChunk,
    SnapshotMeta, Term, Ticket, Write,
};
use std::path::PathBuf;

type File<D = SimDisk> = FileStorage<D>;

fn options(segment_bytes: u64) -> FileOptions {
    let mut options = FileOptions::default();
    options.segment_bytes = segment_bytes;
    options
}

fn open(disk: &SimDisk) -> Result<File, FileError> {
    FileStorage::open_on(disk.clone(), options(300))
}

fn identity(node: u64) -> Identity {
    Identity::new(ClusterId(7), NodeId(node), 0x1234_5678_9abc_def0)
}

fn founded(node: u64) -> (SimDisk, File) {
    let disk = SimDisk::new();
    let mut store = open(&disk).expect("an empty disk opens");
    store
        .bootstrap(identity(node), Configuration::new([1, 2, 3].map(NodeId)))
        .expect("a good disk");
    (disk, store)
}

fn command(term: u64, byte: u8, len: usize) -> Entry {
    Entry::command(Term(term), Bytes::from(vec![byte; len]))
}

fn write(term: u64, first: u64, entries: Vec<Entry>) -> Write {
    let hard_state = Some(HardState {
        term: Term(term),
        vote: Some(NodeId(2)),
    });
    Write {
        ticket: Ticket(0),
        hard_state,
        entries: Entries::new(Index(first), entries),
    }
}

fn meta(term: u64, index: u64) -> SnapshotMeta {
    let configuration = Arc::new(Configuration::new([1, 2, 3, 4].map(NodeId)));
    SnapshotMeta {
        position: Position::new(Term(term), Index(index)),
        configuration,
        id: 99,
    }
}

/// Names and lengths of the files.
fn files(disk: &SimDisk) -> Vec<(String, usize)> {
    let names = disk.clone().list().expect("a good disk");
    names
        .into_iter()
        .map(|name| (name.clone(), disk.contents(&name).expect("a file").len()))
        .collect()
}

/// Another disk with the same files but for one.
fn with(disk: &SimDisk, changed: &str, contents: Option<Vec<u8>>) -> SimDisk {
    let other = SimDisk::new();
    for (name, _) in files(disk).iter().filter(|(name, _)| name != changed) {
        other.put(name, disk.contents(name).expect("a file"));
    }
    if let Some(contents) = contents {
        other.put(changed, contents);
    }
    other
}

/// Everything that a store holds.
type Everything = (Recovered, Option<Bytes>);

fn everything(disk: &SimDisk) -> Result<Everything, StorageError<FileError>> {
    let mut store = open(disk)?;
    let recovered = store.recover()?;
    let data = store.snapshot(&recovered.snapshot)?;
    Ok((recovered, data))
}

/// A store with a snapshot of two blocks and several segments, all of it synced; what it held before
/// the last write; and the last segment with its length then.
fn lived() -> (SimDisk, Everything, (String, usize)) {
    let (disk, mut store) = founded(1);
    for index in 1..30 {
        let term = 1 + index / 10;
        store
            .write(&write(term, index, vec![command(term, b'a', 20)]))
            .expect("a good disk");
        store.sync().expect("a good disk");
        if index == 12 {
            let parts = [vec![1; 50_000], vec![2; 50_000]].map(Bytes::from);
            store
                .compact(&meta(2, 10), &mut parts.into_iter())
                .expect("a good disk");
        }
    }
    let before = everything(&disk).expect("a good disk");
    let last_segment = files(&disk)
        .into_iter()
        .rfind(|(name, _)| name.starts_with("log-"))
        .expect("a segment");
    let one_record = Write {
        hard_state: None,
        ..write(3, 30, vec![command(3, b'z', 20)])
    };
    store.write(&one_record).expect("a good disk");
    store.sync().expect("a good disk");
    assert!(
        files(&disk)
            .iter()
            .filter(|(name, _)| name.starts_with("log-"))
            .count()
            >= 3
    );
    (disk, before, last_segment)
}

#[test]
fn every_damaged_byte_is_found() {
    let (disk, before, (last_segment, synced)) = lived();
    let whole = everything(&disk).unwrap();
    assert_ne!(before, whole);
    for (name, len) in files(&disk) {
        let contents = disk.contents(&name).unwrap();
        // Every byte of the log and of the manifest, and some of the data.
        let few = if name == "snapshot" { 97 } else { 1 };
        let places = (0..len).filter(|&place| place % few == 0 || place + 100 > len);
        for place in places {
            for bit in [0, 7] {
                let mut damaged = contents.clone();
                damaged[place] ^= 1 << bit;
                let found = everything(&with(&disk, &name, Some(damaged)));
                if name == last_segment && place >= synced {
                    // Nothing after it proves that it was durable.
                    assert_eq!(found.unwrap(), before, "{name} at {place}");
                } else {
                    let error = found.expect_err("damage goes unnoticed");
                    let medium = matches!(
                        error,
                        StorageError::Medium(FileError::Corrupt { .. } | FileError::Version { .. })
                    );
                    assert!(medium, "{name} at {place}: {error:?}");
                }
            }
        }
    }
}

#[test]
fn a_log_cut_anywhere_loses_whole_writes_only() {
    let (disk, mut store) = founded(1);
    // How long the segment is after each write, and how many entries there are then.
    let segment = files(&disk)[0].clone();
    let mut ends = vec![(segment.1, 0)];
    for index in 1..=4 {
        let no_term = Write {
            hard_state: None,
            ..write(0, index, vec![command(0, b'a', 5)])
        };
        store.write(&no_term).unwrap();
        store.sync().unwrap();
        ends.push((files(&disk)[0].1, usize::try_from(index).unwrap()));
    }
    let contents = disk.contents(&segment.0).unwrap();
    for len in ends[0].0..=contents.len() {
        let cut = with(&disk, &segment.0, Some(contents[..len].to_vec()));
        let (recovered, _) = everything(&cut).unwrap();
        let expected = ends
            .iter()
            .rfind(|&&(end, _)| end <= len)
            .map(|&(_, entries)| entries)
            .unwrap();
        assert_eq!(recovered.entries.len(), expected, "cut at {len}");
        // And it goes on from there.
        let mut store = open(&cut).unwrap();
        let next = recovered.entries.len() as u64 + 1;
        store
            .write(&write(1, next, vec![command(1, b'b', 9)]))
            .unwrap();
        store.sync().unwrap();
        drop(store);
        let (recovered, _) = everything(&cut).unwrap();
        assert_eq!(recovered.entries.last(), Some(&command(1, b'b', 9)));
        assert_eq!(recovered.entries.len(), expected + 1);
    }
}

#[test]
fn the_segment_that_the_snapshot_names_has_its_start() {
    let (disk, mut store) = founded(1);
    store
        .write(&write(5, 1, vec![command(4, b'a', 400)]))
        .unwrap(); // A segment ends with it.
    let mut data = core::iter::once(Bytes::from_static(b"state"));
    store.compact(&meta(4, 1), &mut data).unwrap();
    drop(store);
    let names: Vec<_> = files(&disk).into_iter().map(|(name, _)| name).collect();
    let [segment, _] = &names[..] else {
        panic!("{names:?}")
    };
    let contents = disk.contents(segment).unwrap();
    let cut = (0..contents.len()).map(|len| contents[..len].to_vec());
    let flipped = (0..contents.len()).map(|place| {
        let mut damaged = contents.clone();
        damaged[place] ^= 1;
        damaged
    });
    for damaged in cut.chain(flipped) {
        // The vote in term 5 is in there only.
        match everything(&with(&disk, segment, Some(damaged))) {
            Err(StorageError::Medium(FileError::Corrupt { .. } | FileError::Version { .. })) => {}
            result => panic!("{result:?}"),
        }
    }
}

#[test]
fn a_good_record_after_a_torn_one_does_not_make_it_damage() {
    let (disk, mut store) = founded(1);
    let (segment, start) = files(&disk)[0].clone();
    // Neither was synced, and only the second page has reached the disk.
    store
        .write(&write(1, 1, vec![command(1, b'a', 40)]))
        .unwrap();
    drop(store); // Lost with the buffer: nothing is written before it is synced.
    assert_eq!(files(&disk)[0].1, start);
    let mut store = open(&disk).unwrap();
    store
        .write(&write(1, 1, vec![command(1, b'a', 40)]))
        .unwrap();
    store
        .write(&write(1, 2, vec![command(1, b'b', 40)]))
        .unwrap();
    store.sync().unwrap();
    drop(store);
    let mut torn = disk.contents(&segment).unwrap();
    torn[start..start + 10].fill(0);
    let (recovered, _) = everything(&with(&disk, &segment, Some(torn))).unwrap();
    assert_eq!(recovered.entries, []);
}

fn corrupt_file(disk: &SimDisk) -> String {
    match open(disk) {
        Err(FileError::Corrupt { file, .. }) => file,
        result => panic!("{result:?}"),
    }
}

#[test]
fn missing_and_foreign_files_are_found() {
    let (disk, ..) = lived();
    let segments: Vec<String> = files(&disk)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("log-"))
        .collect();
    // But for the last one, whose absence nothing shows.
    for name in &segments[..segments.len() - 1] {
        assert_eq!(corrupt_file(&with(&disk, name, None)), *name);
    }
    assert_eq!(corrupt_file(&with(&disk, "snapshot", None)), "snapshot");

    let (first, store) = founded(1);
    drop(store);
    let (other, store) = founded(2);
    drop(store);
    let (segment, _) = files(&first)[0].clone();
    let mixed = with(&first, &segment, other.contents(&segment));
    assert_eq!(corrupt_file(&mixed), segment);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (disk, _, (last_segment, _)) = lived();
    for (name, place) in [
        ("snapshot", disk.contents("snapshot").unwrap().len() - 1),
        (&last_segment, 3),
    ] {
        let mut newer = disk.contents(name).unwrap();
        newer[place] = 2;
        let error = open(&with(&disk, name, Some(newer))).unwrap_err();
        assert!(
            matches!(&error, FileError::Version { file, version: 2 } if file == name),
            "{error:?}"
        );
        let message = format!("{name} is of version 2 of the format; this release reads version 1");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn large_entries_are_split_or_refused() {
    let mut store = FileStorage::open_on(SimDisk::new(), FileOptions::default()).unwrap();
    store.join(identity(1)).unwrap();
    let entries: Vec<Entry> = (0..3).map(|byte| command(1, byte, 24 << 20)).collect();
    store.write(&write(1, 1, entries.clone())).unwrap();
    assert!(store.recover().unwrap().entries == entries);

    let large = write(2, 4, vec![command(2, 0, 33 << 20)]);
    let refused = store.write(&large).unwrap_err();
    assert_eq!(refused.to_string(), "refused: an entry of more than 32 MiB");
    assert_eq!(store.recover().unwrap().hard_state.term, Term(1));
}

#[test]
fn old_segments_go_away() {
    let (disk, mut store) = founded(1);
    let mut most = 0;
    for index in 1..=2_000 {
        store
            .write(&write(1, index, vec![command(1, b'a', 50)]))
            .unwrap();
        if index % 20 == 0 {
            store
                .compact(
                    &meta(1, index - 3),
                    &mut [Bytes::from_static(b"state")].into_iter(),
                )
                .unwrap();
        }
        most = most.max(files(&disk).len());
    }
    // 300 bytes a segment: 23 entries in four segments, the snapshot, and one in the making.
    assert!(most < 16, "{most} files");
    assert_eq!(everything(&disk).unwrap().0.entries.len(), 3);
}

/// Compacts a store of nine segments on a disk that fails after so many operations; whether it failed.
fn compact_failing(disk: &SimDisk, operations: u64) -> bool {
    let mut store = open(disk).expect("an empty disk opens");
    let founders = Configuration::new([NodeId(1)]);
    store.bootstrap(identity(1), founders).expect("a good disk");
    for index in 1..=9 {
        let entry = vec![command(1, b'a', 300)];
        store.write(&write(1, index, entry)).expect("a good disk");
    }
    store.sync().expect("a good disk");
    disk.fail_after(operations);
    let mut data = core::iter::once(Bytes::from_static(b"state"));
    store.compact(&meta(1, 8), &mut data).is_err()
}

#[test]
fn a_snapshot_is_kept_durably_before_segments_go_at_start() {
    let mut failures = 0;
    for (operations, later) in (0..14).flat_map(|first| (0..14).map(move |second| (first, second)))
    {
        for seed in 0..20 {
            let disk = SimDisk::new();
            failures += u32::from(compact_failing(&disk, operations));
            // The process starts again, and power fails while it opens the store.
            disk.crash(Crash::Process);
            disk.fail_after(later);
            drop(open(&disk));
            disk.crash(Crash::Power(seed));
            let (recovered, _) = everything(&disk).unwrap();
            let last = recovered.snapshot.position.index + recovered.entries.len() as u64;
            assert_eq!(last, Index(9));
        }
    }
    assert!(failures > 1_000, "{failures}");
}

#[test]
fn a_segment_of_another_time_is_found() {
    // The same store with another past, as from a backup.
    let [now, then] = [5, 4].map(|term| {
        let (disk, mut store) = founded(1);
        for index in 1..5 {
            store
                .write(&write(term, index, vec![command(term, b'a', 300)]))
                .unwrap();
        }
        store.sync().unwrap();
        disk
    });
    let segments = files(&now);
    let (first, second) = (&segments[0].0, &segments[1].0);
    assert_eq!(
        corrupt_file(&with(&now, first, then.contents(first))),
        *second
    );
}

/// A directory of the real file system that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // ORDERING: only the number matters.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("store-{}-{number}", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_directory_is_open_once() {
    let scratch = Scratch::new();
    let store = FileStorage::open(&scratch.0, FileOptions::default()).unwrap();
    let error = FileStorage::open(&scratch.0, FileOptions::default()).unwrap_err();
    assert!(
        matches!(&error, FileError::Locked { directory } if *directory == scratch.0.to_string_lossy()),
        "{error:?}"
    );
    drop(store);
    FileStorage::open(&scratch.0, FileOptions::default()).unwrap();
}

#[test]
fn what_cannot_be_a_directory_is_an_error() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(&scratch.0).unwrap();
    let file = scratch.0.join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = FileStorage::open(&file, FileOptions::default()).unwrap_err();
    assert!(
        matches!(&error, FileError::Io { action: "open", .. }),
        "{error:?}"
    );
    let said = error.to_string();
    let path = file.to_string_lossy().into_owned();
    assert!(
        said.starts_with(&format!("could not open {path}: ")),
        "{said}"
    );
}

#[test]
fn a_damaged_file_is_named_with_its_directory() {
    let mut real = Real::open(Scratch::new()).unwrap();
    let founders = Configuration::new([1, 2, 3].map(NodeId));
    real.bootstrap(identity(1), founders).unwrap();
    let snapshot = real.scratch.0.join("snapshot");
    let scratch = real.close();
    let mut bytes = std::fs::read(&snapshot).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let error = FileStorage::open(&scratch.0, FileOptions::default()).unwrap_err();
    let path = snapshot.to_string_lossy().into_owned();
    assert!(error.to_string().starts_with(&path), "{error}");
}

/// A store in real files. What a power failure does cannot be staged; that a process ends can.
struct Real {
    store: Option<FileStorage>,
    scratch: Scratch,
}

impl Real {
    fn open(scratch: Scratch) -> Result<Self, StorageError<FileError>> {
        let store = Some(FileStorage::open(&scratch.0, options(500))?);
        Ok(Self { store, scratch })
    }

    /// Ends the process, so to speak.
    fn close(self) -> Scratch {
        drop(self.store);
        self.scratch
    }

    fn store(&mut self) -> &mut FileStorage {
        self.store.as_mut().expect("open until it crashes")
    }
}

impl Storage for Real {
    type Error = FileError;

    fn identity(&self) -> Option<Identity> {
        self.store.as_ref()?.identity()
    }

    fn create(
        &mut self,
        identity: Identity,
        configuration: Configuration,
    ) -> Result<(), StorageError<FileError>> {
        self.store().create(identity, configuration)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError<FileError>> {
        self.store().recover()
    }

    fn write(&mut self, write: &Write) -> Result<(), StorageError<FileError>> {
        self.store().write(write)
    }

    fn sync(&mut self) -> Result<(), StorageError<FileError>> {
        self.store().sync()
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<(), StorageError<FileError>> {
        self.store().compact(meta, data)
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64, StorageError<FileError>> {
        self.store().store_chunk(chunk)
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>, StorageError<FileError>> {
        self.store().read_chunk(meta, offset, max_bytes)
    }
}

impl CrashableStorage for Real {
    fn reopen(mut self, _: Crash) -> Result<Self, StorageError<FileError>> {
        drop(self.store.take());
        Self::open(self.scratch)
    }
}

#[test]
fn real_files_conform() {
    conformance::check(
        || Real::open(Scratch::new()).expect("a new directory opens"),
        0..15,
    );
}
