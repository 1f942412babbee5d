//! What a limiter can be asked for.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use purlin_core::hash::{KeyHash, KeyHasher};

/// A key of a [`Keyed`](super::Keyed) limiter.
///
/// Strings and bytes are hashed as they are, integers as 8 little-endian bytes, addresses as their
/// octets. A [`KeyHash`] is taken for the hash itself, for who has computed it already; it must have
/// been computed by a [`KeyHasher`].
///
/// # Implementing
///
/// Do give all that tells your keys apart to the hasher, in one call. Do not hash by a way of your own
/// unless an attacker cannot choose the keys.
///
/// ```
/// use purlin_core::hash::{KeyHash, KeyHasher};
/// use purlin_ratelimit::{Gcra, Instant, Key, Keyed, Quota};
///
/// /// A subscriber who has a whole /64.
/// struct Network(core::net::Ipv6Addr);
///
/// impl Key for Network {
///     fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
///         hasher.hash_bytes(&self.0.octets()[..8])
///     }
/// }
///
/// let limiter = Keyed::new(Gcra::new(Quota::per_second(1)?)?, 1000)?;
/// let now = Instant::from_secs(1);
/// let [a, b] = ["2001:db8::1", "2001:db8::2"].map(|ip| Network(ip.parse().unwrap()));
/// assert!(limiter.try_acquire_at(&a, now, 1).is_ok());
/// assert!(limiter.try_acquire_at(&b, now, 1).is_err());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub trait Key {
    /// The hash of the key.
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash;
}

impl<T: Key + ?Sized> Key for &T {
    #[inline]
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        (**self).key_hash(hasher)
    }
}

impl Key for KeyHash {
    #[inline]
    fn key_hash(&self, _hasher: &impl KeyHasher) -> KeyHash {
        *self
    }
}

impl Key for u64 {
    #[inline]
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_u64(*self)
    }
}

impl Key for u32 {
    #[inline]
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_u64(u64::from(*self))
    }
}

impl Key for [u8] {
    #[inline]
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_bytes(self)
    }
}

impl<const N: usize> Key for [u8; N] {
    #[inline]
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_bytes(self)
    }
}

macro_rules! bytes_of {
    ($($key:ty: $bytes:ident),* $(,)?) => {$(
        impl Key for $key {
            #[inline]
            fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
                hasher.hash_bytes(self.$bytes())
            }
        }
    )*};
}

bytes_of!(str: as_bytes, String: as_bytes, Vec<u8>: as_slice);

impl Key for Ipv4Addr {
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_bytes(&self.octets())
    }
}

impl Key for Ipv6Addr {
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        hasher.hash_bytes(&self.octets())
    }
}

impl Key for IpAddr {
    fn key_hash(&self, hasher: &impl KeyHasher) -> KeyHash {
        match self {
            Self::V4(address) => address.key_hash(hasher),
            Self::V6(address) => address.key_hash(hasher),
        }
    }
}
