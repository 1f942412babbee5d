//! Counting votes.

use super::VoteResult;
use crate::raft::Configuration;
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// Who has answered what. The first answer of a node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Votes(Vec<(NodeId, bool)>);

impl Votes {
    /// No answer yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Counts an answer, if it is the first one of that node.
    pub fn record(&mut self, node: NodeId, granted: bool) {
        if self.get(node).is_none() {
            self.0.push((node, granted));
        }
    }

    /// What a node has answered.
    #[must_use]
    pub fn get(&self, node: NodeId) -> Option<bool> {
        self.0
            .iter()
            .find(|(other, _)| *other == node)
            .map(|&(_, granted)| granted)
    }

    /// How the vote stands.
    #[must_use]
    pub fn result(&self, configuration: &Configuration) -> VoteResult {
        configuration.vote_result(|node| self.get(node))
    }
}
