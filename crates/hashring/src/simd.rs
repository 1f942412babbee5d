//! The two loops over all nodes, for what the machine can do.
//!
//! [`scalar`] says what they compute, one node after the other. On x86-64 there is one more text of them,
//! the macro [`vectors`], for AVX2 and for AVX-512; the widest is chosen at run time. Arithmetic modulo 2^64 has no rounding, so
//! all give the same bits; the tests compare them.
//!
//! What it buys: with 1,000 nodes the scalar loop takes 1.5 ns a node, AVX2 0.3, AVX-512 0.15. Compilers vectorise the scalar
//! text too, but not reliably: a rearranged comparison costs a factor of ten.

#![expect(
    unsafe_code,
    reason = "only the calls of functions whose instructions the machine was asked for"
)]

mod scalar;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod vectors;

/// How many nodes the loops take at once: they are given a multiple of it, any node often enough to fill up.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const BLOCK: usize = 16;
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
pub(crate) const BLOCK: usize = 1;

/// Calls a function of the widest instance that the machine has.
macro_rules! widest {
    ($call:ident $(::<$limited:literal>)? ($($argument:ident),*)) => {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        {
            if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq") {
                // SAFETY: the machine has these instructions.
                return unsafe { vectors::avx512::$call$(::<$limited>)?($($argument),*) };
            }
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has these instructions.
                return unsafe { vectors::avx2::$call$(::<$limited>)?($($argument),*) };
            }
        }
    };
}

/// The position of the node with the highest draw, or `None` of no nodes. Of a node that is there repeatedly,
/// any of its positions.
#[inline]
pub(crate) fn highest(node_keys: &[u64], key: u64) -> Option<usize> {
    const NONE: u64 = u64::MAX;
    widest!(highest::<false>(node_keys, key, NONE));
    scalar::highest(node_keys, key, NONE)
}

/// The same among the nodes whose draws are at most `limit`.
#[inline]
pub(crate) fn highest_up_to(limit: u64, node_keys: &[u64], key: u64) -> Option<usize> {
    widest!(highest::<true>(node_keys, key, limit));
    scalar::highest(node_keys, key, limit)
}

/// Calls `each` with the position and the draw of every node, leaving out draws below what `each` answered
/// last.
#[inline]
pub(crate) fn above(node_keys: &[u64], key: u64, each: impl FnMut(usize, u64) -> u64) {
    widest!(above(node_keys, key, each));
    scalar::above(node_keys, key, each);
}
