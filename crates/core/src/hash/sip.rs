use super::{KeyHash, KeyHasher};

macro_rules! sip_hash {
    ($(#[$doc:meta])* $name:ident, $function:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name($function);

        impl $name {
            /// The function with this secret key. Machines that must agree on placement share the key.
            #[must_use]
            pub fn new(key: [u8; 16]) -> Self {
                Self(<$function>::new_with_key(&key))
            }
        }

        impl KeyHasher for $name {
            #[inline]
            fn hash_bytes(&self, key: &[u8]) -> KeyHash {
                KeyHash(self.0.hash(key))
            }
        }

        /// Does not print the key.
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

sip_hash!(
    /// SipHash-1-3 with a 128-bit key: for keys that an attacker may choose.
    ///
    /// Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012, with the reduced rounds that hash tables commonly use; computed by the
    /// `siphasher` crate. Without the key, nobody can construct keys that land together.
    ///
    /// ```
    /// use purlin_core::hash::{KeyHasher, SipHash13};
    ///
    /// let ours = SipHash13::new(*b"sixteen bytes ok");
    /// let theirs = SipHash13::new(*b"another key here");
    /// assert_ne!(ours.hash_bytes(b"k"), theirs.hash_bytes(b"k"));
    /// ```
    SipHash13,
    siphasher::sip::SipHasher13
);

sip_hash!(
    /// SipHash-2-4 with a 128-bit key: the paper's own parameters, at about half the speed of [`SipHash13`].
    ///
    /// ```
    /// use purlin_core::hash::{KeyHash, KeyHasher, SipHash24};
    ///
    /// // The paper's appendix A: key 00..0f, message 00..0e.
    /// let hasher = SipHash24::new(core::array::from_fn(|i| i as u8));
    /// let message: [u8; 15] = core::array::from_fn(|i| i as u8);
    /// assert_eq!(hasher.hash_bytes(&message), KeyHash(0xa129_ca61_49be_45e5));
    /// ```
    SipHash24,
    siphasher::sip::SipHasher24
);
