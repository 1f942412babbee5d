//! The bytes of version 1 of the file format stay as they are, and stay readable.

use alloc::sync::Arc;
use bytes::Bytes;
use purlin_core::node::NodeId;
use purlin_quorum::raft::storage::conformance::SimDisk;
use purlin_quorum::raft::storage::{Disk, FileOptions, FileStorage, Identity, Storage};
use purlin_quorum::raft::{
    ClusterId, Configuration, Entries, Entry, HardState, Index, Payload, Position, SnapshotMeta,
    Term, Ticket, Write,
};
use std::path::PathBuf;

const FILES: [(&str, &[u8]); 4] = [
    (
        "log-0000000000000002",
        include_bytes!("../fixtures/store-v1/log-0000000000000002"),
    ),
    (
        "log-0000000000000003",
        include_bytes!("../fixtures/store-v1/log-0000000000000003"),
    ),
    (
        "log-0000000000000004",
        include_bytes!("../fixtures/store-v1/log-0000000000000004"),
    ),
    ("snapshot", include_bytes!("../fixtures/store-v1/snapshot")),
];

fn identity() -> Identity {
    Identity::new(ClusterId(0xc1), NodeId(2), 0x0123_4567_89ab_cdef)
}

fn four() -> Arc<Configuration> {
    Arc::new(Configuration::new([1, 2, 3, 4].map(NodeId)))
}

fn hard_state(term: u64, vote: Option<u64>) -> HardState {
    HardState {
        term: Term(term),
        vote: vote.map(NodeId),
    }
}

fn meta() -> SnapshotMeta {
    SnapshotMeta {
        position: Position::new(Term(1), Index(2)),
        configuration: four(),
        id: 0xabcd,
    }
}

fn one() -> Entry {
    Entry::command(Term(1), Bytes::from_static(b"one"))
}

fn configuration() -> Entry {
    Entry {
        term: Term(3),
        payload: Payload::Configuration(four()),
    }
}

fn empty() -> Entry {
    Entry::command(Term(3), Bytes::new())
}

/// What the fixture went through.
fn live(disk: SimDisk) {
    let mut options = FileOptions::default();
    options.segment_bytes = 100;
    let mut store = FileStorage::open_on(disk, options).expect("a good disk");
    store
        .bootstrap(identity(), Configuration::new([1, 2, 3].map(NodeId)))
        .expect("a good disk");
    let mut write = |first, entries, hard_state| {
        let entries = Entries::new(Index(first), entries);
        store
            .write(&Write {
                ticket: Ticket(0),
                hard_state,
                entries,
            })
            .expect("a good disk");
        store.sync().expect("a good disk");
    };
    write(1, vec![one(), one()], Some(hard_state(1, Some(1))));
    write(0, vec![], Some(hard_state(2, None)));
    write(3, vec![one(), one(), one()], None);
    write(
        4,
        vec![empty(), configuration()],
        Some(hard_state(3, Some(2))),
    );
    write(6, vec![empty()], None);
    let data = [
        Bytes::from_static(b"the state "),
        Bytes::from_static(b"machine"),
    ];
    store
        .compact(&meta(), &mut data.into_iter())
        .expect("a good disk");
}

#[test]
fn version_1_is_read() {
    let disk = SimDisk::new();
    FILES
        .into_iter()
        .for_each(|(name, contents)| disk.put(name, contents));
    let mut store = FileStorage::open_on(disk, FileOptions::default()).unwrap();
    assert_eq!(store.identity(), Some(identity()));
    let recovered = store.recover().unwrap();
    assert_eq!(recovered.hard_state, hard_state(3, Some(2)));
    assert_eq!(recovered.snapshot, meta());
    assert_eq!(recovered.applied, Index(2));
    assert_eq!(
        recovered.entries,
        [one(), empty(), configuration(), empty()]
    );
    assert_eq!(
        store.snapshot(&meta()).unwrap().unwrap(),
        "the state machine"
    );
}

#[test]
fn version_1_is_written() {
    let mut disk = SimDisk::new();
    live(disk.clone());
    let names = disk.list().unwrap();
    let written: Vec<(String, Vec<u8>)> = names
        .into_iter()
        .map(|name| (name.clone(), disk.contents(&name).unwrap()))
        .collect();
    let pinned = FILES.map(|(name, contents)| (name.to_owned(), contents.to_vec()));
    if written != pinned {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("store-as-written");
        std::fs::create_dir_all(&directory).unwrap();
        for (name, contents) in written {
            std::fs::write(directory.join(name), contents).unwrap();
        }
        panic!(
            "other bytes than the fixture's: see {}",
            directory.display()
        );
    }
}
