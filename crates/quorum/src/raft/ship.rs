//! Sending a snapshot to a follower, part by part.

use super::Raft;
use super::config::Config;
use super::error::Refusal;
use super::message::Body;
use super::output::Output;
use super::position::Index;
use super::progress::ProgressState;
use super::role::{Outgoing, Peer, Role};
use super::snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// Heartbeats without news after which a part is sent again.
const PATIENCE: u32 = 2;

/// Asks the host for what the peer needs next of `snapshot`, or of the one already on its way.
pub(crate) fn fetch(
    peer: &mut Peer,
    snapshot: &SnapshotMeta,
    config: &Config,
    outbox: &mut VecDeque<Output>,
) {
    let outgoing = peer.outgoing.get_or_insert_with(|| {
        Box::new(Outgoing {
            meta: snapshot.clone(),
            offset: 0,
            fetching: false,
            idle: 0,
        })
    });
    if core::mem::replace(&mut outgoing.fetching, true) {
        return;
    }
    outgoing.idle = 0;
    outbox.push_back(Output::FetchChunk(ChunkRequest {
        to: peer.id,
        meta: outgoing.meta.clone(),
        offset: outgoing.offset,
        max_bytes: config.snapshot_chunk_bytes,
    }));
}

impl Raft {
    /// The state machine has a snapshot of everything up to `meta.position`, durably: the log before
    /// it may go. [`snapshot_meta`](Self::snapshot_meta) makes the meta.
    ///
    /// [`Config::trailing_entries`] entries stay in memory for followers that are a little behind; on
    /// the disk everything that the snapshot covers may go now.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexpected`] for a position that is not applied or not of this log. An older
    /// snapshot than the last is ignored.
    pub fn compact(&mut self, now: Instant, meta: SnapshotMeta) -> Result<(), Refusal> {
        self.admit(now)?;
        let index = meta.position.index;
        if index <= self.snapshot.position.index {
            return Ok(());
        }
        if index > self.applied || self.log.term(index) != Some(meta.position.term) {
            return Err(Refusal::Unexpected(
                "a snapshot of what is not applied here",
            ));
        }
        self.snapshot = meta;
        let upto = Index(index.0.saturating_sub(self.config.trailing_entries));
        if upto > self.log.base().index {
            self.log.compact(upto);
            self.history.compact(upto);
        }
        self.finish();
        Ok(())
    }

    /// What a snapshot of the state after applying `index` is to be called; `None` when `index` is
    /// not applied or not in memory, or while the state machine is being replaced. `id` tells snapshots of the same index apart whose bytes may
    /// differ.
    #[must_use]
    pub fn snapshot_meta(&self, index: Index, id: u64) -> Option<SnapshotMeta> {
        if index > self.applied || self.is_installing() {
            return None;
        }
        let term = self.log.term(index)?;
        let configuration = self.history.at(index).clone();
        Some(SnapshotMeta {
            position: super::Position::new(term, index),
            configuration,
            id,
        })
    }

    /// A part of the own snapshot, as [`Output::FetchChunk`] asked for it. What nobody waits for any
    /// more is ignored.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexpected`] for an empty part that is not the last.
    pub fn chunk(&mut self, now: Instant, to: NodeId, chunk: SnapshotChunk) -> Result<(), Refusal> {
        self.admit(now)?;
        if chunk.data.is_empty() && !chunk.done {
            return Err(Refusal::Unexpected("an empty part of a snapshot"));
        }
        let Role::Leader(leader) = &mut self.role else {
            return Ok(());
        };
        let Some(outgoing) = leader
            .peer_mut(to)
            .and_then(|peer| peer.outgoing.as_deref_mut())
        else {
            return Ok(());
        };
        if outgoing.meta == chunk.meta && outgoing.offset == chunk.offset && outgoing.fetching {
            outgoing.fetching = false;
            outgoing.idle = 0;
            self.send(to, Body::Snapshot(chunk));
        }
        self.finish();
        Ok(())
    }

    /// The snapshot that [`Output::FetchChunk`] asked for is gone: the follower gets the present one
    /// instead, from its beginning.
    pub fn chunk_unavailable(&mut self, now: Instant, request: &ChunkRequest) {
        if self.admit(now).is_err() {
            return;
        }
        if let Role::Leader(leader) = &mut self.role
            && let Some(peer) = leader.peer_mut(request.to)
            && peer
                .outgoing
                .as_ref()
                .is_some_and(|outgoing| outgoing.meta == request.meta)
        {
            peer.outgoing = None;
            if request.meta == self.snapshot {
                // Nothing better is known: try again when the follower is heard of.
                peer.progress.probe(peer.progress.matched().next());
                peer.progress.pause();
            } else {
                fetch(peer, &self.snapshot, &self.config, &mut self.outbox);
            }
        }
        self.finish();
    }

    pub(crate) fn on_snapshot_ack(
        &mut self,
        from: NodeId,
        meta: &SnapshotMeta,
        stored: u64,
        round: u64,
    ) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(peer) = leader.peer_mut(from)
            && let Some(outgoing) = peer.outgoing.as_deref_mut()
            && outgoing.meta == *meta
            && outgoing.offset != stored
            && !outgoing.fetching
        {
            outgoing.offset = stored;
            fetch(peer, &self.snapshot, &self.config, &mut self.outbox);
        }
        self.acknowledge_round(from, round);
    }

    /// At each heartbeat: sends parts again of which nothing is heard.
    pub(crate) fn retry_snapshots(&mut self) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        for peer in &mut leader.peers {
            if peer.progress.state() != ProgressState::Snapshot {
                continue;
            }
            if peer.witness {
                // Lost or refused; the next heartbeat's answer begins again.
                peer.progress.probe(peer.progress.matched().next());
                continue;
            }
            if let Some(outgoing) = peer.outgoing.as_deref_mut() {
                outgoing.idle += 1;
                if outgoing.fetching || outgoing.idle < PATIENCE {
                    continue;
                }
            }
            fetch(peer, &self.snapshot, &self.config, &mut self.outbox);
        }
    }
}
