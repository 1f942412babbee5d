//! The tests that a [`Storage`] must pass, as functions over its constructor: for the stores of this
//! crate and for your own.
//!
//! A property takes a function that makes an empty store and a seed that decides what happens. It
//! panics where the property does not hold, with the seed and everything that was done. The same
//! seed does the same again. [`check`] runs them all over many seeds.
//!
//! | property | what holds |
//! |---|---|
//! | [`founds_once`] | an empty store takes nothing but an identity, and that once, crashes or not |
//! | [`any_history`] | reads answer what was written; after any crash the store holds what it held after some operation since the last durable one; what contradicts is refused and changes nothing |
//! | [`any_failure`] | the same when the medium fails at any of its operations; after that the store refuses everything |
//!
//! The oracle is a model that keeps every state that a crash may leave: see [`Storage`] for which
//! those are. It looks only through the trait.
//!
//! ```
//! use purlin_quorum::raft::storage::{MemoryStorage, conformance};
//!
//! conformance::check(MemoryStorage::new, 0..20);
//! ```

mod history;
mod model;
#[cfg(feature = "durable")]
mod sim_disk;
mod step;

pub use history::{any_failure, any_history, founds_once};
#[cfg(feature = "durable")]
pub use sim_disk::SimDisk;

use super::{MemoryStorage, Storage, StorageError};
use core::convert::Infallible;
use core::ops::Range;

/// How a node goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crash {
    /// The process ends. The system lives on, and with it what the process had handed over.
    Process,
    /// The power fails. What of the unsynced is left is up to the number, which should lead to many
    /// different outcomes, the worst among them.
    Power(u64),
}

/// A store whose crashes can be staged.
///
/// Each of them is reached by a store in a virtual machine or over a file system in memory; a store
/// of your own may come with less, and is then checked less.
pub trait CrashableStorage: Storage + Sized {
    /// Crashes, and opens the store again.
    ///
    /// # Errors
    ///
    /// Those of opening it. The tests fail then.
    fn reopen(self, crash: Crash) -> Result<Self, StorageError<Self::Error>>;

    /// Lets the medium fail for good after so many more of its operations (writing, syncing, renaming
    /// and the like), until the next crash. Answers whether that can be staged: if not, [`any_failure`]
    /// does nothing.
    fn fail_after(&mut self, operations: u64) -> bool {
        let _ = operations;
        false
    }
}

impl CrashableStorage for MemoryStorage {
    fn reopen(mut self, crash: Crash) -> Result<Self, StorageError<Infallible>> {
        match crash {
            Crash::Process => self.sync().or_else(|error| match error {
                StorageError::Empty => Ok(()),
                error => Err(error),
            })?,
            Crash::Power(seed) => self.crash_partly(seed),
        }
        self.crash();
        Ok(self)
    }
}

/// Runs every property for every seed. A few hundred seeds find what these tests can find.
///
/// # Panics
///
/// Where a property does not hold.
#[track_caller]
pub fn check<S: CrashableStorage>(mut make: impl FnMut() -> S, seeds: Range<u64>) {
    for seed in seeds {
        founds_once(&mut make, seed);
        any_history(&mut make, seed);
        any_failure(&mut make, seed);
    }
}
