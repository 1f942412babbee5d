//! Why a replica does not go on.

use super::state_machine::RestoreError;
use crate::raft::config::ClusterId;
use crate::raft::error::Refusal;
use crate::raft::position::Position;
use crate::raft::start::StartError;
use crate::raft::storage::{Identity, StorageError};
use purlin_core::node::NodeId;
use thiserror::Error;

/// Why a replica does not start or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplicaError<E: core::error::Error + 'static> {
    /// The store failed; or, when opening, it is empty: bootstrap it, or join.
    #[error(transparent)]
    Storage(#[from] StorageError<E>),
    /// The store holds what cannot be, or the configuration is not valid.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store belongs to another node or cluster than the configuration says.
    #[error("the store belongs to {found}; the configuration is of {node} of cluster {}", cluster.0)]
    WrongStore {
        /// Whose store it is.
        found: Identity,
        /// [`Config::id`](crate::raft::Config::id).
        node: NodeId,
        /// [`Config::cluster`](crate::raft::Config::cluster).
        cluster: ClusterId,
    },
    /// The store has no bytes for the snapshot that it names.
    #[error("the snapshot at {0} is missing in the store")]
    MissingSnapshot(Position),
    /// The state machine does not take the snapshot.
    #[error("the state machine does not take the snapshot at {0}: {1}")]
    Restore(Position, RestoreError),
    /// The node refused what its own outputs led to: a defect.
    #[error("the node refused its own work: {0}")]
    Defect(#[from] Refusal),
}
