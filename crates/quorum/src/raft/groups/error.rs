//! Why something is refused.

use super::GroupId;
use crate::raft::{ConfigError, Error, Input, StartError};
use alloc::boxed::Box;
use thiserror::Error;

/// Why a group cannot be created. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is one of that name.
    #[error("{0} is here already")]
    Exists(GroupId),
    /// It cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There are 2^32 groups.
    #[error("there is no room for another group")]
    Full,
}

impl From<ConfigError> for CreateError {
    fn from(error: ConfigError) -> Self {
        Self::Start(error.into())
    }
}

/// An input that is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GroupsError {
    /// No such group is here. When it is a message from a leader that has this machine for a member,
    /// [`create`](super::Groups::create) the group with
    /// [`Recovered::joining`](crate::raft::Recovered::joining) and hand the message in again.
    #[error("{0} is not here")]
    UnknownGroup(GroupId, Box<Input>),
    /// A message of another cluster or for another machine.
    #[error("a message of another cluster or for another machine")]
    Misdirected,
    /// The group refuses it.
    #[error("{0}: {1}")]
    Refused(GroupId, #[source] Error),
}
