//! Changes of members: in one step, or through a joint configuration.

use super::{Configuration, NOBODY, has, insert, remove, witness_majority};
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use thiserror::Error;

/// One step of a change of members.
///
/// To add what is there, or to remove what is not, is no error and changes nothing. Node 0 stands
/// for nobody: a step that names it is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Change {
    /// Adds a voter, or makes a learner one. A witness cannot become one: it lacks the commands.
    AddVoter(NodeId),
    /// Adds a learner, or makes a voter one.
    AddLearner(NodeId),
    /// Adds a witness. Nobody who keeps commands can become one.
    AddWitness(NodeId),
    /// Removes a node.
    Remove(NodeId),
}

impl Change {
    /// Whom it is about.
    #[must_use]
    pub const fn node(self) -> NodeId {
        match self {
            Self::AddVoter(node)
            | Self::AddLearner(node)
            | Self::AddWitness(node)
            | Self::Remove(node) => node,
        }
    }
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
        /// Whether the leader leaves it by itself as soon as it is committed; otherwise
        /// [`MembershipChange::leave`] does.
        auto_leave: bool,
    },
    /// Out of the joint configuration, without any [`Change`].
    Leave,
}

/// A change of members, as proposed: one [`Change`], or several, which come together.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::{Change, ChangeError, Configuration, MembershipChange};
///
/// let three = Configuration::new([1, 2, 3].map(NodeId));
/// let add = MembershipChange::from(Change::AddVoter(NodeId(4)));
/// assert!(!three.change(&add)?.is_joint(), "one voter more needs no joint configuration");
///
/// let replace = MembershipChange::from([Change::AddVoter(NodeId(4)), Change::Remove(NodeId(1))]);
/// let joint = three.change(&replace)?;
/// assert_eq!(joint.voters(), [2, 3, 4].map(NodeId));
/// assert_eq!(joint.outgoing(), [1, 2, 3].map(NodeId));
/// assert!(joint.auto_leave());
///
/// let leave = MembershipChange::leave();
/// assert_eq!(joint.change(&leave)?, Configuration::new([2, 3, 4].map(NodeId)));
/// assert_eq!(three.change(&leave), Err(ChangeError::NotJoint));
/// assert_eq!(joint.change(&MembershipChange::from([])), Err(ChangeError::NoChanges));
/// # Ok::<(), ChangeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MembershipChange {
    /// How to go about it.
    pub transition: Transition,
    /// The steps, in order; the net effect counts. At least one, but for [`Transition::Leave`], which
    /// takes none.
    pub changes: Vec<Change>,
}

impl MembershipChange {
    /// Ends a joint configuration that was entered without
    /// [`auto_leave`](Transition::Joint::auto_leave).
    #[must_use]
    pub const fn leave() -> Self {
        Self {
            transition: Transition::Leave,
            changes: Vec::new(),
        }
    }
}

impl From<Change> for MembershipChange {
    fn from(change: Change) -> Self {
        Self::from([change])
    }
}

impl<const N: usize> From<[Change; N]> for MembershipChange {
    fn from(changes: [Change; N]) -> Self {
        Self::from(Vec::from(changes))
    }
}

impl From<Vec<Change>> for MembershipChange {
    fn from(changes: Vec<Change>) -> Self {
        Self {
            transition: Transition::Auto,
            changes,
        }
    }
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
    /// Nothing is to change: [`MembershipChange::leave`] leaves a joint configuration.
    #[error("a change of members without any change")]
    NoChanges,
    /// Leaving a joint configuration takes no further changes.
    #[error("a joint configuration is left without further changes: make them afterwards")]
    LeaveAlone,
    /// There are no voters to begin with.
    #[error("there are no voters")]
    NoVoters,
    /// No voter would be left.
    #[error("no voter would be left")]
    RemovedAllVoters,
    /// A simple change may change one voter.
    #[error("more than one voter would change: go through a joint configuration")]
    MoreThanOneVoter,
    /// A majority of the voters, before the change or after it, would be witnesses, or would have
    /// been: what such a majority commits may be kept by nobody.
    #[error("witnesses, those of before and of after together, would be a majority of the voters")]
    TooManyWitnesses,
    /// Whoever keeps commands goes on keeping them, and a witness, which has none, stays one: it must
    /// be removed first, and may come back as the other with an empty store.
    #[error(
        "{0} would become a witness, or cease to be one: remove it, then add it with an empty store"
    )]
    WitnessForLife(NodeId),
}

