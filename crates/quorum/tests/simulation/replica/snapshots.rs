//! Snapshots: made, sent in parts, taken in.

use super::super::registers::Registers;
use super::disk::Then;
use super::{Chore, Replica};
use alloc::vec::Vec;
use purlin_core::time::Instant;
use purlin_quorum::raft::{ChunkRequest, Index, SnapshotChunk, SnapshotMeta};

impl Replica {
    /// Begins a compaction when enough has been applied since the last one; now and then the state
    /// machine is saved without one.
    pub(super) fn save_if_due(&mut self) {
        if self.is_stopped() {
            return;
        }
        let since = self.applied - self.snapshot.0.position.index;
        if since >= self.plan.compact_every || since > 0 && self.is_log_half_full() {
            self.compact();
        }
        if self.applied - self.written_applied >= self.plan.save_every && !self.is_installing() {
            self.write_applied();
        }
    }

    /// Whether the log comes near its bound, if it has one.
    fn is_log_half_full(&self) -> bool {
        let bound = self.plan.config.max_log_bytes;
        let entries = self.raft.last_position().index - self.snapshot.0.position.index;
        // An entry counts for 48 bytes more than its payload.
        bound < 1 << 20 && self.raft.status().log_bytes + 48 * entries > bound / 2
    }

    /// Begins a compaction. False when one is under way or there is nothing to compact.
    pub(super) fn compact(&mut self) -> bool {
        let is_new = self.applied > self.snapshot.0.position.index;
        let meta = self
            .raft
            .snapshot_meta(self.applied, self.registers.digest());
        let Some(meta) = meta.filter(|_| is_new) else {
            return false;
        };
        if self.is_compacting || self.is_installing() {
            return false;
        }
        self.is_compacting = true;
        let (next, last) = (self.applied.next(), self.raft.last_position().index);
        let entries = self.raft.entries(next, last, u64::MAX);
        let entries = entries.iter().map(|(_, entry)| entry.clone()).collect();
        self.snapshot = (meta.clone(), self.registers.clone());
        self.write_checkpoint(entries, Then::Compacted(meta), false);
        true
    }

    pub(super) fn compacted(&mut self, now: Instant, meta: SnapshotMeta, record: u64) {
        self.is_compacting = false;
        self.prune(record);
        let compacted = self.raft.compact(now, meta);
        compacted.expect("what is applied may be compacted");
        self.ghost.borrow_mut().tally.compactions += 1;
    }

    /// Reads a part of the own snapshot for a follower.
    pub(super) fn fetch_chunk(&mut self, now: Instant, request: ChunkRequest) {
        let (meta, registers) = &self.snapshot;
        let is_there = *meta == request.meta && !self.is_compacting;
        if !is_there {
            self.ghost.borrow_mut().tally.chunks_unavailable += 1;
            return self.raft.chunk_unavailable(now, &request);
        }
        let image = registers.image();
        let start = usize::try_from(request.offset)
            .unwrap_or(usize::MAX)
            .min(image.len());
        let end = image.len().min(start + request.max_bytes as usize);
        let chunk = SnapshotChunk {
            meta: request.meta,
            offset: request.offset,
            data: image.slice(start..end),
            done: end == image.len(),
        };
        // The core may have no use for it any more.
        let _ = self.raft.chunk(now, request.to, chunk);
    }

    /// Stores a part of a snapshot that comes from the leader.
    pub(super) fn store_chunk(&mut self, now: Instant, chunk: SnapshotChunk) {
        if chunk.offset == 0 {
            let abandoned = self.incoming.replace((chunk.meta.clone(), Vec::new()));
            self.ghost.borrow_mut().tally.snapshots_aborted += u64::from(abandoned.is_some());
        }
        let Some((meta, data)) = &mut self.incoming else {
            panic!("{} is to store a part of nothing", self.id);
        };
        assert_eq!(
            (&chunk.meta, chunk.offset),
            (&*meta, data.len() as u64),
            "{} is to store a part that does not fit",
            self.id
        );
        data.extend_from_slice(&chunk.data);
        let stored = data.len() as u64;
        if chunk.done {
            self.write_checkpoint(Vec::new(), Then::Installed(chunk.meta, stored), true);
        } else {
            self.later(now, Chore::Stored(chunk.meta, stored));
        }
    }

    /// The snapshot that has come in.
    pub(super) fn incoming_image(&self) -> (SnapshotMeta, Registers) {
        let (meta, data) = self.incoming.as_ref().expect("it was asked to be stored");
        if data.is_empty() {
            return (meta.clone(), Registers::default()); // a witness keeps nothing
        }
        let image = Registers::from_image(data);
        let image = image.unwrap_or_else(|| panic!("{} got a snapshot that is none", self.id));
        assert_eq!(image.digest(), meta.id, "{} got another snapshot", self.id);
        (meta.clone(), image)
    }

    pub(super) fn report_stored(&mut self, now: Instant, meta: SnapshotMeta, stored: u64) {
        // The core may have given it up.
        let _ = self.raft.chunk_stored(now, &meta, stored);
    }

    /// The snapshot is durable: it replaces the state machine.
    pub(super) fn installed(&mut self, now: Instant, meta: SnapshotMeta, bytes: u64, record: u64) {
        let index = meta.position.index;
        self.prune(record);
        let mut ghost = self.ghost.borrow_mut();
        ghost.installs(self.id, index);
        drop(ghost);
        let (meta, registers) = self.incoming_image();
        self.incoming = None;
        self.registers = registers.clone();
        self.applied = index;
        self.snapshot = (meta.clone(), registers);
        self.chores
            .retain(|(_, chore)| !matches!(chore, Chore::Apply(..)));
        self.forget_proposals(index);
        self.answer_waiting();
        self.report_stored(now, meta, bytes);
    }

    fn is_installing(&self) -> bool {
        let mut waiting = self.unsynced.iter();
        waiting.any(|(_, then)| matches!(then, Then::Installed(..)))
    }

    /// Proposals up to here may have been committed or not: the snapshot does not tell.
    fn forget_proposals(&mut self, upto: Index) {
        self.proposals = self.proposals.split_off(&upto.next());
    }
}
