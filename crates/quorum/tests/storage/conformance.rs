//! The stores pass the conformance suite, and stores with flaws do not.

use crate::flawed::{FLAWS, Flawed};
use purlin_quorum::raft::storage::conformance::{self, SimDisk};
use purlin_quorum::raft::storage::{FileOptions, FileStorage, MemoryStorage};
use std::panic::catch_unwind;

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

#[test]
fn a_store_without_a_flaw_conforms() {
    conformance::check(|| Flawed::new(None), 0..300);
}

#[test]
fn every_flaw_is_found() {
    for flaw in FLAWS {
        let found = (0..300).find(|&seed| {
            let check = || conformance::check(|| Flawed::new(Some(flaw)), seed..seed + 1);
            catch_unwind(check).is_err()
        });
        let seed = found.unwrap_or_else(|| panic!("{flaw:?} was not found"));
        println!("{flaw:?} was found after {} seeds", seed + 1);
    }
}
