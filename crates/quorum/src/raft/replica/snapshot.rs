//! Snapshots of a replica: when to make one, and what goes between the node, its store and its state
//! machine.

use super::{Replica, ReplicaError, StateMachine};
use crate::raft::append::ENTRY_OVERHEAD;
use crate::raft::position::Index;
use crate::raft::progress::ProgressState;
use crate::raft::snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
use crate::raft::storage::Storage;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// A follower that is being sent a snapshot puts off the next one until the log is so many times as
/// long as it would be: each new one makes the transfer begin anew.
const PATIENCE: u64 = 4;

impl<S: Storage, M: StateMachine> Replica<S, M> {
    pub(super) fn fetch(
        &mut self,
        now: Instant,
        request: ChunkRequest,
    ) -> Result<(), ReplicaError<S::Error>> {
        let ChunkRequest {
            to,
            ref meta,
            offset,
            max_bytes,
        } = request;
        match self.storage.read_chunk(meta, offset, max_bytes)? {
            Some(chunk) => self.raft.chunk(now, to, chunk)?,
            None => self.raft.chunk_unavailable(now, &request),
        }
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        now: Instant,
        chunk: &SnapshotChunk,
    ) -> Result<(), ReplicaError<S::Error>> {
        let stored = self.storage.store_chunk(chunk)?;
        if chunk.done {
            restore(
                &mut self.storage,
                &mut self.machine,
                &chunk.meta,
                self.raft.config().id,
            )?;
            self.since_snapshot = 0;
            self.forget_up_to(chunk.meta.position.index);
        }
        self.raft.chunk_stored(now, &chunk.meta, stored)?;
        Ok(())
    }

    pub(super) fn is_snapshot_due(&self) -> bool {
        if self.since_snapshot > self.room_for_log() {
            return true;
        }
        let bound = self.snapshot_after_bytes;
        if self.since_snapshot <= bound || self.since_snapshot > bound.saturating_mul(PATIENCE) {
            return self.since_snapshot > bound;
        }
        let peers = self.raft.status().peers;
        peers
            .iter()
            .all(|peer| peer.state != ProgressState::Snapshot)
    }

    /// How much may be applied since the last snapshot with room for more in the log.
    fn room_for_log(&self) -> u64 {
        let config = self.raft.config();
        let (log, largest) = (config.max_log_bytes, config.max_entry_bytes);
        let beside = log.saturating_sub(largest.saturating_add(ENTRY_OVERHEAD));
        (beside / 2).max(log / 4)
    }

    /// Cuts the log by a snapshot of the present state, if that is beyond the last one.
    pub(super) fn take_snapshot(&mut self, now: Instant) -> Result<bool, ReplicaError<S::Error>> {
        self.since_snapshot = 0;
        let index = self.raft.applied_index();
        // Snapshots of the same state may differ in bytes from node to node.
        let maker = self.raft.config().incarnation.map_or(0, NonZeroU64::get);
        let Some(meta) = self.raft.snapshot_meta(index, maker) else {
            return Ok(false);
        };
        if index <= self.raft.status().snapshot.index {
            return Ok(false);
        }
        let data = self.machine.snapshot();
        self.storage.compact(&meta, &mut core::iter::once(data))?;
        self.raft.compact(now, meta)?;
        Ok(true)
    }
}

/// Brings the state machine to where the snapshot is. A witness has none.
pub(super) fn restore<S: Storage, M: StateMachine>(
    storage: &mut S,
    machine: &mut M,
    meta: &SnapshotMeta,
    id: NodeId,
) -> Result<(), ReplicaError<S::Error>> {
    if meta.position.index == Index::ZERO || meta.configuration.is_witness(id) {
        return Ok(());
    }
    let missing = ReplicaError::MissingSnapshot(meta.position);
    let snapshot = storage.snapshot(meta)?.ok_or(missing)?;
    machine
        .restore(&snapshot)
        .map_err(|error| ReplicaError::Restore(meta.position, error))
}
