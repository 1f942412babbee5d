//! The arithmetic of quorums: pure functions over who has answered what.

mod joint;
mod majority;
mod votes;
mod weighted;

pub use joint::Joint;
pub use majority::Majority;
pub use votes::Votes;
pub use weighted::Weighted;

use purlin_core::node::NodeId;

/// How a vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoteResult {
    /// Enough have said yes.
    Won,
    /// So many have said no that it cannot be won any more.
    Lost,
    /// Open.
    Pending,
}

/// Which sets of nodes are quorums: any two of them meet.
pub trait QuorumSystem {
    /// The highest value that a quorum has reached, if `reached` says what each node has: the commit
    /// index, when it says which index each node has acknowledged. `None` when there is no node:
    /// nothing holds it back.
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64>;

    /// How a vote stands, if `vote` says what each node has answered.
    fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult;
}
