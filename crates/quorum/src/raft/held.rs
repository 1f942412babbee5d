//! Messages that wait for the disk.

use super::durable::Ticket;
use super::message::Message;
use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// More than so many are lost, as messages may be.
const MAX: usize = 1024;

/// Messages with the tickets that they wait for, in that order. Few nodes have any: a queue is made
/// when there is one, and given back when the node rests.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "thousands of nodes have none: a pointer, not a queue"
)]
pub(crate) struct Held(Option<Box<VecDeque<(Ticket, Message)>>>);

impl Held {
    pub(crate) fn push(&mut self, waits_for: Ticket, message: Message) {
        let queue = self.0.get_or_insert_default();
        if queue.len() < MAX {
            queue.push_back((waits_for, message));
        }
    }

    /// The next one that need not wait any more, now that `persisted` is durable.
    #[inline]
    pub(crate) fn pop(&mut self, persisted: Ticket) -> Option<Message> {
        let queue = self.0.as_deref_mut()?;
        let &(waits_for, _) = queue.front()?;
        if waits_for > persisted {
            return None;
        }
        queue.pop_front().map(|(_, message)| message)
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Ticket, Message)> {
        self.0.iter().flat_map(|queue| queue.iter())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.is_empty())
    }

    /// Gives the memory back, if it is empty.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            self.clear();
        }
    }
}