/// Changes of members never modify a configuration: they make the next one.
impl Configuration {
    /// The configuration after changing at most one voter (thesis §4.1), and any number of learners.
    /// A majority before and a majority after it always have a node in common.
    ///
    /// *O*(*c* · *n*) for *c* changes of *n* members.
    ///
    /// ```
    /// use purlin_core::node::NodeId;
    /// use purlin_quorum::raft::{Change, ChangeError, Configuration};
    ///
    /// let group = Configuration::new([1, 2].map(NodeId));
    /// let group = group.simple(&[Change::AddVoter(NodeId(3)), Change::AddLearner(NodeId(4))])?;
    /// assert_eq!(group.voters(), [1, 2, 3].map(NodeId));
    /// assert_eq!(group.learners(), [NodeId(4)]);
    /// assert_eq!(
    ///     group.simple(&[Change::Remove(NodeId(1)), Change::Remove(NodeId(2))]),
    ///     Err(ChangeError::MoreThanOneVoter)
    /// );
    /// # Ok::<(), ChangeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JointInProgress`](ChangeError::JointInProgress) in a joint configuration; then, in this
    /// order, [`RemovedAllVoters`](ChangeError::RemovedAllVoters),
    /// [`MoreThanOneVoter`](ChangeError::MoreThanOneVoter),
    /// [`WitnessForLife`](ChangeError::WitnessForLife) and
    /// [`TooManyWitnesses`](ChangeError::TooManyWitnesses).
    pub fn simple(&self, changes: &[Change]) -> Result<Self, ChangeError> {
        if self.is_joint() {
            return Err(ChangeError::JointInProgress);
        }
        let mut next = self.clone();
        next.apply(changes);
        if next.is_empty() {
            return Err(ChangeError::RemovedAllVoters);
        }
        let gone = self
            .incoming
            .iter()
            .filter(|&&node| !has(&next.incoming, node));
        let new = next
            .incoming
            .iter()
            .filter(|&&node| !has(&self.incoming, node));
        if gone.count() + new.count() > 1 {
            return Err(ChangeError::MoreThanOneVoter);
        }
        self.check_witnesses(&next)?;
        Ok(next)
    }

    /// The joint configuration that begins a change of any number of voters (§6): from then on,
    /// until it is left, every decision needs a majority of the voters before and one of those
    /// after.
    ///
    /// A voter that becomes a learner goes on voting in the outgoing half, as what it was, and waits
    /// in [`learners_next`](Self::learners_next). *O*(*c* · *n*) for *c* changes of *n* members.
    ///
    /// ```
    /// use purlin_core::node::NodeId;
    /// use purlin_quorum::raft::{Change, ChangeError, Configuration};
    ///
    /// let group = Configuration::new([1, 2, 3].map(NodeId));
    /// let changes = [Change::AddVoter(NodeId(4)), Change::AddLearner(NodeId(1))];
    /// let joint = group.enter_joint(&changes, false)?;
    /// assert_eq!(joint.voters(), [2, 3, 4].map(NodeId));
    /// assert_eq!(joint.outgoing(), [1, 2, 3].map(NodeId));
    /// assert_eq!(joint.learners_next(), [NodeId(1)]);
    ///
    /// let after = joint.leave_joint()?;
    /// assert_eq!(after.voters(), [2, 3, 4].map(NodeId));
    /// assert_eq!(after.learners(), [NodeId(1)]);
    /// # Ok::<(), ChangeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: [`AlreadyJoint`](ChangeError::AlreadyJoint),
    /// [`NoVoters`](ChangeError::NoVoters), [`RemovedAllVoters`](ChangeError::RemovedAllVoters),
    /// [`WitnessForLife`](ChangeError::WitnessForLife) and
    /// [`TooManyWitnesses`](ChangeError::TooManyWitnesses).
    pub fn enter_joint(&self, changes: &[Change], auto_leave: bool) -> Result<Self, ChangeError> {
        if self.is_joint() {
            return Err(ChangeError::AlreadyJoint);
        }
        if self.is_empty() {
            return Err(ChangeError::NoVoters);
        }
        let mut next = Self {
            outgoing: self.incoming.clone(),
            auto_leave,
            ..self.clone()
        };
        next.apply(changes);
        if next.is_empty() {
            return Err(ChangeError::RemovedAllVoters);
        }
        // Who leaves stays what it was, whatever the steps made of it before they removed it.
        let leaves = |node| !has(&next.incoming, node);
        for &node in self.witnesses.iter().filter(|&&node| leaves(node)) {
            insert(&mut next.witnesses, node);
        }
        self.check_witnesses(&next)?;
        Ok(next)
    }

