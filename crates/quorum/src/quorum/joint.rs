//! Both of two systems.

use super::{QuorumSystem, VoteResult};
use purlin_core::node::NodeId;

/// A quorum of the one and a quorum of the other: a group that changes from one system to the other
/// decides by both in between (§6 of the Raft paper), so that neither can decide without the other.
///
/// A system without any node holds nothing back: joint with it is the other alone. Costs what the
/// two cost together.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::quorum::{Joint, Majority, QuorumSystem, VoteResult};
///
/// let (one, other) = ([1, 2, 3].map(NodeId), [3].map(NodeId));
/// let both = Joint(Majority(&one), Majority(&other));
/// assert_eq!(both.committed(|node| 10 - node.0), Some(7), "node 3 has no more");
/// assert_eq!(both.vote_result(|node| Some(node.0 != 3)), VoteResult::Lost);
/// assert_eq!(Joint(Majority(&one), Majority(&[])).committed(|node| 10 - node.0), Some(8));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Joint<A, B>(pub A, pub B);

impl<A: QuorumSystem, B: QuorumSystem> QuorumSystem for Joint<A, B> {
    #[inline]
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
