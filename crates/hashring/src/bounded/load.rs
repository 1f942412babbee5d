//! What a node has been given, and how it is given back.

use crate::sync::{AtomicUsize, Ordering};
use alloc::sync::Arc;
use core::fmt;
use purlin_core::node::{NodeId, NodeIdx};

/// The assignments of one node, counted once for all snapshots that know it.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) id: NodeId,
    count: AtomicUsize,
    in_flight: Arc<InFlight>,
}

/// The assignments of all nodes, and those that are being made.
///
/// An assignment is counted here before it is counted at its node, and stops to be counted there
/// before it stops here. So this is never less than the sum over the nodes.
#[derive(Debug)]
pub(super) struct InFlight(AtomicUsize);

// ORDERING: AcqRel on every change and Acquire on every read of both counts keep the two in that
// order for whoever reads them: a change seen at a node brings along the change of the whole that
// came before it, and the other way round for a release. Neither can overflow, as each assignment
// holds a reference to a `Load`, and their number is limited to the half of `usize`.

impl InFlight {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// One more, and how many there are with it.
    pub(super) fn enter(&self) -> usize {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

impl Load {
    pub(super) fn new(id: NodeId, in_flight: &Arc<InFlight>) -> Self {
        Self {
            id,
            count: AtomicUsize::new(0),
            in_flight: Arc::clone(in_flight),
        }
    }

    pub(super) fn get(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// One more, unless `has_room` denies it of the number there is.
    pub(super) fn try_enter(&self, has_room: impl Fn(usize) -> bool) -> bool {
        let one_more = |count| has_room(count).then(|| count + 1);
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .is_ok()
    }

    fn leave(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.in_flight.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One unit of work at a node, which counts until it is [released](Self::release).
///
/// For state machines, whose state is plain values and whose every step is explicit. A token that
/// is dropped counts for ever; where that can happen, take an [`Assignment`], which a token turns
/// into.
#[must_use = "a token that is dropped counts for ever: release it"]
pub struct Token {
    pub(super) load: Arc<Load>,
    pub(super) index: NodeIdx,
}

impl Token {
    /// The identity of the node.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.load.id
    }

    /// The index that the node has in the placement that it was chosen from.
    #[must_use]
    pub fn index(&self) -> NodeIdx {
        self.index
    }

    /// Gives it back, be the node a member still or not.
    pub fn release(self) {
        self.load.leave();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id())
            .field("index", &self.index)
            .finish()
    }
}

/// One unit of work at a node, which counts until this is dropped.
///
/// It borrows nothing: it may outlive the node's membership and the [`Assigner`](super::Assigner),
/// and be dropped on another thread.
#[derive(Debug)]
#[must_use = "an assignment counts until it is dropped: hold it while the work lasts"]
pub struct Assignment {
    token: Token,
}

impl Assignment {
    /// The identity of the node.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.token.id()
    }

    /// The index that the node has in the placement that it was chosen from.
    #[must_use]
    pub fn index(&self) -> NodeIdx {
        self.token.index()
    }
}

impl From<Token> for Assignment {
    fn from(token: Token) -> Self {
        Self { token }
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        self.token.load.leave();
    }
}
