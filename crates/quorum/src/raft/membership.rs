//! Who belongs to a group, and how that changes.

use super::position::Index;
use crate::quorum::VoteResult;
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use thiserror::Error;

/// The members of a group and what they are.
///
/// Outside a change there are voters and learners. While voters change (joint consensus, §6) there
/// are two sets of voters, `incoming` and `outgoing`, and whatever is decided needs a majority of
/// each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Configuration {
    incoming: Vec<NodeId>,
    outgoing: Vec<NodeId>,
    learners: Vec<NodeId>,
    learners_next: Vec<NodeId>,
    witnesses: Vec<NodeId>,
    auto_leave: bool,
}

impl Configuration {
    /// Voters, and nothing else.
    #[must_use]
    pub fn new(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let mut incoming: Vec<NodeId> = voters.into_iter().collect();
        incoming.sort_unstable();
        incoming.dedup();
        Self {
            incoming,
            ..Self::default()
        }
    }

    /// The voters; while joint, those after the change.
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
    pub fn learners_next(&self) -> &[NodeId] {
        &self.learners_next
    }

    /// Those voters that keep no commands: they vote, acknowledge, and never lead.
    #[must_use]
    pub fn witnesses(&self) -> &[NodeId] {
        &self.witnesses
    }

    /// While joint, whether the leader ends it by itself.
    #[must_use]
    pub fn auto_leave(&self) -> bool {
        self.auto_leave
    }

    /// Whether voters are changing.
    #[must_use]
    #[inline]
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether there is any voter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.incoming.is_empty()
    }

    /// Whether `node` votes, in either set.
    #[must_use]
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.incoming.contains(&node) || self.outgoing.contains(&node)
    }

    /// Whether `node` is a voter that keeps no commands.
    #[must_use]
    pub fn is_witness(&self, node: NodeId) -> bool {
        self.witnesses.contains(&node)
    }

    /// Whether `node` is of the group at all.
    #[must_use]
    pub fn is_member(&self, node: NodeId) -> bool {
        self.is_voter(node) || self.learners.contains(&node)
    }

    /// Everybody, each once, in ascending order.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        let mut all = [&self.incoming[..], &self.outgoing, &self.learners].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The highest index that a quorum has acknowledged. `Index::ZERO` when there are no voters.
    #[must_use]
    pub fn committed(&self, acknowledged: impl Fn(NodeId) -> u64) -> u64 {
        use crate::quorum::{Joint, Majority, QuorumSystem as _};
        Joint(Majority(&self.incoming), Majority(&self.outgoing))
            .committed(acknowledged)
            .unwrap_or(0)
    }

    /// How a vote stands. Never won when there are no voters.
    #[must_use]
    pub fn vote_result(&self, vote: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        use crate::quorum::{Joint, Majority, QuorumSystem as _};
        if self.incoming.is_empty() {
            return VoteResult::Pending;
        }
        Joint(Majority(&self.incoming), Majority(&self.outgoing)).vote_result(vote)
    }

    /// About how many bytes it takes in the log.
    #[must_use]
    pub fn size(&self) -> usize {
        8 * (self.incoming.len() + self.outgoing.len() + self.learners.len() + self.witnesses.len())
            + 8
    }

    /// The configuration after changing at most one voter (thesis §4.1).
    ///
    /// # Errors
    ///
    /// [`ChangeError`]; nothing has changed then.
    pub fn simple(&self, _changes: &[Change]) -> Result<Self, ChangeError> {
        unimplemented!("helper")
    }

    /// The joint configuration that begins a change of any number of voters (§6).
    ///
    /// # Errors
    ///
    /// [`ChangeError`]; nothing has changed then.
    pub fn enter_joint(&self, _changes: &[Change], _auto_leave: bool) -> Result<Self, ChangeError> {
        unimplemented!("helper")
    }

    /// The configuration after a joint one.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotJoint`].
    pub fn leave_joint(&self) -> Result<Self, ChangeError> {
        unimplemented!("helper")
    }

    /// The configuration that `change` leads to.
    ///
    /// # Errors
    ///
    /// [`ChangeError`]; nothing has changed then.
    pub fn change(&self, change: &MembershipChange) -> Result<Self, ChangeError> {
        match (change.transition, &change.changes[..]) {
            (_, []) => self.leave_joint(),
            (Transition::Auto, changes) => self.simple(changes).or_else(|error| match error {
                ChangeError::MoreThanOneVoter => self.enter_joint(changes, true),
                error => Err(error),
            }),
            (Transition::Joint { auto_leave }, changes) => self.enter_joint(changes, auto_leave),
        }
    }
}

