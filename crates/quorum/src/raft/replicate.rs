//! A leader's side of replication (§5.3).

use super::error::{ProposeError, Refusal};
use super::message::Body;
use super::position::{Index, Position};
use super::progress::ProgressState;
use super::role::{Leader, Peer, Role};
use super::{Config, Entries, Entry, Log, Output, Payload, Raft, SnapshotChunk};
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Appends a command on the leader. It is decided when it comes out in [`Output::Commit`] at the
    /// position answered here; when another entry comes out at that index, it is lost.
    ///
    /// O(1) and one message for each follower that is not behind.
    ///
    /// # Errors
    ///
    /// [`ProposeError`] with the command: this node does not lead, is giving leadership away, or
    /// holds too much that is not committed.
    pub fn propose(
        &mut self,
        now: Instant,
        command: Bytes,
    ) -> Result<Position, ProposeError<Bytes>> {
        if let Err(reason) = self
            .admit(now)
            .and_then(|()| self.check_proposal(&[&command]))
        {
            return Err(ProposeError {
                reason,
                proposal: command,
            });
        }
        self.stir_self();
        let entry = Entry::command(self.hard.term, command);
        let bytes = entry.payload.len() as u64;
        self.append_own(entry);
        Ok(self.proposed(1, bytes))
    }

    /// Appends several commands, all or none, one after the other. The position is that of the first;
    /// of none, that of the last entry.
    ///
    /// # Errors
    ///
    /// As of [`propose`](Self::propose).
    pub fn propose_all(
        &mut self,
        now: Instant,
        commands: Vec<Bytes>,
    ) -> Result<Position, ProposeError<Vec<Bytes>>> {
        if let Err(reason) = self
            .admit(now)
            .and_then(|()| self.check_proposal(&commands))
        {
            return Err(ProposeError {
                reason,
                proposal: commands,
            });
        }
        if commands.is_empty() {
            return Ok(self.log.last());
        }
        self.stir_self();
        let (count, first) = (commands.len() as u64, self.log.last_index().next());
        let term = self.hard.term;
        let mut bytes = 0;
        let entries = commands.into_iter().map(|command| {
            bytes += command.len() as u64;
            Entry::command(term, command)
        });
        let entries = entries.collect();
        self.log.extend(Entries::new(first, entries));
        self.log_changed(first);
        Ok(self.proposed(count, bytes))
    }

    /// Sends what was proposed on its way; the position of its first entry.
    fn proposed(&mut self, count: u64, bytes: u64) -> Position {
        let last = self.log.last_index();
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted.push(last, bytes);
        }
        self.replicate();
        self.finish();
        Position::new(self.hard.term, Index(last.0 - (count - 1)))
    }

    fn check_proposal(&self, commands: &[impl AsRef<[u8]>]) -> Result<(), Refusal> {
        let leader = self.require_leader()?;
        if let Some(transfer) = &leader.transfer {
            return Err(Refusal::TransferInProgress(transfer.to));
        }
        // A leader that is about to go leaves nothing that only a witness and itself have: nobody
        // who could lead would get the witness's vote.
        let configuration = self.configuration();
        if !configuration.is_voter(self.config.id) && !configuration.witnesses().is_empty() {
            return Err(Refusal::Leaving);
        }
        let mut bytes = 0;
        for command in commands {
            let size = command.as_ref().len() as u64;
            if size == 0 {
                return Err(Refusal::EmptyCommand);
            }
            if size > self.config.max_entry_bytes {
                let bound = self.config.max_entry_bytes;
                return Err(Refusal::TooLarge { bytes: size, bound });
            }
            bytes += size;
        }
        let (held, bound) = (
            leader.uncommitted.bytes(),
            self.config.max_uncommitted_bytes,
        );
        if held > 0 && held + bytes > bound {
            return Err(Refusal::TooMuchUncommitted { bytes: held, bound });
        }
        Ok(())
    }

    /// Puts an entry of this leader's own into its log.
    pub(crate) fn append_own(&mut self, entry: Entry) {
        let index = self.log.last_index().next();
        self.log.push(entry);
        self.log_changed(index);
    }

    /// Sends every follower what it does not have, as far as the caps allow.
    pub(crate) fn replicate(&mut self) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let mut mail = Mail {
            config: &self.config,
            log: &self.log,
            snapshot: &self.snapshot,
            commit: self.commit,
            stable: self.writes.stable,
            term: self.hard.term,
            round: leader.rounds.sent,
            outbox: &mut self.outbox,
        };
        for peer in &mut leader.peers {
            mail.append(peer, false);
        }
    }

    /// Tells those who were removed how far they were members, as far as one message can.
    pub(crate) fn part_with_leavers(&mut self) {
        let leavers = |leader: &Leader| {
            let leaving = leader.peers.iter().filter(|peer| peer.leaving);
            leaving.map(|peer| peer.id).collect::<Vec<_>>()
        };
        for peer in self.leading().map(leavers).unwrap_or_default() {
            self.with_peer(peer, |peer, mail| mail.append(peer, true));
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.peers.retain(|peer| !peer.leaving);
        }
    }

    /// Does something with what is known of a peer, then sends it what it can take now.
    fn with_peer(&mut self, from: NodeId, change: impl FnOnce(&mut Peer, &mut Mail<'_>)) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let mut mail = Mail {
            config: &self.config,
            log: &self.log,
            snapshot: &self.snapshot,
            commit: self.commit,
            stable: self.writes.stable,
            term: self.hard.term,
            round: leader.rounds.sent,
            outbox: &mut self.outbox,
        };
        if let Some(peer) = leader.peer_mut(from) {
            change(peer, &mut mail);
        }
    }

    pub(crate) fn on_appended(&mut self, from: NodeId, matched: Index, round: u64) {
        if matched > self.log.last_index() {
            return; // No correct follower has more of our log than we do.
        }
        let mut news = false;
        self.with_peer(from, |peer, mail| {
            news = peer.acknowledge(matched, round, mail.round);
            mail.append(peer, false);
        });
        if news {
            self.advance_commit_by_quorum();
            self.tell_commit(from);
            self.go_on_with_transfer(from);
        }
        self.acknowledge_round(from, round);
    }

    pub(crate) fn on_rejected(
        &mut self,
        from: NodeId,
        previous: Index,
        hint: Position,
        last: Index,
        round: u64,
    ) {
        // Where the follower's entry at the hint is newer than ours there, go back to where ours
        // may be its own (two bounds meet: at most one probe a term, §5.3).
        let hint = self.log.last_at_most(hint.index, hint.term);
        let mut lost = false;
        let by_hint = mutant!(self, MatchByHint);
        self.with_peer(from, |peer, mail| {
            if by_hint {
                peer.progress.acknowledge(hint.index);
            }
            lost = round > peer.matched_round && last < peer.progress.matched();
            if !lost && peer.progress.reject(previous, hint.index) {
                mail.append(peer, true);
            }
        });
        if lost {
            self.fence(from);
        }
        self.acknowledge_round(from, round);
    }

    pub(crate) fn on_full(&mut self, from: NodeId, matched: Index, round: u64) {
        if matched > self.log.last_index() {
            return;
        }
        let mut news = false;
        self.with_peer(from, |peer, mail| {
            news = peer.acknowledge(matched, round, mail.round);
            let next = peer.progress.matched().next();
            peer.progress.probe(next);
            peer.progress.pause();
        });
        if news {
            self.advance_commit_by_quorum();
        }
        self.acknowledge_round(from, round);
    }

    /// A heartbeat's answer: time to look whether what was sent got there.
    pub(crate) fn on_heartbeat_ack(
        &mut self,
        from: NodeId,
        matched: Index,
        received: Index,
        round: u64,
        quiesced: bool,
    ) {
        if matched <= self.log.last_index() {
            let silence = self.leading().map_or(u64::MAX, |leader| leader.silence);
            let mut news = false;
            self.with_peer(from, |peer, mail| {
                peer.quiesced = quiesced && round >= silence && matched == mail.log.last_index();
                news = peer.acknowledge(matched, round, mail.round);
                peer.retry(received, round, mail);
            });
            if news {
                self.advance_commit_by_quorum();
                self.go_on_with_transfer(from);
            }
            self.tell_commit(from);
        }
        self.acknowledge_round(from, round);
        self.fall_silent();
    }

    /// A peer cannot be reached: what is under way to it is taken for lost.
    pub fn unreachable(&mut self, now: Instant, peer: NodeId) {
        if self.admit(now).is_ok() {
            self.with_peer(peer, |peer, _| {
                if peer.progress.state() == ProgressState::Replicate {
                    peer.progress.probe(peer.progress.matched().next());
                }
            });
            self.finish();
        }
    }

    /// Tells a follower what it has that is committed.
    pub(crate) fn tell_commit(&mut self, to: NodeId) {
        let commit = self.commit;
        let mut tell = None;
        self.with_peer(to, |peer, _| {
            let upto = commit.min(peer.progress.matched());
            if upto > peer.told {
                peer.told = upto;
                tell = Some(upto);
            }
        });
        if let Some(commit) = tell {
            self.send(to, Body::Commit { commit });
        }
    }

    pub(crate) fn leading(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    pub(crate) fn require_leader(&self) -> Result<&Leader, Refusal> {
        self.leading().ok_or(Refusal::NotLeader {
            leader: self.leader,
        })
    }
}

