//! Rounds of heartbeats: each that a quorum has answered shows that the leader still led when it was
//! sent. Reads and leases stand on that.

use super::Raft;
use super::message::{Body, Message};
use super::output::Output;
use super::position::{Index, Position};
use super::role::{Role, Rounds};
use crate::quorum::{Majority, QuorumSystem as _};
use purlin_core::node::NodeId;

/// What a leader says to each follower in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat {
    pub(crate) commit: Index,
    pub(crate) round: u64,
    pub(crate) quiesce: Option<Position>,
}

impl Raft {
    /// Begins a round of heartbeats.
    pub(crate) fn start_round(&mut self) {
        let mut outbox = core::mem::take(&mut self.outbox);
        let draft = self.message(self.config.id, Body::TimeoutNow);
        self.send_round(|to, heartbeat| {
            let Heartbeat {
                commit,
                round,
                quiesce,
            } = heartbeat;
            let body = Body::Heartbeat {
                commit,
                round,
                quiesce,
            };
            outbox.push_back(Output::Send(Message { to, body, ..draft }));
        });
        self.outbox = outbox;
        self.confirm_alone();
    }

    /// Begins a round of heartbeats, which go to `send`.
    pub(crate) fn send_round(&mut self, mut send: impl FnMut(NodeId, Heartbeat)) {
        let quiesce = self.wants_silence();
        let tells_all = mutant!(self, CommitByHeartbeat);
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let round = leader.rounds.start(self.now);
        if quiesce.is_some() {
            leader.silence = leader.silence.min(round);
        } else {
            leader.silence = u64::MAX;
            for peer in &mut leader.peers {
                peer.quiesced = false;
            }
        }
        for peer in leader.peers.iter_mut().filter(|peer| !peer.fenced) {
            let has = if tells_all {
                self.commit
            } else {
                peer.progress.matched()
            };
            let commit = self.commit.min(has);
            peer.told = peer.told.max(commit);
            peer.sent_before = peer.progress.next().previous();
            send(
                peer.id,
                Heartbeat {
                    commit,
                    round,
                    quiesce,
                },
            );
        }
    }

    /// A leader that is a quorum by itself needs no answers. Any other needs at least one, and its
    /// own next round changes nothing.
    pub(crate) fn confirm_alone(&mut self) {
        let configuration = self.configuration();
        if configuration.voters().len() == 1 || configuration.is_joint() {
            self.confirm_rounds();
        }
    }

    /// A peer has heard of a round.
    pub(crate) fn acknowledge_round(&mut self, from: NodeId, round: u64) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let Rounds {
            sent, confirmed, ..
        } = leader.rounds;
        let Some(peer) = leader.peer_mut(from) else {
            return;
        };
        if round > peer.round && round <= sent {
            peer.round = round;
            // What is confirmed already is not confirmed further by one more.
            if round > confirmed {
                self.confirm_rounds();
            }
        }
    }

    /// Looks which round a quorum has confirmed, and answers the reads that waited for it.
    fn confirm_rounds(&mut self) {
        let Role::Leader(leader) = &self.role else {
            return;
        };
        let id = self.config.id;
        let heard = |node| {
            if node == id {
                leader.rounds.sent
            } else {
                leader.peer(node).map_or(0, |peer| peer.round)
            }
        };
        let mut round = self.configuration().committed(heard);
        if mutant!(self, RoundsOfLearners) {
            let members = self.configuration().members();
            round = Majority(&members).committed(heard).unwrap_or(0);
        }
        let lease = self.lease_length();
        let (now, from_answer) = (self.now, mutant!(self, LeaseFromAnswer));
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        if !leader.rounds.confirm(round) {
            return;
        }
        if let Some(lease) = lease {
            leader.lease_until = leader.rounds.confirmed_at + lease;
            if from_answer {
                leader.lease_until = now + lease;
            }
        }
        self.release_reads(round);
    }

    /// How long a lease is from when its round was sent: what followers promise, less what clocks
    /// may differ.
    fn lease_length(&self) -> Option<core::time::Duration> {
        let drift = self.config.lease_drift_ppm?;
        let timeout = self.config.election_timeout;
        let rounding = core::time::Duration::from_nanos(u64::from(drift));
        Some(
            timeout
                .saturating_sub(timeout / 1_000_000 * drift)
                .saturating_sub(rounding),
        )
    }
}
