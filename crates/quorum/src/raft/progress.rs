//! What a leader knows of a follower: how far it is, and how to go on.
//!
//! The states and their transitions are those of etcd's `tracker` package:
//!
//! | event | probe | replicate | snapshot |
//! |---|---|---|---|
//! | sent | waits for the answer | goes on behind it, up to the caps | - |
//! | acknowledged | [`replicate`](Progress::replicate) | room in the window | [`replicate`](Progress::replicate) when installed |
//! | rejected | further back, once for each answer | [`probe`](Progress::probe) after what is acknowledged | - |
//! | unreachable | goes on waiting | [`probe`](Progress::probe) | [`probe`](Progress::probe) when given up |
//! | log compacted | [`snapshot`](Progress::snapshot) | [`snapshot`](Progress::snapshot) | - |

#[cfg(test)]
mod tests;

use super::position::Index;
use alloc::collections::VecDeque;

/// No log has more entries: there is a next one after each.
const LAST: Index = Index(u64::MAX - 1);

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
/// way. `matched < next` always, whatever is reported: no index is 2^64 - 1.
///
/// Each function is *O*(1), but for [`acknowledge`](Self::acknowledge), which is *O*(1) for each
/// message sent. Memory: 16 bytes for each message under way, which the caps bound that
/// [`is_paused`](Self::is_paused) is given.
///
/// ```
/// use purlin_quorum::raft::Index;
/// use purlin_quorum::raft::progress::{Progress, ProgressState};
///
/// // The leader's log ends at 20; it begins to probe there.
/// let mut follower = Progress::new(Index(21));
/// follower.sent(Index(20), 0);
/// assert!(follower.is_paused(4, 1000), "one probe at a time");
///
/// // The follower has nothing after 10; there the logs agree.
/// assert!(follower.reject(Index(20), Index(10)));
/// assert_eq!(follower.next(), Index(11));
/// follower.acknowledge(Index(10));
/// follower.replicate();
///
/// // Now messages follow each other, until 1,000 bytes are under way.
/// follower.sent(Index(15), 600);
/// assert!(!follower.is_paused(4, 1000));
/// follower.sent(Index(20), 600);
/// assert!(follower.is_paused(4, 1000));
/// follower.acknowledge(Index(15));
/// assert_eq!(follower.inflight().bytes(), 600);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    matched: Index,
    next: Index,
    state: ProgressState,
    /// In `Probe`: one is under way. In `Replicate` and `Probe`: the follower has no room.
    paused: bool,
    inflight: Inflight,
}

impl Progress {
    /// A follower of which nothing is known: probes begin at `next`, or at the first entry if that
    /// is 0.
    #[must_use]
    pub fn new(next: Index) -> Self {
        Self {
            matched: Index::ZERO,
            next: next.max(Index::ZERO.next()),
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

    /// Whether no entries may be sent now: a probe is not answered yet, so many messages or bytes are
    /// under way, the follower has no room, or waits for a snapshot.
    ///
    /// The byte cap closes the window when it is reached, so that an entry larger than the cap can
    /// travel at all; what is under way exceeds it by one message at most.
    ///
    /// A message without entries may always be sent. When messages were lost, it is what finds that
    /// out: the follower rejects it, and the window opens again.
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

    /// A message with entries up to `last` was sent, of so many bytes. One without entries, whose
    /// last is the entry before `next`, counts as a probe when probing, and otherwise not at all.
    pub fn sent(&mut self, last: Index, bytes: u64) {
        let last = last.min(LAST);
        match self.state {
            ProgressState::Replicate if last >= self.next => {
                self.next = last.next();
                self.inflight.push(last, bytes);
            }
            ProgressState::Replicate => {}
            ProgressState::Probe => self.paused = true,
            ProgressState::Snapshot => {}
        }
    }

    /// Everything up to `matched` is acknowledged. Whether that is news: then nothing is paused any
    /// more. What was acknowledged before never goes back, so late and repeated answers do no harm.
    pub fn acknowledge(&mut self, matched: Index) -> bool {
        let matched = matched.min(LAST);
        self.inflight.free(matched);
        let news = matched > self.matched;
        if news {
            self.matched = matched;
            self.next = self.next.max(matched.next());
            self.paused = false;
        }
        news
    }

    /// From probing or a snapshot to replication: everything up to `matched` agrees, and entries go
    /// on after it.
    pub fn replicate(&mut self) {
        self.state = ProgressState::Replicate;
        self.paused = false;
        self.inflight.clear();
        self.next = self.matched.next();
    }

    /// Back to probing, from `next`, but not before the entry after the last acknowledged one.
    pub fn probe(&mut self, next: Index) {
        self.state = ProgressState::Probe;
        self.paused = false;
        self.inflight.clear();
        self.next = next.max(self.matched.next());
    }

    /// The follower does not have the entry at `previous`, that before the first one of a message;
    /// `hint` is where the logs may agree at the latest. Whether that is news, and not a late or
    /// repeated answer, which changes nothing.
    ///
    /// While probing, an answer counts that is about the probe under way, and the next one goes from
    /// `hint`; never forward, and never to what is acknowledged. While replicating, a message was
    /// lost or overtaken: back to probing.
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

    /// The follower needs a snapshot. When it has it, [`acknowledge`](Self::acknowledge) the last
    /// index that it covers, then [`replicate`](Self::replicate); to give up,
    /// [`probe`](Self::probe).
    pub fn snapshot(&mut self) {
        self.state = ProgressState::Snapshot;
        self.paused = false;
        self.inflight.clear();
    }

    /// Stops, until something new is acknowledged, or [`resume`](Self::resume): the follower has no
    /// room.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Gives back the memory of a window that nothing is in.
    pub(crate) fn rest(&mut self) {
        self.inflight.rest();
    }

    /// Goes on: the follower has room; or an answer may have been lost, and one more probe goes
    /// through.
    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Panics where what must always hold does not.
    ///
    /// # Panics
    ///
    /// Then, and that is a bug.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        assert!(
            self.matched < self.next,
            "{self:?}: next is acknowledged already"
        );
        let messages = &self.inflight.messages;
        let sum: u64 = messages.iter().map(|&(_, bytes)| bytes).sum();
        assert_eq!(self.inflight.bytes, sum, "{self:?}: bytes under way");
        let lasts: alloc::vec::Vec<Index> = messages.iter().map(|&(last, _)| last).collect();
        assert!(
            lasts.is_sorted_by(|one, other| one < other),
            "{self:?}: out of order"
        );
        assert!(
            lasts
                .iter()
                .all(|&last| self.matched < last && last < self.next),
            "{self:?}: under way is what was sent and is not acknowledged"
        );
        assert!(
            messages.is_empty() || self.state == ProgressState::Replicate,
            "{self:?}: only in replication are messages under way"
        );
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
        // No memory holds so much; then the sum stays exact.
        let bytes = bytes.min(u64::MAX - self.bytes);
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

    /// Gives back the memory that nothing is in.
    pub(crate) fn rest(&mut self) {
        self.messages.shrink_to_fit();
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}
