//! Stable hashing: the same key gives the same [`KeyHash`] in every process, on every machine, in
//! every version.
//!
//! Placement decisions are shared between machines, so they must never rest on `RandomState`,
//! `ahash`, `foldhash` or `DefaultHasher`, which differ between processes or releases. Take one of
//! these:
//!
//! | hasher | use |
//! |---|---|
//! | [`Xxh3`] | the default: fast, published, frozen, in every language |
//! | [`SipHash13`], [`SipHash24`] | keys that an attacker may choose, with a secret key |
//!
//! Keys are bytes. Integers are hashed as their eight little-endian bytes
//! ([`KeyHasher::hash_u64`]), strings as their UTF-8 bytes without any terminator or length, so
//! other languages can compute the same hash.

mod sip;
mod xxh3;

pub use sip::{SipHash13, SipHash24};
pub use xxh3::Xxh3;

use core::fmt;

/// The stable 64-bit hash of a key: what [`Placement`](crate::placement::Placement) places.
///
/// ```
/// use purlin_core::hash::{KeyHash, KeyHasher, Xxh3};
///
/// assert_eq!(Xxh3::new().hash_bytes(b""), KeyHash(0x2d06_8005_38d3_94c2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct KeyHash(pub u64);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({:#018x})", self.0)
    }
}

/// A stable hash function.
///
/// # Implementing
///
/// Do give all 64 bits full avalanche: consumers take high and low bits apart. Do not depend on
/// endianness, pointer width, process or version: what is placed today must be found tomorrow.
/// `hash_u64` must equal `hash_bytes` of the little-endian bytes.
///
/// ```
/// use purlin_core::hash::{KeyHasher, SipHash13};
///
/// let hasher = SipHash13::new([7; 16]);
/// assert_eq!(hasher.hash_u64(258), hasher.hash_bytes(&[2, 1, 0, 0, 0, 0, 0, 0]));
/// ```
pub trait KeyHasher {
    /// The hash of a key's bytes. O(length).
    fn hash_bytes(&self, key: &[u8]) -> KeyHash;

    /// The hash of an integer key: that of its little-endian bytes.
    #[inline]
    fn hash_u64(&self, key: u64) -> KeyHash {
        self.hash_bytes(&key.to_le_bytes())
    }
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: KeyHasher + ?Sized> KeyHasher for $pointer {
            #[inline]
            fn hash_bytes(&self, key: &[u8]) -> KeyHash {
                (**self).hash_bytes(key)
            }

            #[inline]
            fn hash_u64(&self, key: u64) -> KeyHash {
                (**self).hash_u64(key)
            }
        }
    )*};
}

for_shared_pointers!(through_pointer);
