//! What happened, as a timeline to read.

use alloc::collections::VecDeque;
use core::fmt;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// The last events of a run. Off by default, for rendering each event costs far more than simulating it.
///
/// Printed, it is one event a line: true time, node, what happened.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    lines: VecDeque<Line>,
    capacity: usize,
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Line {
    at: Instant,
    node: Option<NodeId>,
    text: String,
}

impl Trace {
    /// A trace that remembers this many events and forgets the oldest first.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// Records an event, if tracing is on.
    pub(crate) fn record(
        &mut self,
        at: Instant,
        node: Option<NodeId>,
        text: impl FnOnce() -> String,
    ) {
        if self.capacity == 0 {
            return;
        }
        if self.lines.len() == self.capacity {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back(Line {
            at,
            node,
            text: text(),
        });
    }

    /// How many events it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgotten > 0 {
            writeln!(f, "  ... {} earlier events", self.forgotten)?;
        }
        self.lines.iter().try_for_each(|line| {
            let node = line.node.map_or_else(String::new, |node| node.to_string());
            writeln!(f, "{:>15}  {node:<5} {}", line.at.to_string(), line.text)
        })
    }
}
