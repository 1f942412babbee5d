#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "never built without std"
)]

mod case;
mod decode;
mod field;
mod suite;
#[cfg(test)]
mod tests;

pub use case::Case;
pub use decode::{Decode, Hex};
pub use field::Field;
pub use suite::Suite;

use std::path::{Path, PathBuf};

/// Runs every case of every vector file of an area: those of the crate's own `tests/vectors/`, and
/// those of `$PURLIN_VECTORS/<area>/` where there is such a folder.
///
/// The report goes to the process's standard output, past the test harness's capture, so that what
/// was left out of a brought file is seen although the test passes.
///
/// # Panics
///
/// Once, after all cases of all files have run, with every failure listed: a check that failed, a
/// field that was missing or of the wrong type, a panic inside a case, a case that checked nothing,
/// a file without cases; and on the crate's own files whatever the test did not read. See the
/// crate's docs for the whole list.
///
/// ```no_run
/// purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "shard", |suite| {
///     suite.schema("shard/crc16@1", |file| {
///         file.cases("cases", |case| {
///             let key: String = case.read("key");
///             let slot: u64 = case.read("slot");
///             case.check_eq("slot", key.len() as u64, slot);
///         });
///     });
/// });
/// ```
#[track_caller]
pub fn run<'t>(manifest_dir: &str, area: &str, register: impl FnOnce(&mut Suite<'t>)) {
    let mut suite = Suite::new(area);
    register(&mut suite);
    let brought = std::env::var_os("PURLIN_VECTORS").map(|root| PathBuf::from(root).join(area));
    let report = suite.run(
        &Path::new(manifest_dir).join("tests/vectors"),
        brought.as_deref(),
    );
    report.print();
    assert!(report.failures.is_empty(), "{}", report.summary());
}