/// One step of a change of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Change {
    /// A new voter, or a learner or witness that becomes a full voter.
    AddVoter(NodeId),
    /// A new learner, or a voter that becomes one.
    AddLearner(NodeId),
    /// A new witness, or a voter that becomes one.
    AddWitness(NodeId),
    /// Somebody less.
    Remove(NodeId),
}

/// How a change of several voters goes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Transition {
    /// In one step when at most one voter changes, otherwise joint, left automatically.
    #[default]
    Auto,
    /// Always through a joint configuration.
    Joint {
        /// Whether the leader leaves it by itself as soon as it is committed; otherwise a change
        /// without any [`Change`] does.
        auto_leave: bool,
    },
}

/// A change of members, as proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MembershipChange {
    /// How to go about it.
    pub transition: Transition,
    /// The steps, in order; the net effect counts. None: leave the joint configuration.
    pub changes: Vec<Change>,
}

/// Why members cannot change like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// A joint configuration is to be left where there is none.
    #[error("the configuration is not joint")]
    NotJoint,
    /// A joint configuration is to be entered from a joint one.
    #[error("the configuration is joint already")]
    AlreadyJoint,
    /// A simple change in a joint configuration.
    #[error("the configuration is joint: leave it first")]
    JointInProgress,
    /// There are no voters to begin with.
    #[error("there are no voters")]
    NoVoters,
    /// No voter would be left.
    #[error("no voter would be left")]
    RemovedAllVoters,
    /// A simple change may change one voter.
    #[error("more than one voter would change: go through a joint configuration")]
    MoreThanOneVoter,
}

/// The configurations in force along the log: the last one at or before an index holds there. They
/// go away with the entries that brought them.
#[derive(Clone, Debug)]
pub(crate) struct History {
    base: alloc::sync::Arc<Configuration>,
    /// Ascending by index.
    later: Vec<(Index, alloc::sync::Arc<Configuration>)>,
}

impl History {
    pub(crate) fn new(base: alloc::sync::Arc<Configuration>) -> Self {
        Self {
            base,
            later: Vec::new(),
        }
    }

    /// The one in force at the end of the log.
    pub(crate) fn current(&self) -> &alloc::sync::Arc<Configuration> {
        self.later
            .last()
            .map_or(&self.base, |(_, configuration)| configuration)
    }

    /// Where the current one stands in the log; zero when it came with the snapshot.
    pub(crate) fn index(&self) -> Index {
        self.later.last().map_or(Index::ZERO, |&(index, _)| index)
    }

    /// The one in force at `index`.
    pub(crate) fn at(&self, index: Index) -> &alloc::sync::Arc<Configuration> {
        let after = self.later.partition_point(|&(other, _)| other <= index);
        after
            .checked_sub(1)
            .map_or(&self.base, |last| &self.later[last].1)
    }

    pub(crate) fn push(&mut self, index: Index, configuration: alloc::sync::Arc<Configuration>) {
        debug_assert!(
            self.index() < index,
            "configurations come in the order of the log"
        );
        self.later.push((index, configuration));
    }

    /// Forgets those at `from` and after it; whether there were any.
    pub(crate) fn truncate(&mut self, from: Index) -> bool {
        let keep = self.later.partition_point(|&(index, _)| index < from);
        let any = keep < self.later.len();
        self.later.truncate(keep);
        any
    }

    /// Makes the one in force at `upto` the base.
    pub(crate) fn compact(&mut self, upto: Index) {
        let drop = self.later.partition_point(|&(index, _)| index <= upto);
        if let Some((_, base)) = self.later.drain(..drop).next_back() {
            self.base = base;
        }
    }
}
