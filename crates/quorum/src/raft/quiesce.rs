//! Falling silent when there is nothing to do, and waking.

use super::Raft;
use super::message::Body;
use super::position::Position;
use super::progress::ProgressState;
use super::read::Reads;
use super::role::Role;
use purlin_core::time::Instant;

impl Raft {
    /// Wakes a silent node: a leader sends heartbeats again, a follower waits for them and campaigns
    /// if none comes. To be called when the machine is lost that the leader of a silent group ran
    /// on. Does nothing on a node that is awake.
    pub fn wake(&mut self, now: Instant) {
        if self.admit(now).is_ok() {
            self.stir_self();
            self.finish();
        }
    }

    /// Whether the node is silent: it has no deadline, and sends nothing until something comes.
    #[must_use]
    pub fn is_quiesced(&self) -> bool {
        self.quiesced
    }

    /// A message wakes, unless it says to stay silent, or answers something that this node does not
    /// wait for any more. Followers that are awake need a leader that is, and it them.
    pub(crate) fn stir(&mut self, body: &Body) {
        let stays = matches!(
            body,
            Body::Heartbeat {
                quiesce: Some(_),
                ..
            } | Body::HeartbeatAck { quiesced: true, .. }
                | Body::Commit { .. }
                | Body::PreVote { .. }
                | Body::Vote { .. }
                | Body::ReadIndex { .. }
        );
        if !stays {
            self.stir_self();
        }
    }

    pub(crate) fn stir_self(&mut self) {
        if !core::mem::take(&mut self.quiesced) {
            return;
        }
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role {
            // Nobody was asked for a while: that nobody answered means nothing.
            leader.awake_since = now;
            leader.silence = u64::MAX;
            for peer in &mut leader.peers {
                peer.quiesced = false;
            }
            self.deadline = Some(now + self.config.heartbeat_interval);
            self.start_round();
        } else {
            self.reset_election_deadline();
        }
    }

    /// What a leader's heartbeat says when there is nothing to do: the end of the log, at which
    /// everybody may fall silent.
    pub(crate) fn wants_silence(&self) -> Option<Position> {
        let leader = self.leading()?;
        if !self.config.quiesce {
            return None;
        }
        let last = self.log.last();
        let idle = self.commit == last.index
            && self.applied == last.index
            && self.writes.stable == last.index
            && leader.reads.is_empty()
            && leader.transfer.is_none()
            && !self.configuration().is_joint();
        let settled = leader.peers.iter().all(|peer| {
            peer.progress.state() == ProgressState::Replicate
                && peer.progress.matched() == last.index
                && !peer.fenced
        });
        (idle && settled).then_some(last)
    }

    /// Whether a follower has what its leader has, and nothing to do.
    pub(crate) fn may_fall_silent(&self, last: Position) -> bool {
        self.log.last() == last
            && self.matched == last.index
            && self.commit == last.index
            && self.applied == last.index
            && self.writes.stable == last.index
            && self.reads.as_deref().is_none_or(Reads::is_empty)
    }

    /// A leader falls silent when everybody else has.
    pub(crate) fn fall_silent(&mut self) {
        let Role::Leader(leader) = &self.role else {
            return;
        };
        let alone = leader.peers.iter().all(|peer| peer.quiesced);
        if alone && !self.quiesced && self.wants_silence().is_some() {
            self.quiesced = true;
            self.deadline = None;
        }
    }
}
