//! How nodes, keys and seeds become scores.

use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;

/// The number that stands for a node under a seed: both fully mixed, so that ids 1, 2, 3 will do.
pub(crate) const fn node_key(seed: u64, id: NodeId) -> u64 {
    SplitMix64::mix(SplitMix64::mix(seed) ^ id.0)
}

/// The draw of a node for a key, or for a slot: uniform, and independent from node to node. A
/// bijection of `node ^ key`, both of which must be mixed already.
///
/// Two rounds of xor-shift and multiplication, cut down to what draws need: flipping any bit of the
/// input flips each of the upper 40 bits of the output with a chance of one half, within what
/// 400,000 trials can tell. The lower bits are worse, and only decide between equal upper ones. The
/// first multiplier has 32 bits and there is no xor-shift at the end, which saves AVX2, where
/// multiplication is made of parts, a quarter.
#[inline(always)]
pub(crate) const fn pair(node: u64, key: u64) -> u64 {
    let mut x = node ^ key;
    x = (x ^ (x >> FIRST_SHIFT)).wrapping_mul(FIRST_MULTIPLIER as u64);
    (x ^ (x >> SECOND_SHIFT)).wrapping_mul(SECOND_MULTIPLIER)
}

pub(crate) const FIRST_SHIFT: u32 = 32;
pub(crate) const SECOND_SHIFT: u32 = 29;
/// The third prime of XXH32.
pub(crate) const FIRST_MULTIPLIER: u32 = 0xc2b2_ae3d;
/// The second multiplier of SplitMix64.
pub(crate) const SECOND_MULTIPLIER: u64 = 0x94d0_49bb_1331_11eb;
