//! A configuration taken apart, and the check that puts it together again.

use super::{Configuration, NOBODY, has, witness_majority};
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use thiserror::Error;

/// The lists that a [`Configuration`] consists of, for those who read one from bytes.
///
/// Nothing about them is checked until they become a configuration again.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::{Configuration, ConfigurationError, ConfigurationParts};
///
/// let mut parts = ConfigurationParts::default();
/// parts.incoming = vec![NodeId(3), NodeId(1), NodeId(2)];
/// parts.learners = vec![NodeId(4)];
/// let configuration = Configuration::from_parts(parts.clone())?;
/// assert_eq!(configuration.voters(), [NodeId(1), NodeId(2), NodeId(3)]);
///
/// parts.learners.push(NodeId(2));
/// assert_eq!(
///     Configuration::from_parts(parts),
///     Err(ConfigurationError::LearnerVotes(NodeId(2)))
/// );
/// # Ok::<(), ConfigurationError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ConfigurationParts {
    /// See [`Configuration::voters`].
    pub incoming: Vec<NodeId>,
    /// See [`Configuration::outgoing`].
    pub outgoing: Vec<NodeId>,
    /// See [`Configuration::learners`].
    pub learners: Vec<NodeId>,
    /// See [`Configuration::learners_next`].
    pub learners_next: Vec<NodeId>,
    /// See [`Configuration::witnesses`].
    pub witnesses: Vec<NodeId>,
    /// See [`Configuration::auto_leave`].
    pub auto_leave: bool,
}

/// Lists of nodes that make no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Node 0 stands for nobody.
    #[error("node 0 stands for nobody and cannot be a member")]
    NodeZero,
    /// There are members, but no voters.
    #[error("there are members, but no voters")]
    NoVoters,
    /// Both a voter and a learner.
    #[error("{0} is both a voter and a learner")]
    LearnerVotes(NodeId),
    /// Nobody waits to become a learner but voters that leave.
    #[error("{0} is to become a learner, but is not among the voters that leave")]
    NotLeaving(NodeId),
    /// A witness that does not vote.
    #[error("{0} is a witness, but no voter")]
    WitnessNotVoter(NodeId),
    /// Witnesses alone could commit what nobody keeps.
    #[error("a majority of the voters are witnesses")]
    TooManyWitnesses,
    /// What is not joint cannot be left.
    #[error("auto_leave is set, but the configuration is not joint")]
    AutoLeaveNotJoint,
}

impl Configuration {
    /// Puts a configuration together, and refuses one that no sequence of changes leads to. The
    /// order of the lists, and repetitions in them, mean nothing. *O*(*n* log *n*).
    ///
    /// Nothing at all is a configuration too: that of a node that nobody has told anything yet.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] says what does not fit together, and for whom.
    pub fn from_parts(parts: ConfigurationParts) -> Result<Self, ConfigurationError> {
        let configuration = Self {
            incoming: sorted(parts.incoming),
            outgoing: sorted(parts.outgoing),
            learners: sorted(parts.learners),
            learners_next: sorted(parts.learners_next),
            witnesses: sorted(parts.witnesses),
            auto_leave: parts.auto_leave,
        };
        configuration.validate()?;
        Ok(configuration)
    }

    fn validate(&self) -> Result<(), ConfigurationError> {
        let lists = [
            &self.incoming,
            &self.outgoing,
            &self.learners,
            &self.learners_next,
            &self.witnesses,
        ];
        if lists.iter().any(|list| has(list, NOBODY)) {
            return Err(ConfigurationError::NodeZero);
        }
        if self.incoming.is_empty() && lists.iter().any(|list| !list.is_empty()) {
            return Err(ConfigurationError::NoVoters);
        }
        if self.auto_leave && !self.is_joint() {
            return Err(ConfigurationError::AutoLeaveNotJoint);
        }
        let first = |list: &[NodeId], wrong: &dyn Fn(NodeId) -> bool| {
            list.iter().copied().find(|&node| wrong(node))
        };
        if let Some(node) = first(&self.learners, &|node| self.is_voter(node)) {
            return Err(ConfigurationError::LearnerVotes(node));
        }
        let stays = |node| has(&self.incoming, node) || !has(&self.outgoing, node);
        if let Some(node) = first(&self.learners_next, &stays) {
            return Err(ConfigurationError::NotLeaving(node));
        }
        if let Some(node) = first(&self.witnesses, &|node| !self.is_voter(node)) {
            return Err(ConfigurationError::WitnessNotVoter(node));
        }
        if witness_majority(&self.incoming, &self.witnesses)
            || witness_majority(&self.outgoing, &self.witnesses)
        {
            return Err(ConfigurationError::TooManyWitnesses);
        }
        Ok(())
    }
}

/// See [`Configuration::from_parts`].
impl TryFrom<ConfigurationParts> for Configuration {
    type Error = ConfigurationError;

    fn try_from(parts: ConfigurationParts) -> Result<Self, ConfigurationError> {
        Self::from_parts(parts)
    }
}

pub(super) fn sorted(mut list: Vec<NodeId>) -> Vec<NodeId> {
    list.sort_unstable();
    list.dedup();
    list
}
