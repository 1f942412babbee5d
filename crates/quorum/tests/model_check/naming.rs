//! Nodes whose names make no difference.
//!
//! Two states are the same when renaming nodes makes one of the other. Every fingerprint is
//! therefore taken once for each way to rename; a state's is the least of the sums over its parts.

use purlin_core::node::NodeId;

/// The ways to rename three nodes; the first is to leave them alone.
const WAYS: [[u64; 3]; 6] = [
    [1, 2, 3],
    [2, 1, 3],
    [1, 3, 2],
    [3, 2, 1],
    [2, 3, 1],
    [3, 1, 2],
];

/// A fingerprint for each way.
pub(crate) type Prints = [u128; WAYS.len()];

/// How many of the [`WAYS`] there are for so many interchangeable nodes.
pub(crate) fn ways(interchangeable: u64) -> usize {
    match interchangeable {
        0 | 1 => 1,
        2 => 2,
        3 => 6,
        _ => panic!("three nodes at most"),
    }
}

/// Takes the fingerprint of something by each way to rename.
pub(crate) fn prints(ways: usize, print: impl Fn(&dyn Fn(NodeId) -> NodeId) -> u128) -> Prints {
    let mut prints = Prints::default();
    for (way, renamed) in WAYS.iter().take(ways).enumerate() {
        prints[way] = print(&|node| {
            let place = usize::try_from(node.0 - 1).expect("nodes are 1, 2, 3");
            NodeId(renamed[place])
        });
    }
    prints
}

/// A sum of fingerprints stands for a collection without order.
pub(crate) fn add(sums: &mut Prints, prints: &Prints) {
    for (sum, &print) in sums.iter_mut().zip(prints) {
        *sum = sum.wrapping_add(print);
    }
}
