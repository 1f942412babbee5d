//! More than half.

use super::{QuorumSystem, VoteResult};
use purlin_core::node::NodeId;

/// Any more than half of the nodes.
#[derive(Clone, Copy, Debug)]
pub struct Majority<'a>(pub &'a [NodeId]);

impl QuorumSystem for Majority<'_> {
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64> {
        let mut values: alloc::vec::Vec<u64> = self.0.iter().map(|&node| reached(node)).collect();
        values.sort_unstable();
        values.get((values.len().wrapping_sub(1)) / 2).copied()
    }

    fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        let (mut yes, mut no) = (0, 0);
        for &node in self.0 {
            match vote(node) {
                Some(true) => yes += 1,
                Some(false) => no += 1,
                None => {}
            }
        }
        let quorum = self.0.len() / 2 + 1;
        if yes >= quorum || self.0.is_empty() {
            VoteResult::Won
        } else if no > self.0.len() - quorum {
            VoteResult::Lost
        } else {
            VoteResult::Pending
        }
    }
}
