//! The stores of this crate, and stores with deliberate flaws that the conformance suite must find.

extern crate alloc;

#[path = "storage/conformance.rs"]
mod conformance;
#[path = "storage/file.rs"]
mod file;
#[path = "storage/flawed.rs"]
mod flawed;
#[path = "storage/golden.rs"]
mod golden;
