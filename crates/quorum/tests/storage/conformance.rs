//! The stores pass the conformance suite.

use purlin_quorum::raft::storage::conformance::{self, SimDisk};
use purlin_quorum::raft::storage::{FileOptions, FileStorage, MemoryStorage};

#[test]
fn memory_storage_conforms() {
    conformance::check(MemoryStorage::new, 0..500);
}

#[test]
fn file_storage_conforms() {
    for segment_bytes in [1, 700, 4_000, 1 << 20] {
        let make = || {
            let mut options = FileOptions::default();
            options.segment_bytes = segment_bytes;
            FileStorage::open_on(SimDisk::new(), options).expect("an empty disk opens")
        };
        conformance::check(make, 0..60);
    }
}
