//! How nodes, keys and seeds become scores.

use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;

/// The number that stands for a node under a seed: both fully mixed, so that ids 1, 2, 3 will do.
pub(crate) const fn node_key(seed: u64, id: NodeId) -> u64 {
    SplitMix64::mix(SplitMix64::mix(seed) ^ id.0)
}

/// The score of a key, or a slot, at a node: uniform, and independent from node to node.
///
/// A bijection of `node ^ key` by two rounds of xor-shift and multiplication, the finalizer of
/// MurmurHash3 with Stafford's constants (variant 13). Both inputs are mixed already.
#[inline(always)]
pub(crate) const fn pair(node: u64, key: u64) -> u64 {
    let mut x = node ^ key;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
