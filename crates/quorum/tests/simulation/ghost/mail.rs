//! What nodes tell each other.

use super::{Ghost, slot};
use purlin_core::node::NodeId;
use purlin_quorum::raft::{Body, Message};

impl Ghost {
    /// The node sends a message: what it promises must be durable, and promised to nobody else.
    pub(crate) fn sends(&mut self, message: &Message) {
        let Message { from, to, term, .. } = *message;
        let shadow = &mut self.nodes[slot(from)];
        let tally = &mut self.tally;
        match &message.body {
            Body::RequestVote { .. } => {
                shadow.assert_vote_is_durable(from, term, from);
                self.votes(term.0, from, from);
            }
            Body::Vote { granted: true } => {
                shadow.assert_vote_is_durable(from, term, to);
                self.votes(term.0, from, to);
            }
            Body::Vote { granted: false } => tally.vote_rejections += 1,
            Body::PreVote { granted: false } => tally.pre_vote_rejections += 1,
            Body::Appended { matched, .. }
            | Body::Full { matched, .. }
            | Body::HeartbeatAck { matched, .. } => {
                tally.full_logs += u64::from(matches!(message.body, Body::Full { .. }));
                shadow.assert_is_durable(from, *matched);
            }
            Body::Rejected { .. } => tally.append_rejections += 1,
            Body::Snapshot(chunk) => {
                shadow.sends_chunk(to, term, chunk, tally);
            }
            Body::TimeoutNow => self.transfer = Some((to, term.0)),
            _ => {}
        }
    }

    fn votes(&mut self, term: u64, voter: NodeId, candidate: NodeId) {
        let voted = *self.votes.entry((term, voter)).or_insert(candidate);
        assert_eq!(
            voted, candidate,
            "election safety: {voter} votes for two in term {term}"
        );
    }
}
