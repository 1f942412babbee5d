//! What can go wrong, and when.

use crate::{NodeSet, Probability, Step};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// One thing that goes wrong, and comes right again when its [`Incident`] ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The node stops, at once or in the middle of carrying out the outputs of its next step, and restarts at the end with what was durable.
    Crash(NodeId),
    /// The node stops at once and restarts at the end with an empty disk.
    Wipe(NodeId),
    /// The node handles nothing (a garbage collection, a suspended machine); what arrives waits and is handled late.
    Pause(NodeId),
    /// The node takes this much longer for every message, timer and completion.
    Slow(NodeId, Duration),
    /// Messages from the first nodes to the second are lost: a one-way or partial partition.
    Cut {
        /// Whose messages are lost.
        from: NodeSet,
        /// On the way to whom.
        to: NodeSet,
    },
    /// Messages between these nodes and all others are lost, both ways: a full partition.
    Split(NodeSet),
    /// Every message is lost with this probability, on top of its link's own.
    Loss(Probability),
    /// Every message takes this much longer.
    Delay(Duration),
    /// Every sync of the node's disk fails.
    SyncErrors(NodeId),
    /// Every write and sync of the node's disk takes this much longer.
    SlowDisk(NodeId, Duration),
    /// The node's clock jumps, once, at the beginning.
    ClockStep(NodeId, Step),
    /// The node's clock runs this many parts per million faster (or slower, where negative).
    ClockDrift(NodeId, i32),
}

impl Fault {
    /// The node it befalls; `None` for faults of the network.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        match self {
            Self::Crash(node)
            | Self::Wipe(node)
            | Self::Pause(node)
            | Self::Slow(node, _)
            | Self::SyncErrors(node)
            | Self::SlowDisk(node, _)
            | Self::ClockStep(node, _)
            | Self::ClockDrift(node, _) => Some(*node),
            Self::Cut { .. } | Self::Split(_) | Self::Loss(_) | Self::Delay(_) => None,
        }
    }
}

/// A fault with its time. It ends itself, so that any part of a schedule is a schedule: that is what makes shrinking simple.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Incident {
    /// When it begins, in true time.
    pub at: Instant,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub fault: Fault,
}

impl Incident {
    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.at + self.lasts
    }
}
