//! When which group has something to do by itself.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use purlin_core::time::Instant;

/// Deadlines by slot.
///
/// Followers put their deadlines off with every heartbeat. A timer is therefore not moved when its
/// deadline is: it is looked at when it is due, and set again if the deadline is later by then. Each
/// group has one timer that counts, and at most a few that are left over from earlier ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    due: BinaryHeap<Reverse<(Instant, u32)>>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Instant, slot: u32) {
        self.due.push(Reverse((at, slot)));
    }

    /// The first one, at or before the deadline of its group.
    pub(super) fn first(&self) -> Option<Instant> {
        self.due.peek().map(|&Reverse((at, _))| at)
    }

    /// Takes the timers that are due at `until` or before.
    pub(super) fn take(&mut self, until: Instant, into: &mut Vec<(Instant, u32)>) {
        while self.first().is_some_and(|at| at <= until)
            && let Some(Reverse(timer)) = self.due.pop()
        {
            into.push(timer);
        }
    }
}
