//! A leader's side of replication (§5.3).

use super::error::Refusal;
use super::mail::Mail;
use super::message::Body;
use super::position::{Index, Position};
use super::progress::ProgressState;
use super::role::{Leader, Peer, Role};
use super::{Entry, Raft};
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl Raft {
    /// Puts an entry of this leader's own into its log.
    pub(crate) fn append_own(&mut self, entry: Entry) {
        let index = self.log.last_index().next();
        self.log.push(entry);
        self.log_changed(index);
    }

    /// Sends every follower what it does not have, as far as the caps allow.
    pub(crate) fn replicate(&mut self) {
        if let Some((leader, mut mail)) = self.leader_and_mail() {
            for peer in &mut leader.peers {
                mail.append(peer, false);
            }
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
        if let Some((leader, mut mail)) = self.leader_and_mail()
            && let Some(peer) = leader.peer_mut(from)
        {
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
