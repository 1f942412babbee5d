//! The bytes of an [`Identity`]: cluster, node and incarnation, little-endian.

use crate::raft::config::ClusterId;
use crate::raft::storage::Identity;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;

pub(super) fn encode(identity: &Identity, out: &mut Vec<u8>) {
    for number in [
        identity.cluster.0,
        identity.node.0,
        identity.incarnation.get(),
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// The identity, and what follows it.
pub(super) fn decode(bytes: &[u8]) -> Option<(Identity, &[u8])> {
    let (cluster, rest) = number(bytes)?;
    let (node, rest) = number(rest)?;
    let (incarnation, rest) = number(rest)?;
    let incarnation = NonZeroU64::new(incarnation)?;
    Some((
        Identity {
            cluster: ClusterId(cluster),
            node: NodeId(node),
            incarnation,
        },
        rest,
    ))
}

/// A number, and what follows it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}
