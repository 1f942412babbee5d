//! What can happen to a node.

use super::scope::Budget;
use purlin_core::node::NodeId;

/// One thing that happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A message arrives, by its number.
    Receive(u32),
    Campaign,
    /// A leader's timeout.
    Heartbeat,
    /// An election timeout goes by in which the node hears of nobody.
    Lapse,
    /// The oldest write is durable.
    Persist,
    /// Of the writes under way so many reach the disk; then the node starts again.
    Crash(u8),
    /// The proposal of this number.
    Propose(u8),
    /// The change of this number among the scope's.
    Change(u8),
    Transfer(NodeId),
    Compact,
    /// The read of this number.
    Read(u8),
}

impl Event {
    pub(crate) fn budget(self) -> Option<Budget> {
        match self {
            Self::Receive(_) | Self::Campaign | Self::Persist => None,
            Self::Heartbeat => Some(Budget::Heartbeats),
            Self::Lapse => Some(Budget::Lapses),
            Self::Crash(_) => Some(Budget::Crashes),
            Self::Propose(_) => Some(Budget::Proposals),
            Self::Change(_) => Some(Budget::Changes),
            Self::Transfer(_) => Some(Budget::Transfers),
            Self::Compact => Some(Budget::Compactions),
            Self::Read(_) => Some(Budget::Reads),
        }
    }

    /// A number of its own.
    pub(crate) fn code(self) -> u32 {
        let (kind, detail) = match self {
            Self::Receive(message) => return message,
            Self::Campaign => (0, 0),
            Self::Heartbeat => (1, 0),
            Self::Lapse => (2, 0),
            Self::Persist => (3, 0),
            Self::Crash(kept) => (4, kept),
            Self::Propose(number) => (5, number),
            Self::Change(number) => (6, number),
            Self::Transfer(to) => (7, u8::try_from(to.0).expect("few nodes")),
            Self::Compact => (8, 0),
            Self::Read(number) => (9, number),
        };
        1 << 31 | kind << 8 | u32::from(detail)
    }
}
