//! What tells rules apart whose states lie outside the process.

use purlin_core::hash::{KeyHash, KeyHasher as _, Xxh3};

/// The stable hash of a name and some numbers, each hashed with the hash so far as its seed: XXH3, the
/// same in every process, on every machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(name: &str) -> Self {
        let KeyHash(hash) = Xxh3::new().hash_bytes(name.as_bytes());
        Self(hash)
    }

    pub(crate) fn and(self, number: u64) -> Self {
        let KeyHash(hash) = Xxh3::with_seed(self.0).hash_u64(number);
        Self(hash)
    }

    pub(crate) fn and_wide(self, number: u128) -> Self {
        let KeyHash(hash) = Xxh3::with_seed(self.0).hash_bytes(&number.to_le_bytes());
        Self(hash)
    }

    pub(crate) const fn hash(self) -> u64 {
        self.0
    }
}
