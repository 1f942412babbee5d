//! Who has answered what.

use super::VoteResult;
use crate::raft::Configuration;
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// The answers to one candidate in one term.
///
/// The first answer of a node stands: messages are repeated and overtake each other, and nobody may
/// count twice or change sides. Answers of others than voters are kept and do not count. Equal
/// answers make equal values, in whichever order they came.
///
/// Holds one entry for each node that has answered; record members only, so that strangers do not
/// make it grow.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::quorum::{Majority, QuorumSystem, VoteResult, Votes};
/// use purlin_quorum::raft::Configuration;
///
/// let group = Configuration::new([1, 2, 3, 4].map(NodeId));
/// let mut votes = Votes::new();
/// assert!(votes.record(NodeId(1), true));
/// assert!(votes.record(NodeId(2), true));
/// assert!(!votes.record(NodeId(2), false), "it has answered");
/// votes.record(NodeId(9), true); // no voter
/// assert_eq!(votes.result(&group), VoteResult::Pending);
///
/// votes.record(NodeId(4), true);
/// assert_eq!(votes.result(&group), VoteResult::Won);
///
/// // Of any other system of quorums too.
/// let two = [3, 4].map(NodeId);
/// assert_eq!(Majority(&two).vote_result(|node| votes.get(node)), VoteResult::Pending);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Votes {
    /// Ascending by node.
    answers: Vec<(NodeId, bool)>,
}

impl Votes {
    /// Nobody has answered.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            answers: Vec::new(),
        }
    }

    /// `node` has answered. Whether that is its first answer; otherwise the first one stands.
    /// *O*(*n*).
    pub fn record(&mut self, node: NodeId, granted: bool) -> bool {
        let place = self.answers.binary_search_by_key(&node, |&(node, _)| node);
        if let Err(place) = place {
            self.answers.insert(place, (node, granted));
        }
        place.is_err()
    }

    /// What `node` has answered, if it has. *O*(log *n*).
    #[must_use]
    pub fn get(&self, node: NodeId) -> Option<bool> {
        let place = self
            .answers
            .binary_search_by_key(&node, |&(node, _)| node)
            .ok()?;
        Some(self.answers[place].1)
    }

    /// How the vote stands among the voters of `configuration`, see
    /// [`Configuration::vote_result`]. *O*(*n* log *n*).
    #[must_use]
    pub fn result(&self, configuration: &Configuration) -> VoteResult {
        configuration.vote_result(|node| self.get(node))
    }
}