impl Peer {
    /// Everything up to `matched` is durable on the peer, which had heard of `round`, where `sent` is
    /// the latest. Whether that is news.
    fn acknowledge(&mut self, matched: Index, round: u64, sent: u64) -> bool {
        if round < self.since {
            return false;
        }
        if matched >= self.progress.matched() {
            self.matched_round = sent;
        }
        let news = self.progress.acknowledge(matched);
        match self.progress.state() {
            ProgressState::Probe if news || matched == self.progress.next().previous() => {
                self.progress.replicate();
            }
            ProgressState::Snapshot => {
                let covered = self
                    .outgoing
                    .as_ref()
                    .map(|outgoing| outgoing.meta.position.index);
                if covered.is_none_or(|covered| matched >= covered) {
                    self.outgoing = None;
                    self.progress.replicate();
                }
            }
            _ => {}
        }
        news
    }

    /// Sends again what seems to be lost: what was sent before the last heartbeat and had not
    /// arrived when that did. If it was only overtaken, it is sent twice.
    fn retry(&mut self, received: Index, round: u64, mail: &mut Mail<'_>) {
        let lost = round == mail.round && received < self.sent_before;
        let matched = self.progress.matched();
        match self.progress.state() {
            ProgressState::Replicate if lost => self.progress.probe(matched.next()),
            ProgressState::Snapshot => return,
            _ => self.progress.resume(),
        }
        mail.append(self, self.progress.state() == ProgressState::Probe);
    }
}

/// What a leader needs to write to its followers.
pub(crate) struct Mail<'a> {
    config: &'a Config,
    log: &'a Log,
    snapshot: &'a super::SnapshotMeta,
    commit: Index,
    /// What is durable here. A witness gets no more: if it had entries that nobody else has, it would
    /// refuse its vote to all who could lead, and could not lead itself.
    stable: Index,
    term: super::Term,
    round: u64,
    outbox: &'a mut alloc::collections::VecDeque<Output>,
}

impl Mail<'_> {
    /// Sends entries while the peer can take them; with `even_empty` at least one message, to find
    /// out where the logs agree.
    fn append(&mut self, peer: &mut Peer, mut even_empty: bool) {
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
