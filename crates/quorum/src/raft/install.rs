//! Receiving a snapshot, part by part (§7).

use super::Raft;
use super::error::Refusal;
use super::membership::History;
use super::message::Body;
use super::output::Output;
use super::progress::Inflight;
use super::role::Incoming;
use super::snapshot::{SnapshotChunk, SnapshotMeta};
use alloc::boxed::Box;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Whether the host is replacing the log by a snapshot.
    pub(crate) fn is_installing(&self) -> bool {
        let incoming = self.incoming.as_deref();
        incoming.is_some_and(|incoming| matches!(incoming.storing, Some((_, true))))
    }

    pub(crate) fn on_snapshot(&mut self, from: NodeId, chunk: SnapshotChunk) {
        if self.is_installing() {
            return;
        }
        let position = chunk.meta.position;
        let is_newer = position.index > self.commit || mutant!(self, InstallOlder);
        if !is_newer || self.log.term(position.index) == Some(position.term) {
            // The log has it all, and what the leader's snapshot covers is committed.
            self.matched = self.matched.max(position.index);
            self.follow_commit(position.index);
            self.ack_due = true;
            return;
        }
        let known = self
            .incoming
            .as_deref()
            .filter(|incoming| incoming.meta == chunk.meta);
        let stored = known.map_or(0, |incoming| incoming.stored);
        let busy = self
            .incoming
            .as_deref()
            .is_some_and(|incoming| incoming.storing.is_some());
        if busy {
            return; // The answer comes when the host is done.
        }
        let fits = chunk.offset == stored || mutant!(self, MixParts);
        if !fits || (chunk.data.is_empty() && !chunk.done) {
            let meta = chunk.meta;
            self.send_durable(
                from,
                Body::SnapshotAck {
                    meta,
                    stored,
                    round: self.round,
                },
            );
            return;
        }
        let end = stored + chunk.data.len() as u64;
        let meta = chunk.meta.clone();
        let storing = Some((end, chunk.done));
        // The term first: a disk with a snapshot of a later term than its own contradicts itself.
        if self.hard_dirty {
            self.emit_write();
        }
        self.incoming = Some(Box::new(Incoming {
            meta,
            stored,
            storing,
        }));
        self.outbox.push_back(Output::StoreChunk(chunk));
    }

    /// The part that [`Output::StoreChunk`] gave out is stored; `stored` is how many bytes of the
    /// snapshot there are now. If it was the last part, the snapshot has replaced the state machine
    /// and the log.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexpected`] when that was not asked for.
    pub fn chunk_stored(
        &mut self,
        now: Instant,
        meta: &SnapshotMeta,
        stored: u64,
    ) -> Result<(), Refusal> {
        self.admit(now)?;
        let Some(incoming) = self
            .incoming
            .as_deref_mut()
            .filter(|incoming| incoming.meta == *meta)
        else {
            return Err(Refusal::Unexpected(
                "a part of a snapshot that was not given out",
            ));
        };
        let Some((end, done)) = incoming.storing.filter(|&(end, _)| end == stored) else {
            return Err(Refusal::Unexpected(
                "a part of a snapshot that was not given out",
            ));
        };
        incoming.storing = None;
        incoming.stored = end;
        if done {
            self.incoming = None;
            self.install(meta);
        }
        if let Some(leader) = self.leader.filter(|&leader| leader != self.config.id) {
            if done {
                self.matched = self.matched.max(meta.position.index);
                self.ack_due = true;
            } else {
                let meta = meta.clone();
                self.send_durable(
                    leader,
                    Body::SnapshotAck {
                        meta,
                        stored,
                        round: self.round,
                    },
                );
            }
        }
        self.finish();
        Ok(())
    }

    fn install(&mut self, meta: &SnapshotMeta) {
        let position = meta.position;
        self.log.reset(position);
        if !mutant!(self, KeepConfigurationOverSnapshot) {
            self.history = History::new(meta.configuration.clone());
        }
        self.snapshot = meta.clone();
        if !mutant!(self, KeepStableOverSnapshot) {
            self.writes.reset(position.index);
        }
        self.commit = position.index;
        self.handed = position.index;
        self.applied = position.index;
        self.unapplied = Inflight::default();
        self.answer_reads();
        // Who of the members went and came back meanwhile, with another disk, it does not say.
        self.known.clear();
        self.configuration_changed();
    }
}
