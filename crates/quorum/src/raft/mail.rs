//! What a leader writes to one follower.

use super::message::Body;
use super::position::{Index, Position};
use super::role::{Leader, Peer, Role};
use super::{Config, Entries, Entry, Log, Output, Payload, Raft, SnapshotChunk};
use bytes::Bytes;
use purlin_core::node::NodeId;

/// What a leader needs to write to its followers.
pub(crate) struct Mail<'a> {
    config: &'a Config,
    pub(super) log: &'a Log,
    snapshot: &'a super::SnapshotMeta,
    commit: Index,
    /// What is durable here. A witness gets no more: if it had entries that nobody else has, it would
    /// refuse its vote to all who could lead, and could not lead itself.
    stable: Index,
    term: super::Term,
    pub(super) round: u64,
    outbox: &'a mut alloc::collections::VecDeque<Output>,
}

impl Raft {
    /// What a leader knows of its followers, and what it needs to write to them.
    #[inline]
    pub(super) fn leader_and_mail(&mut self) -> Option<(&mut Leader, Mail<'_>)> {
        let Role::Leader(leader) = &mut self.role else {
            return None;
        };
        let mail = Mail {
            config: &self.config,
            log: &self.log,
            snapshot: &self.snapshot,
            commit: self.commit,
            stable: self.writes.stable,
            term: self.hard.term,
            round: leader.rounds.sent,
            outbox: &mut self.outbox,
        };
        Some((leader, mail))
    }
}

impl Mail<'_> {
    /// Sends entries while the peer can take them; with `even_empty` at least one message, to find
    /// out where the logs agree.
    pub(super) fn append(&mut self, peer: &mut Peer, mut even_empty: bool) {
        let (max_messages, max_bytes) = (
            self.config.max_inflight_messages,
            self.config.max_inflight_bytes,
        );
        while !peer.fenced && !peer.progress.is_paused(max_messages, max_bytes) {
            let next = peer.progress.next();
            let last = match peer.witness {
                true => self.stable,
                false => self.log.last_index(),
            };
            if next > last && !even_empty {
                return;
            }
            let Some(term) = self.log.term(next.previous()) else {
                self.begin_snapshot(peer);
                return;
            };
            let mut entries = self.log.slice(next, last, self.config.max_message_bytes);
            if peer.witness {
                entries = without_commands(&entries);
            }
            let previous = Position::new(term, next.previous());
            let (count, bytes) = (entries.len() as u64, entries.bytes());
            let sent = previous.index + count;
            peer.told = peer.told.max(self.commit.min(sent));
            let (commit, round) = (self.commit, self.round);
            let body = Body::Append {
                previous,
                commit,
                entries,
                round,
            };
            self.send(peer.id, body);
            if count > 0 {
                peer.quiesced = false;
            }
            peer.progress.sent(sent, bytes);
            even_empty = false;
        }
    }

    fn begin_snapshot(&mut self, peer: &mut Peer) {
        peer.progress.snapshot();
        if peer.witness {
            // It keeps nothing of what the snapshot holds: that there is one is all it needs.
            let meta = self.snapshot.clone();
            let chunk = SnapshotChunk {
                meta,
                offset: 0,
                data: Bytes::new(),
                done: true,
            };
            self.send(peer.id, Body::Snapshot(chunk));
            return;
        }
        super::ship::fetch(peer, self.snapshot, self.config, self.outbox);
    }

    fn send(&mut self, to: NodeId, body: Body) {
        self.outbox.push_back(Output::Send(super::Message {
            cluster: self.config.cluster,
            from: self.config.id,
            to,
            term: self.term,
            incarnation: self.config.incarnation,
            body,
        }));
    }
}

/// What a witness gets: the same places and terms, no commands.
fn without_commands(entries: &Entries) -> Entries {
    let stripped = entries.iter().map(|(_, entry)| Entry {
        term: entry.term,
        payload: match &entry.payload {
            Payload::Command(_) => Payload::Command(Bytes::new()),
            configuration @ Payload::Configuration(_) => configuration.clone(),
        },
    });
    Entries::new(entries.first_index(), stripped.collect())
}
