//! What a leader knows of a follower: how far it is, and how to go on.

use super::position::Index;
use alloc::collections::VecDeque;

/// How entries go to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProgressState {
    /// Where the logs agree is not known: one message at a time, then wait for the answer.
    Probe,
    /// The logs agree up to `matched`: messages follow each other without waiting, up to the caps.
    Replicate,
    /// The follower needs a snapshot: no entries until it is installed.
    Snapshot,
}

/// How far a follower is.
///
/// `matched` is what it has acknowledged; `next` is what goes next; between them lies what is under
/// way. `matched < next` always.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    matched: Index,
    next: Index,
    state: ProgressState,
    /// In `Probe`: one is under way, or the follower has no room.
    paused: bool,
    inflight: Inflight,
}

impl Progress {
    /// A follower of which nothing is known: probes begin at `next`.
    #[must_use]
    pub fn new(next: Index) -> Self {
        Self {
            matched: Index::ZERO,
            next,
            state: ProgressState::Probe,
            paused: false,
            inflight: Inflight::default(),
        }
    }

    /// The last index acknowledged.
    #[must_use]
    #[inline]
    pub fn matched(&self) -> Index {
        self.matched
    }

    /// The index of the entry to send next.
    #[must_use]
    #[inline]
    pub fn next(&self) -> Index {
        self.next
    }

    /// How entries go.
    #[must_use]
    #[inline]
    pub fn state(&self) -> ProgressState {
        self.state
    }

    /// What is under way.
    #[must_use]
    #[inline]
    pub fn inflight(&self) -> &Inflight {
        &self.inflight
    }

    /// Whether nothing may be sent now.
    #[must_use]
    #[inline]
    pub fn is_paused(&self, max_messages: usize, max_bytes: u64) -> bool {
        match self.state {
            ProgressState::Probe => self.paused,
            ProgressState::Replicate => {
                self.paused || self.inflight.is_full(max_messages, max_bytes)
            }
            ProgressState::Snapshot => true,
        }
    }

    /// A message with entries up to `last` was sent.
    pub fn sent(&mut self, last: Index, bytes: u64) {
        match self.state {
            ProgressState::Replicate => {
                self.next = last.next();
                self.inflight.push(last, bytes);
            }
            ProgressState::Probe => self.paused = true,
            ProgressState::Snapshot => {}
        }
    }

    /// Everything up to `matched` is acknowledged. Whether that is news.
    pub fn acknowledge(&mut self, matched: Index) -> bool {
        self.inflight.free(matched);
        let news = matched > self.matched;
        if news {
            self.matched = matched;
            self.next = self.next.max(matched.next());
        }
        news
    }

    /// From probing or a snapshot to replication: everything up to `matched` agrees.
    pub fn replicate(&mut self) {
        self.state = ProgressState::Replicate;
        self.paused = false;
        self.inflight.clear();
        self.next = self.matched.next();
    }

    /// Back to probing, from the entry after the last acknowledged one or from `next`.
    pub fn probe(&mut self, next: Index) {
        self.state = ProgressState::Probe;
        self.paused = false;
        self.inflight.clear();
        self.next = next.max(self.matched.next());
    }

    /// The follower does not have the entry before `next`; `hint` is where it may agree. Whether
    /// that is news, and not an old answer.
    pub fn reject(&mut self, previous: Index, hint: Index) -> bool {
        match self.state {
            // An answer to something before what is known to agree says nothing new.
            ProgressState::Replicate if previous <= self.matched => false,
            ProgressState::Replicate => {
                self.probe(self.matched.next());
                true
            }
            ProgressState::Probe if self.next.previous() != previous => false,
            ProgressState::Probe => {
                self.next = previous.min(hint.next()).max(self.matched.next());
                self.paused = false;
                true
            }
            ProgressState::Snapshot => false,
        }
    }

    /// The follower needs a snapshot.
    pub fn snapshot(&mut self) {
        self.state = ProgressState::Snapshot;
        self.paused = false;
        self.inflight.clear();
    }

    /// Stops, until [`resume`](Self::resume): the follower has no room.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on: lets one probe through again.
    pub fn resume(&mut self) {
        self.paused = false;
    }
}

/// Messages with entries that are under way: their last indices and sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inflight {
    messages: VecDeque<(Index, u64)>,
    bytes: u64,
}

impl Inflight {
    /// How many messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes of payload.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    #[inline]
    fn is_full(&self, max_messages: usize, max_bytes: u64) -> bool {
        self.messages.len() >= max_messages || self.bytes >= max_bytes
    }

    #[inline]
    pub(crate) fn push(&mut self, last: Index, bytes: u64) {
        self.messages.push_back((last, bytes));
        self.bytes += bytes;
    }

    #[inline]
    pub(crate) fn free(&mut self, upto: Index) {
        while let Some(&(last, bytes)) = self.messages.front() {
            if last > upto {
                break;
            }
            self.messages.pop_front();
            self.bytes -= bytes;
        }
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}
