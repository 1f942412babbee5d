//! What a sliding-window log remembers.

use alloc::collections::VecDeque;
use purlin_core::time::Instant;

/// The tokens that were admitted, by the instant at which each leaves the window: the state of a
/// [`SlidingWindowLog`](crate::SlidingWindowLog).
///
/// Tokens that leave at the same instant share an entry, so that a request of any cost takes one.
/// Entries are in the order of time, and numbered through: every search is a binary one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// The number of the last token that is no longer in the log. Numbers wrap: only differences
    /// mean something.
    before: u64,
    /// The latest instant of a call that was recorded. What leaves later than a window after it is
    /// reserved.
    seen: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// In nanoseconds. The instant of admission, which is a window earlier, may be before time zero
    /// in a log that came from another clock.
    leaves: u64,
    /// The number of its last token.
    last: u64,
}

impl Log {
    /// Entries in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it remembers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The instant of decisions: a clock that went back is taken for one that stood still.
    pub(super) fn clamp(&self, now: Instant) -> u64 {
        self.seen.max(now.as_nanos())
    }

    /// Tokens that have not left at `now`, reserved ones included.
    pub(super) fn used(&self, now: u64) -> u64 {
        self.tokens_after(self.gone(now))
    }

    /// When the newest token leaves.
    pub(super) fn newest(&self) -> Option<u64> {
        self.entries.back().map(|entry| entry.leaves)
    }

    /// When all have left but `count` of the newest tokens.
    pub(super) fn all_but(&self, count: u64) -> Option<u64> {
        let leaving = self.tokens_after(0).checked_sub(count);
        let leaving = leaving.filter(|leaving| *leaving > 0)?;
        let reaches = |entry: &Entry| entry.last.wrapping_sub(self.before) >= leaving;
        // The oldest entry first: it is the one in a log of single tokens that is full.
        let oldest = self.entries.front().filter(|entry| reaches(entry));
        let entry = oldest.or_else(|| {
            let index = self.entries.partition_point(|entry| !reaches(entry));
            self.entries.get(index)
        });
        entry.map(|entry| entry.leaves)
    }

    /// Adds the newest tokens, and forgets what has left at `now`.
    pub(super) fn push(&mut self, now: u64, leaves: u64, count: u64, capacity: usize) {
        self.seen = now;
        while let Some(entry) = self.entries.front().filter(|entry| entry.leaves <= now) {
            self.before = entry.last;
            self.entries.pop_front();
        }
        let last = self.last().wrapping_add(count);
        if let Some(entry) = self.entries.back_mut().filter(|it| it.leaves == leaves) {
            entry.last = last;
            return;
        }
        self.make_room(capacity);
        self.entries.push_back(Entry { leaves, last });
    }

    /// Decisions are by the last `limit` tokens. Of more entries than that the oldest decides nothing,
    /// unless as many reservations are cancelled: then it counts as if it left with the second.
    fn make_room(&mut self, capacity: usize) {
        let len = self.entries.len();
        if len >= capacity {
            self.entries.pop_front();
        } else if len == self.entries.capacity() {
            // Twice as many, but never more than there can be.
            let additional = len.max(4).min(capacity - len);
            self.entries.reserve_exact(additional);
        }
    }

    /// Takes up to `count` tokens out of the entry that leaves then, and answers how many.
    pub(super) fn take_from(&mut self, leaves: u64, count: u64) -> u64 {
        let index = self.entries.partition_point(|entry| entry.leaves < leaves);
        match self.entries.get(index) {
            Some(entry) if entry.leaves == leaves => self.take_out(index, count),
            _ => 0,
        }
    }

    /// Takes up to `count` tokens out, the newest that leave after `now` and not after `until` first.
    pub(super) fn take_newest(&mut self, now: u64, until: u64, mut count: u64) {
        let mut index = self.entries.partition_point(|entry| entry.leaves <= until);
        let gone = self.gone(now);
        while index > gone && count > 0 {
            index -= 1;
            count -= self.take_out(index, count);
        }
    }

    fn take_out(&mut self, index: usize, count: u64) -> u64 {
        let Some(entry) = self.entries.get(index) else {
            return 0;
        };
        let held = entry.last.wrapping_sub(self.last_before(index));
        let count = count.min(held);
        for entry in self.entries.range_mut(index..) {
            entry.last = entry.last.wrapping_sub(count);
        }
        if count == held {
            self.entries.remove(index);
        }
        count
    }

    /// The same log with other instants, `None` for what has left. The map must be monotone.
    pub(super) fn map_instants(&self, seen: u64, map: impl Fn(u64) -> Option<u64>) -> Self {
        let mut log = Self {
            seen,
            ..Self::default()
        };
        for entry in &self.entries {
            let last = entry.last.wrapping_sub(self.before);
            match (map(entry.leaves), log.entries.back_mut()) {
                (None, _) => log.before = last,
                (Some(leaves), Some(newest)) if newest.leaves == leaves => newest.last = last,
                (Some(leaves), _) => log.entries.push_back(Entry { leaves, last }),
            }
        }
        log.entries.shrink_to_fit();
        log
    }

    /// The same log with other numbers of tokens, counted from the oldest on, in at most `capacity`
    /// entries. The map must be monotone.
    pub(super) fn map_counts(&mut self, capacity: usize, map: impl Fn(u64) -> u64) {
        let (before, mut previous) = (self.before, 0);
        self.entries.retain_mut(|entry| {
            entry.last = map(entry.last.wrapping_sub(before));
            let grows = entry.last > previous;
            previous = entry.last;
            grows
        });
        self.before = 0;
        let excess = self.entries.len().saturating_sub(capacity);
        self.entries.drain(..excess);
        self.entries.shrink_to_fit();
    }

    fn last(&self) -> u64 {
        self.last_before(self.entries.len())
    }

    /// The number of the last token before the entry.
    fn last_before(&self, index: usize) -> u64 {
        let entry = index.checked_sub(1).and_then(|it| self.entries.get(it));
        entry.map_or(self.before, |entry| entry.last)
    }

    /// Tokens in the entries from that one on.
    fn tokens_after(&self, index: usize) -> u64 {
        self.last().wrapping_sub(self.last_before(index))
    }

    /// Entries that have left at `now`.
    fn gone(&self, now: u64) -> usize {
        match self.entries.front() {
            Some(entry) if entry.leaves <= now => {
                self.entries.partition_point(|entry| entry.leaves <= now)
            }
            _ => 0,
        }
    }

    /// What must be true of every log of that limit.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self, capacity: usize) {
        assert!(
            self.entries.len() <= capacity,
            "more entries than there may be"
        );
        assert!(
            self.entries.capacity() <= capacity,
            "room for more than there may be"
        );
        let mut previous = (0, 0);
        for entry in &self.entries {
            let number = entry.last.wrapping_sub(self.before);
            assert!(entry.leaves >= previous.0, "out of order");
            assert!(number > previous.1, "an entry of no tokens");
            previous = (entry.leaves + 1, number);
        }
    }
}
