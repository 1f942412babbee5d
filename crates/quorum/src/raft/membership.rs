//! Who belongs to a group, and how that changes.

mod change;
mod history;
mod parts;
#[cfg(test)]
mod tests;

pub use change::{Change, ChangeError, MembershipChange, Transition};
pub(crate) use history::History;
pub use parts::{ConfigurationError, ConfigurationParts};

use crate::quorum::{Joint, Majority, QuorumSystem as _, VoteResult};
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// Node 0, which is no node: as in etcd and raft-rs it is what a field holds that was never set.
const NOBODY: NodeId = NodeId(0);

/// The members of a group and what they are.
///
/// | | receives the log | acknowledges and votes | keeps commands, may lead |
/// |---|---|---|---|
/// | voter | yes | yes | yes |
/// | witness | yes, without commands | yes | no |
/// | learner | yes | no | keeps them, does not lead |
///
/// Outside a change there are voters, some of which may be witnesses, and learners. While voters
/// change (joint consensus, §6) there are two sets of voters, the incoming and the outgoing, and
/// whatever is decided needs a majority of each.
///
/// A configuration is a value: every change makes another one. Its lists are in ascending order, so
/// that equal configurations are equal byte for byte. It holds:
///
/// * no learner votes, in neither half;
/// * [`learners_next`](Self::learners_next) are voters of the outgoing half alone;
/// * witnesses are voters, and less than a majority of each half: what a quorum has acknowledged, at
///   least one node keeps;
/// * without a voter there is nobody at all;
/// * node 0 stands for nobody and is never a member.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::{Change, ChangeError, Configuration};
///
/// let group = Configuration::new([1, 2].map(NodeId)).simple(&[Change::AddWitness(NodeId(3))])?;
/// assert_eq!(group.voters(), [1, 2, 3].map(NodeId));
/// assert!(group.is_witness(NodeId(3)));
/// // What each node has acknowledged; two of three have 7.
/// let committed = group.committed(|node| [7, 4, 7][node.0 as usize - 1]);
/// assert_eq!(committed, 7);
/// # Ok::<(), ChangeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "ConfigurationParts"))]
pub struct Configuration {
    incoming: Vec<NodeId>,
    outgoing: Vec<NodeId>,
    learners: Vec<NodeId>,
    learners_next: Vec<NodeId>,
    witnesses: Vec<NodeId>,
    auto_leave: bool,
}

impl Configuration {
    /// Voters, and nothing else. Node 0 stands for nobody and is passed over. *O*(*n* log *n*).
    ///
    /// Learners and witnesses come by [`simple`](Self::simple) or [`from_parts`](Self::from_parts).
    #[must_use]
    pub fn new(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let voters = voters.into_iter().filter(|&node| node != NOBODY);
        Self {
            incoming: parts::sorted(voters.collect()),
            ..Self::default()
        }
    }

    /// The voters, in ascending order; while joint, those after the change.
    #[must_use]
    #[inline]
    pub fn voters(&self) -> &[NodeId] {
        &self.incoming
    }

    /// While joint, the voters before the change; otherwise nobody.
    #[must_use]
    #[inline]
    pub fn outgoing(&self) -> &[NodeId] {
        &self.outgoing
    }

    /// Those who receive the log and do not vote.
    #[must_use]
    #[inline]
    pub fn learners(&self) -> &[NodeId] {
        &self.learners
    }

    /// While joint, those voters that become learners when it ends.
    #[must_use]
    #[inline]
    pub fn learners_next(&self) -> &[NodeId] {
        &self.learners_next
    }

    /// Those voters, of either half, that keep no commands: they vote, acknowledge, and never lead.
    #[must_use]
    #[inline]
    pub fn witnesses(&self) -> &[NodeId] {
        &self.witnesses
    }

    /// While joint, whether the leader ends it by itself.
    #[must_use]
    #[inline]
    pub fn auto_leave(&self) -> bool {
        self.auto_leave
    }

    /// Whether voters are changing.
    #[must_use]
    #[inline]
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether there is nobody: a node starts so that others are to tell who the members are.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.incoming.is_empty()
    }

    /// Whether `node` votes, in either set. *O*(log *n*).
    #[must_use]
    pub fn is_voter(&self, node: NodeId) -> bool {
        has(&self.incoming, node) || has(&self.outgoing, node)
    }

    /// Whether `node` is a voter that keeps no commands. *O*(log *n*).
    #[must_use]
    pub fn is_witness(&self, node: NodeId) -> bool {
        has(&self.witnesses, node)
    }

    /// Whether `node` is of the group at all. *O*(log *n*).
    #[must_use]
    pub fn is_member(&self, node: NodeId) -> bool {
        self.is_voter(node) || has(&self.learners, node)
    }

    /// Everybody, each once, in ascending order. *O*(*n* log *n*), one allocation.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        parts::sorted([&self.incoming[..], &self.outgoing, &self.learners].concat())
    }

    /// The highest index that a quorum has acknowledged, if `acknowledged` says what each voter has:
    /// while joint, a majority of both halves. 0 when there are no voters.
    ///
    /// Asks for each voter once (twice, if it is in both halves), and does not allocate up to nine
    /// voters a half; see [`Majority`].
    #[must_use]
    #[inline]
    pub fn committed(&self, acknowledged: impl Fn(NodeId) -> u64) -> u64 {
        self.quorums().committed(acknowledged).unwrap_or(0)
    }

    /// How a vote stands, if `vote` says what each voter has answered: while joint, it takes a
    /// majority of both halves. Never won when there are no voters. *O*(*n*).
    #[must_use]
    pub fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        if self.is_empty() {
            return VoteResult::Pending;
        }
        self.quorums().vote_result(vote)
    }

    fn quorums(&self) -> Joint<Majority<'_>, Majority<'_>> {
        Joint(Majority(&self.incoming), Majority(&self.outgoing))
    }

    /// About how many bytes it takes in the log.
    #[must_use]
    pub fn size(&self) -> usize {
        let nodes = self.incoming.len()
            + self.outgoing.len()
            + self.learners.len()
            + self.learners_next.len()
            + self.witnesses.len();
        nodes * size_of::<NodeId>() + 8
    }
}

/// Whether witnesses alone make a majority of these voters. Of no voters nobody is a majority.
fn witness_majority(voters: &[NodeId], witnesses: &[NodeId]) -> bool {
    let count = voters.iter().filter(|&&node| has(witnesses, node)).count();
    count > voters.len() / 2
}

fn has(list: &[NodeId], node: NodeId) -> bool {
    list.binary_search(&node).is_ok()
}

fn insert(list: &mut Vec<NodeId>, node: NodeId) {
    if let Err(place) = list.binary_search(&node) {
        list.insert(place, node);
    }
}

fn remove(list: &mut Vec<NodeId>, node: NodeId) {
    if let Ok(place) = list.binary_search(&node) {
        list.remove(place);
    }
}
