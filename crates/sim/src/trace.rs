//! What happened, as a timeline to read.

use alloc::collections::VecDeque;
use core::fmt;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// The last events of a run. Off by default, for rendering each event costs far more than
/// simulating it.
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
    /// Whether a client asks or is answered.
    is_of_client: bool,
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
        if self.capacity > 0 {
            self.push(Line {
                at,
                node,
                text: text(),
                is_of_client: false,
            });
        }
    }

    /// Records that a client asks or is answered, if tracing is on.
    pub(crate) fn record_of_client(
        &mut self,
        at: Instant,
        node: NodeId,
        text: impl FnOnce() -> String,
    ) {
        if self.capacity > 0 {
            self.push(Line {
                at,
                node: Some(node),
                text: text(),
                is_of_client: true,
            });
        }
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() == self.capacity {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back(line);
    }

    /// What a report shows of a run that failed at a time: the last `count` events. When nothing
    /// happened at that time, the check looked at what clients were told, or at where
    /// everything came to rest; then those up to shortly after the last word with a client.
    pub(crate) fn excerpt(mut self, count: usize, failed_at: Instant) -> Self {
        let last_word = self.lines.iter().rposition(|line| line.is_of_client);
        let at_rest = self.lines.back().is_some_and(|line| line.at < failed_at);
        if let Some(last_word) = last_word.filter(|_| at_rest) {
            self.lines.truncate(last_word + 1 + count / 10);
        }
        let surplus = self.lines.len().saturating_sub(count);
        self.lines.drain(..surplus);
        self.forgotten += surplus as u64;
        self
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
