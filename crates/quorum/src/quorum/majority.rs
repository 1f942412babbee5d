//! More than half.

use super::{ON_STACK, QuorumSystem, VoteResult};
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// Any more than half of the nodes. Name each once: a node named twice counts twice.
///
/// Both functions are *O*(*n*) and ask for each node once. Up to nine nodes `committed` counts on
/// the stack, without branches that depend on the values; for more it allocates a list and selects
/// from it.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::quorum::{Majority, QuorumSystem, VoteResult};
///
/// let nodes = [1, 2, 3, 4].map(NodeId);
/// let reached = |node: NodeId| [20, 10, 40, 30][node.0 as usize - 1];
/// assert_eq!(Majority(&nodes).committed(reached), Some(20), "three of four have it");
/// assert_eq!(Majority(&[]).committed(reached), None);
///
/// // Two of four against it are enough: three will never be for it.
/// let vote = |node: NodeId| (node.0 <= 2).then_some(false);
/// assert_eq!(Majority(&nodes).vote_result(vote), VoteResult::Lost);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Majority<'a>(pub &'a [NodeId]);

impl QuorumSystem for Majority<'_> {
    #[inline]
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64> {
        let nodes = self.0;
        if nodes.is_empty() {
            return None;
        }
        if let [a, b, c] = nodes {
            // Three are the rule, and their median takes four instructions.
            let [a, b, c] = [a, b, c].map(|&node| reached(node));
            return Some(a.min(b).max(a.max(b).min(c)));
        }
        if nodes.len() > ON_STACK {
            let mut values: Vec<u64> = nodes.iter().map(|&node| reached(node)).collect();
            // So many of the lowest are not needed: the others are a quorum.
            let spare = (values.len() - 1) / 2;
            return Some(*values.select_nth_unstable(spare).1);
        }
        let mut values = [0; ON_STACK];
        let values = &mut values[..nodes.len()];
        for (value, &node) in values.iter_mut().zip(nodes) {
            *value = reached(node);
        }
        let quorum = nodes.len() / 2 + 1;
        let by_quorum = |&&value: &&u64| values.iter().filter(|&&v| v >= value).count() >= quorum;
        values.iter().filter(by_quorum).max().copied()
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
