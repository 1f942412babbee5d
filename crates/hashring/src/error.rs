//! What can be wrong with a membership or with the options of a placement.

use crate::member::Member;
use core::fmt;
use purlin_core::node::{NodeId, Weight};

/// Why a membership cannot be changed as asked. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// A member has this identity already.
    #[error("node {id} is a member already")]
    Duplicate {
        /// The identity both have.
        id: NodeId,
    },
    /// No member has this identity.
    #[error("node {id} is no member")]
    Unknown {
        /// The identity that was asked for.
        id: NodeId,
    },
    /// The algorithm knows no weights.
    #[error(
        "node {id} cannot have weight {weight}: {algorithm} treats all nodes alike, with weight 1"
    )]
    Unweighted {
        /// The node.
        id: NodeId,
        /// The refused weight.
        weight: Weight,
        /// The algorithm, as in the registry.
        algorithm: &'static str,
    },
    /// The algorithm can only remove the node that was added last.
    #[error(
        "node {id} cannot be removed: {algorithm} removes the node added last only, which is {last}"
    )]
    NotLast {
        /// The node that was to go.
        id: NodeId,
        /// The node that can go.
        last: NodeId,
        /// The algorithm, as in the registry.
        algorithm: &'static str,
    },
    /// There is no room for one more node.
    #[error("no room for another node: the limit is {limit}")]
    TooManyNodes {
        /// How many nodes there can be.
        limit: u64,
    },
    /// Weights would take more virtual nodes than the ring may have.
    #[error(
        "the ring would have {points} points, its limit is {limit}: use smaller weights or fewer points per weight"
    )]
    TooManyPoints {
        /// How many points there would be.
        points: u64,
        /// How many there may be.
        limit: u64,
    },
}

/// A member that was not added, and why. The member comes back whole.
///
/// `?` turns it into a [`MembershipError`] where only the reason is wanted.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused<T> {
    /// The member that was not added.
    pub member: Member<T>,
    /// Why.
    pub reason: MembershipError,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<T> core::error::Error for Refused<T> {}

impl<T> From<Refused<T>> for MembershipError {
    fn from(refused: Refused<T>) -> Self {
        refused.reason
    }
}

/// Why a placement cannot be built as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An option is out of its bounds.
    #[error("{option} is {value}, but must be {bound}")]
    Option {
        /// The name of the option.
        option: &'static str,
        /// What was asked for.
        value: u64,
        /// What it must be.
        bound: &'static str,
    },
    /// The algorithm has no such option.
    #[error("{algorithm} has no option {option}")]
    NoSuchOption {
        /// The name of the option.
        option: &'static str,
        /// The algorithm, as in the registry.
        algorithm: &'static str,
    },
    /// One of the members cannot be a member.
    #[error("member {position}: {reason}")]
    Member {
        /// Its place in the list that was given, counted from 0.
        position: usize,
        /// What is wrong with it.
        reason: MembershipError,
    },
}
