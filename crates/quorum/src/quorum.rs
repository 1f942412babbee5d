//! The arithmetic of quorums: pure functions over who has answered what.
//!
//! | term | meaning |
//! |---|---|
//! | quorum | a set of nodes that may decide; any two quorums of a system have a node in common |
//! | [`Majority`] | more than half of the nodes |
//! | [`Weighted`] | nodes with more than half of the weight |
//! | [`Joint`] | a quorum of one system and a quorum of another |
//! | committed | what every node of some quorum has reached: it can no longer be lost or contradicted |
//!
//! Nothing here knows of Raft: lists of nodes go in, and functions that say what each has answered.
//!
//! ```
//! use purlin_core::node::NodeId;
//! use purlin_quorum::quorum::{Joint, Majority, QuorumSystem, VoteResult};
//!
//! let old = [1, 2, 3].map(NodeId);
//! let new = [3, 4, 5].map(NodeId);
//! // How much of a log each node has.
//! let reached = |node: NodeId| [9, 9, 7, 7, 2][node.0 as usize - 1];
//! assert_eq!(Majority(&old).committed(reached), Some(9));
//! assert_eq!(Majority(&new).committed(reached), Some(7));
//! assert_eq!(Joint(Majority(&old), Majority(&new)).committed(reached), Some(7));
//!
//! let only_the_old = |node: NodeId| (node.0 <= 3).then_some(true);
//! let vote = Joint(Majority(&old), Majority(&new)).vote_result(only_the_old);
//! assert_eq!(vote, VoteResult::Pending);
//! ```

mod joint;
mod majority;
#[cfg(test)]
mod tests;
mod votes;
mod weighted;

pub use joint::Joint;
pub use majority::Majority;
pub use votes::Votes;
pub use weighted::Weighted;

use purlin_core::node::NodeId;

/// Up to this many nodes are counted on the stack; for more, memory is allocated.
const ON_STACK: usize = 9;

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
///
/// # Implementing
///
/// * `committed` and `vote_result` must mean the same quorums: a value above 0 is committed when a
///   vote, in which those say yes that have reached it, is won.
/// * Never let an answer that is missing help: what is unknown is 0 to `committed`, and `None`, no
///   "no", to `vote_result`. Both must be monotone: more answers never lower what is committed, and
///   never change a vote that was won or lost.
/// * Ask for a node as often as you like; the same answer comes each time.
pub trait QuorumSystem {
    /// The highest value that a quorum has reached, if `reached` says what each node has: the commit
    /// index, when it says which index each node has acknowledged. `None` when there is no node:
    /// nothing holds it back.
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64>;

    /// How a vote stands, if `vote` says what each node has answered, and `None` of those that have
    /// not. Won when there is no node: nobody is against it.
    fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult;
}