    /// The configuration after a joint one: the outgoing voters no longer count, and those of them
    /// that were to become learners are learners. *O*(*n* log *n*).
    ///
    /// # Errors
    ///
    /// [`NotJoint`](ChangeError::NotJoint).
    pub fn leave_joint(&self) -> Result<Self, ChangeError> {
        if !self.is_joint() {
            return Err(ChangeError::NotJoint);
        }
        let mut next = self.clone();
        next.outgoing.clear();
        next.auto_leave = false;
        for node in core::mem::take(&mut next.learners_next) {
            insert(&mut next.learners, node);
        }
        next.witnesses.retain(|&node| has(&next.incoming, node));
        Ok(next)
    }

    /// The configuration that `change` leads to, by the way that its [`Transition`] says.
    ///
    /// # Errors
    ///
    /// [`NoChanges`](ChangeError::NoChanges), [`LeaveAlone`](ChangeError::LeaveAlone), and those of [`simple`](Self::simple), [`enter_joint`](Self::enter_joint) or
    /// [`leave_joint`](Self::leave_joint).
    pub fn change(&self, change: &MembershipChange) -> Result<Self, ChangeError> {
        match (change.transition, &change.changes[..]) {
            (Transition::Leave, []) => self.leave_joint(),
            (Transition::Leave, _) => Err(ChangeError::LeaveAlone),
            (_, []) => Err(ChangeError::NoChanges),
            (Transition::Auto, changes) => self.simple(changes).or_else(|error| match error {
                ChangeError::MoreThanOneVoter => self.enter_joint(changes, true),
                error => Err(error),
            }),
            (Transition::Joint { auto_leave }, changes) => self.enter_joint(changes, auto_leave),
        }
    }

    /// Carries the steps out on the incoming voters, the learners, and what the voters are.
    fn apply(&mut self, changes: &[Change]) {
        for &change in changes {
            let node = change.node();
            if node == NOBODY {
                continue;
            }
            for list in [
                &mut self.incoming,
                &mut self.learners,
                &mut self.learners_next,
                &mut self.witnesses,
            ] {
                remove(list, node);
            }
            match change {
                Change::AddVoter(_) => insert(&mut self.incoming, node),
                Change::AddWitness(_) => {
                    insert(&mut self.incoming, node);
                    insert(&mut self.witnesses, node);
                }
                // Nobody is a voter and a learner at once, in neither half.
                Change::AddLearner(_) if has(&self.outgoing, node) => {
                    insert(&mut self.learners_next, node);
                }
                Change::AddLearner(_) => insert(&mut self.learners, node),
                Change::Remove(_) => {}
            }
        }
    }

    /// Every majority from before needs somebody who kept the commands then and keeps them now, as
    /// does every majority of those to come: otherwise what it committed could be lost. And nobody
    /// becomes a keeper by being called one.
    fn check_witnesses(&self, next: &Self) -> Result<(), ChangeError> {
        let promoted = |&&node: &&NodeId| {
            let keeps = next.is_member(node) && !next.is_witness(node);
            keeps || has(&next.learners_next, node)
        };
        let demoted = |&&node: &&NodeId| self.is_member(node) && !self.is_witness(node);
        let changed = self.witnesses.iter().find(promoted);
        if let Some(&node) = changed.or_else(|| next.witnesses.iter().find(demoted)) {
            return Err(ChangeError::WitnessForLife(node));
        }
        let witnesses = super::parts::sorted([&self.witnesses[..], &next.witnesses].concat());
        if witness_majority(&self.incoming, &witnesses)
            || witness_majority(&next.incoming, &witnesses)
        {
            return Err(ChangeError::TooManyWitnesses);
        }
        Ok(())
    }
}
