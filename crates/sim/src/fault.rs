//! What can go wrong, and when.

use crate::{ClockStep, NodeSet, Probability};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// One thing that goes wrong, and comes right again when its [`Incident`] ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The node stops at once, and restarts at the end with what was durable.
    Crash(NodeId),
    /// The node stops while it carries out the outputs of a step, the next one that has some: after
    /// the first few of them, or all. It restarts at the end with what was durable. Nothing
    /// happens when there is no such step till then.
    CrashInStep(NodeId),
    /// The node stops at once and restarts at the end with an empty disk.
    Wipe(NodeId),
    /// The node handles nothing (a garbage collection, a suspended machine); what arrives waits and
    /// is handled late.
    Pause(NodeId),
    /// The node takes this long to handle each message, timer and completion, and handles one after
    /// the other.
    Slow(NodeId, Duration),
    /// Messages sent from the first nodes to the second meanwhile are lost: a one-way or partial
    /// partition. Those already under way arrive.
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
    /// The node's monotonic clock jumps, once, at the beginning, and civil time with it. A harsher
    /// thing than most systems do; machines must survive it.
    ClockStep(NodeId, ClockStep),
    /// The node's civil time jumps, once, at the beginning; its monotonic clock does not notice.
    WallClockStep(NodeId, ClockStep),
    /// The node's clock runs this many parts per million faster (or slower, where negative).
    ClockDrift(NodeId, i32),
}

impl Fault {
    /// Whether the node is down for its time, or may be.
    pub(crate) const fn stops_its_node(&self) -> bool {
        matches!(self, Self::Crash(_) | Self::CrashInStep(_) | Self::Wipe(_))
    }

    /// All the nodes it names.
    pub(crate) fn victims(&self) -> impl Iterator<Item = NodeId> + '_ {
        let sides = match self {
            Self::Cut { from, to } => [Some(from), Some(to)],
            Self::Split(side) => [Some(side), None],
            _ => [None, None],
        };
        let sides = sides.into_iter().flatten().flat_map(NodeSet::iter);
        self.node().into_iter().chain(sides)
    }

    /// The node it befalls; `None` for faults of the network.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        match self {
            Self::Crash(node)
            | Self::CrashInStep(node)
            | Self::Wipe(node)
            | Self::Pause(node)
            | Self::Slow(node, _)
            | Self::SyncErrors(node)
            | Self::SlowDisk(node, _)
            | Self::ClockStep(node, _)
            | Self::WallClockStep(node, _)
            | Self::ClockDrift(node, _) => Some(*node),
            Self::Cut { .. } | Self::Split(_) | Self::Loss(_) | Self::Delay(_) => None,
        }
    }
}

/// A fault with its time. It ends itself, so that any part of a schedule is a schedule: that is
/// what makes shrinking simple.
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
