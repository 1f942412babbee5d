//! More than half of the weight.

use super::{ON_STACK, QuorumSystem, VoteResult};
use alloc::vec::Vec;
use purlin_core::node::{NodeId, Weight};

/// Any nodes that together have more than half of the weight (Gifford, "Weighted voting for
/// replicated data", SOSP 1979). Name each once: a node named twice counts twice.
///
/// Where each node weighs 1, this is [`Majority`](super::Majority). A node of weight 0 is heard and
/// does not count. If all weigh 0, none is ever more than half: nothing but 0 is committed, and every
/// vote is lost.
///
/// Sums are exact. `vote_result` is *O*(*n*), `committed` *O*(*n* log *n*); up to nine nodes it
/// counts on the stack, for more it allocates a list. Both ask for each node once.
///
/// ```
/// use purlin_core::node::{NodeId, Weight};
/// use purlin_quorum::quorum::{QuorumSystem, VoteResult, Weighted};
///
/// let nodes = [(NodeId(1), Weight::new(3)), (NodeId(2), Weight::ONE), (NodeId(3), Weight::ONE)];
/// let only_the_first = |node: NodeId| if node == NodeId(1) { 8 } else { 0 };
/// assert_eq!(Weighted(&nodes).committed(only_the_first), Some(8), "3 of 5");
///
/// let all_but_the_first = |node: NodeId| (node != NodeId(1)).then_some(true);
/// assert_eq!(Weighted(&nodes).vote_result(all_but_the_first), VoteResult::Pending);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a>(pub &'a [(NodeId, Weight)]);

impl Weighted<'_> {
    /// What is not more than half: the rest has to outweigh it.
    fn half(&self) -> u64 {
        let total: u64 = self
            .0
            .iter()
            .map(|&(_, weight)| u64::from(weight.get()))
            .sum();
        total / 2
    }
}

impl QuorumSystem for Weighted<'_> {
    fn committed(&self, reached: impl Fn(NodeId) -> u64) -> Option<u64> {
        let nodes = self.0;
        if nodes.is_empty() {
            return None;
        }
        let values = nodes
            .iter()
            .map(|&(node, weight)| (reached(node), weight.get()));
        if nodes.len() > ON_STACK {
            return Some(heavier_than(self.half(), &mut values.collect::<Vec<_>>()));
        }
        let mut on_stack = [(0, 0); ON_STACK];
        let on_stack = &mut on_stack[..nodes.len()];
        for (slot, value) in on_stack.iter_mut().zip(values) {
            *slot = value;
        }
        Some(heavier_than(self.half(), on_stack))
    }

    fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        let (mut yes, mut not_no) = (0, 0);
        for &(node, weight) in self.0 {
            let weight = u64::from(weight.get());
            let answer = vote(node);
            yes += if answer == Some(true) { weight } else { 0 };
            not_no += if answer == Some(false) { 0 } else { weight };
        }
        let half = self.half();
        if yes > half || self.0.is_empty() {
            VoteResult::Won
        } else if not_no > half {
            VoteResult::Pending
        } else {
            VoteResult::Lost
        }
    }
}

/// The highest value that nodes heavier than `half` have reached; 0 when there is no such value.
fn heavier_than(half: u64, values: &mut [(u64, u32)]) -> u64 {
    values.sort_unstable_by_key(|&(value, _)| core::cmp::Reverse(value));
    let mut sum = 0;
    for &(value, weight) in &*values {
        sum += u64::from(weight);
        if sum > half {
            return value;
        }
    }
    0
}
