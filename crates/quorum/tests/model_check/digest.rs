//! Fingerprints of 128 bits.

use core::hash::{BuildHasherDefault, Hash, Hasher};
use purlin_core::hash::{KeyHasher as _, Xxh3};
use std::collections::{HashMap, HashSet};

/// Collects what it is fed, to be hashed as a whole: as many hashes of it as one likes.
#[derive(Default)]
pub(crate) struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        Xxh3::new().hash_bytes(&self.0).0
    }
}

impl Bytes {
    pub(crate) fn digest(&self) -> u128 {
        let low = self.finish();
        let high = Xxh3::with_seed(1).hash_bytes(&self.0).0;
        u128::from(high) << 64 | u128::from(low)
    }
}

pub(crate) fn digest(value: &impl Hash) -> u128 {
    let mut bytes = Bytes::default();
    value.hash(&mut bytes);
    bytes.digest()
}

/// For keys that are fingerprints already, or small numbers: one multiplication.
#[derive(Default)]
pub(crate) struct Scatter(u64);

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn write_u128(&mut self, fingerprint: u128) {
        // Both halves are as good as random.
        self.0 = (fingerprint >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type Fingerprints = HashSet<u128, BuildHasherDefault<Scatter>>;
pub(crate) type Table<K, V> = HashMap<K, V, BuildHasherDefault<Scatter>>;
