//! Probes that were asked for and have no answer yet.

use super::Probe;
use alloc::collections::VecDeque;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// Answers that may be awaited at once: what a thousand requests ask for within the time of an
/// answer. While that many are, no more probes are asked for.
const CAPACITY: usize = 1024;

/// Where a probe goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) endpoint: NodeId,
    /// Where it was then in its pool: most often it still is.
    pub(super) position: usize,
}

#[derive(Debug)]
struct Asked {
    target: Target,
    at: Instant,
    answered: bool,
}

/// In the order of their numbers, which follow each other: found by number in O(1).
#[derive(Debug)]
pub(super) struct Outstanding {
    asked: VecDeque<Asked>,
    /// The number of the first.
    first: u64,
    /// The number of the next that the driver fetches.
    next: u64,
}

impl Outstanding {
    pub(super) fn new() -> Self {
        Self {
            asked: VecDeque::with_capacity(CAPACITY),
            first: 0,
            next: 0,
        }
    }

    /// Asks for a probe, unless there are too many, or `most` that nobody has fetched.
    pub(super) fn ask(&mut self, target: Target, now: Instant, most: usize) {
        if self.asked.len() < CAPACITY && self.unfetched().count() < most {
            self.asked.push_back(Asked {
                target,
                at: now,
                answered: false,
            });
        }
    }

    /// Those that nobody has fetched, the latest first.
    fn unfetched(&self) -> impl Iterator<Item = &Asked> {
        let fetched = self.index(self.next).unwrap_or(0);
        self.asked.range(fetched..).rev()
    }

    /// Whether that endpoint is among the last so many that nobody has fetched.
    pub(super) fn is_among_last(&self, count: usize, endpoint: NodeId) -> bool {
        let mut last = self.unfetched().take(count);
        last.any(|asked| asked.target.endpoint == endpoint)
    }

    pub(super) fn fetch(&mut self) -> Option<Probe> {
        self.next = self.next.max(self.first);
        let asked = self.asked.get(self.index(self.next)?)?;
        let probe = Probe {
            endpoint: asked.target.endpoint,
            number: self.next,
        };
        self.next += 1;
        Some(probe)
    }

    /// Where the probe of that number went; once, and only if it did.
    pub(super) fn settle(&mut self, number: u64) -> Option<Target> {
        let at = self.index(number)?;
        if number >= self.next {
            return None;
        }
        let asked = self.asked.get_mut(at)?;
        let unanswered = !core::mem::replace(&mut asked.answered, true);
        unanswered.then_some(asked.target)
    }

    /// Gives up on those that are older than this, and forgets what is answered.
    pub(super) fn expire(&mut self, now: Instant, max_age: Duration) {
        while let Some(asked) = self.asked.front()
            && (asked.answered || now.saturating_duration_since(asked.at) > max_age)
        {
            self.asked.pop_front();
            self.first += 1;
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }
}
