//! What a replica says.

use crate::raft::input::ReadToken;
use crate::raft::membership::Configuration;
use crate::raft::message::Message;
use crate::raft::output::{AbortReason, StopReason};
use crate::raft::position::{Position, Term};
use alloc::sync::Arc;
use purlin_core::node::NodeId;

/// What a replica has to say.
///
/// For each position that [`propose`](super::Replica::propose) and
/// [`change_membership`](super::Replica::change_membership) answered comes one of
/// [`Applied`](Self::Applied), [`MembersChanged`](Self::MembersChanged), [`Lost`](Self::Lost) and
/// [`Unknown`](Self::Unknown), as soon as the node knows: cut off from the others it does not, and
/// whoever waits should have a timeout of their own, after which the outcome is unknown as well.
/// After [`Stopped`](Self::Stopped) nothing comes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<R> {
    /// Send this. It may be lost, delayed, repeated and overtaken.
    Send(Message),
    /// A command proposed here was applied, and answers this.
    Applied(Position, R),
    /// A change of members proposed here is committed. If it goes through a joint configuration, the
    /// leader leaves that now, unless it was asked not to.
    MembersChanged(Position),
    /// A command or change proposed here was not applied and never will be: something else stands in
    /// its place.
    Lost(Position),
    /// What became of a command or change proposed here is not known: a snapshot covers its place, or
    /// the replica has stopped.
    Unknown(Position),
    /// Look at the state machine now: the read is linearizable.
    ReadReady(ReadToken),
    /// The read must be asked again.
    ReadAborted(ReadToken, AbortReason),
    /// Who leads, as far as this node knows, or which part it plays, has changed.
    LeaderChanged {
        /// In this term.
        term: Term,
        /// This node; `None` while nobody is known to lead.
        leader: Option<NodeId>,
    },
    /// This leader has committed an entry of its term: it takes changes of members from now on, and
    /// gives lease reads while its lease holds. Proposals and other reads need not wait for that.
    LeaderReady(Term),
    /// Other members: be ready to exchange messages with them. May be taken back.
    ConfigurationChanged(Arc<Configuration>),
    /// A peer has lost what it had acknowledged: its disk was replaced, or a backup restored. It is
    /// neither counted nor served until it is removed and added again.
    Fenced(NodeId),
    /// The replica does nothing any more. Open it anew.
    Stopped(StopReason),
}
