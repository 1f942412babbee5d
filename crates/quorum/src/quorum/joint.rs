//! Both of two systems.

use super::{QuorumSystem, VoteResult};
use purlin_core::node::NodeId;

/// A quorum of the one and a quorum of the other (§6).
#[derive(Clone, Copy, Debug)]
pub struct Joint<A, B>(pub A, pub B);

impl<A: QuorumSystem, B: QuorumSystem> QuorumSystem for Joint<A, B> {
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64> {
        match (self.0.committed(&reached), self.1.committed(&reached)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        match (self.0.vote_result(&vote), self.1.vote_result(&vote)) {
            (VoteResult::Won, VoteResult::Won) => VoteResult::Won,
            (VoteResult::Lost, _) | (_, VoteResult::Lost) => VoteResult::Lost,
            _ => VoteResult::Pending,
        }
    }
}
