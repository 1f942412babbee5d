//! The adapter between a machine and the simulated world.

use crate::Store;
use core::fmt;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::{Instant, UnixTime};

/// How the simulator runs one kind of node: which outputs of its machine are messages, writes,
/// syncs or replies, and which inputs their completions become.
///
/// The host itself holds no state of any node: whatever a node knows is in its machine, or on its
/// disk.
///
/// # Implementing
///
/// Translate, and nothing else. What has to be decided belongs into the machine, where production
/// has it too. An effect that you ask for takes place, in the order of asking; a crash may fall
/// between any two of them.
///
/// The [crate's example](crate) shows a whole host.
pub trait Host {
    /// The machine under test.
    type Machine: Machine;
    /// What nodes send to each other.
    type Message: Clone + fmt::Debug;
    /// What a node keeps on disk; `()` for nothing.
    type Store: Store;
    /// What clients ask of a node.
    type Request: Clone + fmt::Debug;
    /// What a node answers a client.
    type Reply: Clone + fmt::Debug;

    /// Starts a node: for the first time, or again after a crash with what the disk has kept.
    ///
    /// Completions of what an earlier life asked of the disk never arrive in a later one; messages
    /// that were under way do.
    fn start(&self, boot: Boot<'_, Self::Store>) -> Self::Machine;

    /// The input that an event becomes; `None` when the machine does not want to know.
    fn input(&self, at: Moment, event: Event<'_, Self>) -> Option<InputOf<Self>>;

    /// Carries an output out, by asking for effects.
    fn output(&self, at: Moment, output: OutputOf<Self>, effects: &mut Effects<Self>);

    /// The machine refused an input. Does nothing unless overridden, as a driver that drops a bad
    /// message would.
    fn refused(&self, _at: Moment, _error: ErrorOf<Self>, _effects: &mut Effects<Self>) {}

    /// A message's size in bytes, for links with a [bandwidth](crate::Link::bandwidth). Zero unless
    /// overridden.
    fn message_size(&self, _message: &Self::Message) -> usize {
        0
    }
}

/// The inputs of a host's machine.
pub type InputOf<H> = <<H as Host>::Machine as Machine>::Input;
/// The outputs of a host's machine.
pub type OutputOf<H> = <<H as Host>::Machine as Machine>::Output;
/// The errors of a host's machine.
pub type ErrorOf<H> = <<H as Host>::Machine as Machine>::Error;
/// The writes of a host's store.
pub type WriteOf<H> = <<H as Host>::Store as Store>::Write;

/// Which node something happens to, and what time it believes it is.
///
/// Machines are given the instant anyway; a host needs civil time where an input carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// The node.
    pub node: NodeId,
    /// Its own monotonic time.
    pub now: Instant,
    /// Its own civil time. Simulations start at the beginning of 2025.
    pub unix_now: UnixTime,
}

/// What a node is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Boot<'a, S> {
    /// The node. Nodes are numbered from 0.
    pub node: NodeId,
    /// How many nodes the world has.
    pub nodes: usize,
    /// The node's own monotonic time.
    pub now: Instant,
    /// The node's own civil time.
    pub unix_now: UnixTime,
    /// A seed of its own for each start of each node, the same whatever else happens.
    pub seed: u64,
    /// How many times the node has been started before.
    pub restarts: u32,
    /// What is on the disk.
    pub store: &'a S,
}

/// A client's request, to be answered by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something that happens to a node.
#[non_exhaustive]
pub enum Event<'a, H: Host + ?Sized> {
    /// A message has arrived.
    Message {
        /// Who sent it.
        from: NodeId,
        /// The message.
        message: H::Message,
    },
    /// A client asks for something.
    Request {
        /// To answer by.
        id: RequestId,
        /// What it asks.
        request: H::Request,
    },
    /// A write was accepted. It is not durable yet.
    Written {
        /// As given with [`Effects::write`].
        token: u64,
    },
    /// All writes asked for before this sync are durable, but for those that an earlier, failed
    /// sync covered.
    Synced {
        /// As given with [`Effects::sync`].
        token: u64,
    },
    /// The sync failed: the writes it covered may or may not be durable, and no later sync covers
    /// them.
    SyncFailed {
        /// As given with [`Effects::sync`].
        token: u64,
    },
    /// A read is done.
    Read {
        /// As given with [`Effects::read`].
        token: u64,
        /// The store as the node sees it.
        store: &'a H::Store,
    },
}

impl<H: Host + ?Sized> fmt::Debug for Event<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { from, message } => write!(f, "message from {from}: {message:?}"),
            Self::Request { id, request } => write!(f, "request {}: {request:?}", id.0),
            Self::Written { token } => write!(f, "write {token} accepted"),
            Self::Synced { token } => write!(f, "sync {token} done"),
            Self::SyncFailed { token } => write!(f, "sync {token} failed"),
            Self::Read { token, .. } => write!(f, "read {token} done"),
        }
    }
}

/// What an output makes happen in the world. Filled by [`Host::output`].
pub struct Effects<H: Host + ?Sized>(pub(crate) Vec<Effect<H>>);

pub(crate) enum Effect<H: Host + ?Sized> {
    Send(NodeId, H::Message),
    Write(u64, WriteOf<H>),
    Sync(u64),
    Read(u64),
    Reply(RequestId, H::Reply),
    Refuse(RequestId),
}

impl<H: Host + ?Sized> Effects<H> {
    /// Sends a message. One to a node that does not exist is lost.
    pub fn send(&mut self, to: NodeId, message: H::Message) {
        self.0.push(Effect::Send(to, message));
    }

    /// Writes to the disk. The node sees the write at once; [`Event::Written`] with this token
    /// follows.
    pub fn write(&mut self, token: u64, write: WriteOf<H>) {
        self.0.push(Effect::Write(token, write));
    }

    /// Makes all earlier writes durable. [`Event::Synced`] or [`Event::SyncFailed`] with this token
    /// follows, after the reports of all earlier writes and syncs.
    pub fn sync(&mut self, token: u64) {
        self.0.push(Effect::Sync(token));
    }

    /// Reads from the disk. [`Event::Read`] with this token follows.
    pub fn read(&mut self, token: u64) {
        self.0.push(Effect::Read(token));
    }

    /// Answers a client. An answer to a request that was answered before, was given up, or does not
    /// exist is ignored.
    pub fn reply(&mut self, request: RequestId, reply: H::Reply) {
        self.0.push(Effect::Reply(request, reply));
    }

    /// Refuses a client's request: it has not happened and will not. The history forgets it.
    pub fn refuse(&mut self, request: RequestId) {
        self.0.push(Effect::Refuse(request));
    }
}

impl<H: Host + ?Sized> fmt::Debug for Effects<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Effects({} to come)", self.0.len())
    }
}
