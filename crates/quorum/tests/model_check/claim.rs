//! What nodes say of themselves, held against their disks.

use super::node::{Node, Step, violation};
use purlin_quorum::raft::{Body, Message};

impl Node {
    /// What a message says of the sender's disk must be true of it.
    pub(crate) fn check_claim(&self, message: &Message) -> Step<()> {
        let hard = (self.disk.hard.term, self.disk.hard.vote);
        let vote = match message.body {
            Body::RequestVote { .. } => Some(message.from),
            Body::Vote { granted: true } => Some(message.to),
            _ => None,
        };
        if vote.is_some() && hard != (message.term, vote) {
            return violation(format_args!(
                "a vote is given that is not durable: {message:?}"
            ));
        }
        let (Body::Appended { matched, .. }
        | Body::HeartbeatAck { matched, .. }
        | Body::Full { matched, .. }) = message.body
        else {
            return Ok(());
        };
        // One of an earlier term was held back until its own term was durable.
        let durable = matched <= self.disk.snapshot.index()
            || matched <= self.disk.last_index()
                && self.disk.term(matched) == self.raft.log_term(matched);
        if message.term == self.raft.term() && !durable {
            return violation(format_args!(
                "what is acknowledged is not durable: {message:?}"
            ));
        }
        Ok(())
    }
}
