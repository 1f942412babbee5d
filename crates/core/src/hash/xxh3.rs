use super::{KeyHash, KeyHasher};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// XXH3, 64-bit: the default stable hash.
///
/// Collet's XXH3 as frozen in xxHash 0.8.0, computed by the `xxhash-rust` crate. Not for keys that
/// an attacker chooses: collisions can be constructed for any seed.
///
/// ```
/// use purlin_core::hash::{KeyHasher, Xxh3};
///
/// let hasher = Xxh3::new();
/// assert_eq!(hasher.hash_bytes(b"user:42"), Xxh3::with_seed(0).hash_bytes(b"user:42"));
/// assert_ne!(hasher.hash_bytes(b"user:42"), Xxh3::with_seed(1).hash_bytes(b"user:42"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Xxh3 {
    seed: u64,
}

impl Xxh3 {
    /// The unseeded function, which equals seed 0.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_seed(0)
    }

    /// The function with this seed, for placements that must be independent of each other.
    #[must_use]
    pub const fn with_seed(seed: u64) -> Self {
        Self { seed }
    }
}

impl KeyHasher for Xxh3 {
    #[inline]
    fn hash_bytes(&self, key: &[u8]) -> KeyHash {
        KeyHash(xxh3_64_with_seed(key, self.seed))
    }
}
