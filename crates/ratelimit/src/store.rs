//! States in a store that several processes share.

mod attempt;
mod encoding;
#[cfg(feature = "std")]
mod memory;
mod stored;

pub use attempt::{Attempt, AttemptError, Step};
pub use encoding::StoredState;
#[cfg(feature = "std")]
pub use memory::{MemoryStore, StoreFull};
pub use stored::{StoreError, Stored, StoredKey};

use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::UnixTime;

/// A store of bytes by key, in which a value can be replaced on condition that nobody was faster:
/// Redis, Memcached, etcd, DynamoDB, a table of a database.
///
/// For a client that blocks. With an asynchronous one drive an [`Attempt`] yourself: it is the same
/// code without the store.
///
/// # Implementing
///
/// * A [`Version`](Self::Version) is what the store tells versions of a value apart by: the `cas` of
///   Memcached, the `mod_revision` of etcd, or, where a script compares the value itself (Redis), the
///   value's bytes.
/// * Do make [`swap`](Self::swap) one atomic step of the store. Do not answer `true` unless it
///   happened.
/// * Do let a value vanish when its time to live is over, not before.
/// * Do bound how long you wait, and give an error: the request is then refused, never admitted.
pub trait CasStore {
    /// Tells versions of a value apart.
    type Version;

    /// What may go wrong.
    type Error;

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// When the store did not answer.
    fn get(&self, key: &[u8]) -> Result<Read<Self::Version>, Self::Error>;

    /// Writes a value if the key's version is still `expected`, or if there is still none; answers
    /// whether it did. The value may be forgotten after `ttl`, whole seconds and at least one.
    ///
    /// # Errors
    ///
    /// When the store did not answer. It may have written all the same.
    fn swap(
        &self,
        key: &[u8],
        expected: Option<&Self::Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, Self::Error>;
}

/// What a store has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<V> {
    /// The value and its version, if there is one.
    pub entry: Option<(V, Vec<u8>)>,
    /// The time by the store's own clock, if it tells. It then counts instead of the caller's, so that
    /// processes need not have the same time.
    pub now: Option<UnixTime>,
}

impl<S: CasStore + ?Sized> CasStore for &S {
    type Version = S::Version;
    type Error = S::Error;

    fn get(&self, key: &[u8]) -> Result<Read<S::Version>, S::Error> {
        (**self).get(key)
    }

    fn swap(
        &self,
        key: &[u8],
        expected: Option<&S::Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, S::Error> {
        (**self).swap(key, expected, value, ttl)
    }
}
