//! The part of the log that is kept in memory: everything after the last compaction.
//!
//! What is written, sent to followers and applied shares the log's own arrays. Batches come as
//! arrays and stay so. Entries that come one by one gather in a tail first, and a full tail becomes
//! an array: 40 bytes of an entry and about two of bookkeeping.

#[cfg(any(test, fuzzing, feature = "conformance"))]
mod invariants;
mod slice;
#[cfg(test)]
mod tests;

use super::entry::{Entries, Entry, Part, Shape, payload_bytes};
use super::position::{Index, Position, Term};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

/// A tail of so many entries is full.
const TAIL: usize = 64;

/// So many entries are worth a segment of their own; fewer are copied to the tail. What an array
/// costs besides its entries (16 bytes, and twice 56 for its segment while the queue of them grows)
/// is then at most 8 bytes an entry, even when every other segment is a tail cut short at one.
const SHARE: usize = 32;

/// The log after `base`, the last entry that a snapshot covers.
///
/// Terms never decrease along it, whence terms are found by binary search.
#[derive(Clone)]
pub(crate) struct Log {
    base: Position,
    segments: VecDeque<Segment>,
    /// The index before the tail's first entry.
    sealed: Index,
    tail: Vec<Entry>,
    /// The last small batch, as it came: a leader sends, writes and commits just that, and it need
    /// not be copied from the tail each time. Gone with the next truncation or compaction.
    recent: Option<Segment>,
    bytes: u64,
}

#[derive(Clone)]
struct Segment {
    part: Part,
    /// Of its last entry.
    last: Position,
}

impl Segment {
    /// The index before its first entry.
    fn before(&self) -> Index {
        Index(self.last.index.0 - self.part.len() as u64)
    }
}

impl Log {
    /// An empty log after `base`.
    pub(crate) fn new(base: Position) -> Self {
        let sealed = base.index;
        Self {
            base,
            segments: VecDeque::new(),
            sealed,
            tail: Vec::new(),
            recent: None,
            bytes: 0,
        }
    }

    /// The last entry covered by the snapshot.
    #[inline]
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// The last entry's position; that of the snapshot when there is none.
    #[inline]
    pub(crate) fn last(&self) -> Position {
        match self.tail.last() {
            Some(entry) => Position::new(entry.term, self.last_index()),
            None => self
                .segments
                .back()
                .map_or(self.base, |segment| segment.last),
        }
    }

    #[inline]
    pub(crate) fn last_index(&self) -> Index {
        self.sealed + self.tail.len() as u64
    }

    /// The term of the entry at `index`; `None` before the base and after the end. O(1) in the tail,
    /// in the last segment and at the base, O(log n) elsewhere.
    #[inline]
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        match self.segments.back() {
            Some(segment) if segment.last.index == index => Some(segment.last.term),
            _ if index == self.base.index => Some(self.base.term),
            _ => self.entry(index).map(|entry| entry.term),
        }
    }

    /// As [`term`](Self::term).
    #[inline]
    pub(crate) fn entry(&self, index: Index) -> Option<&Entry> {
        if index > self.sealed {
            return self.tail.get(count(self.sealed, index) - 1);
        }
        let (segment, at) = self.locate(index)?;
        self.segments[segment].part.as_slice().get(at)
    }

    /// Which segment holds the entry at `index`, and where.
    fn locate(&self, index: Index) -> Option<(usize, usize)> {
        if index <= self.base.index || index > self.sealed {
            return None;
        }
        // Most questions are about the end.
        let mut at = self.segments.len() - 1;
        if index <= self.segments[at].before() {
            at = self
                .segments
                .partition_point(|segment| segment.last.index < index);
        }
        Some((at, count(self.segments[at].before(), index) - 1))
    }

    /// Payload bytes held.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds one entry at the end, whose term is not lower than the last one's. O(1), amortised.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert!(self.last().term <= entry.term, "terms never decrease");
        self.bytes += entry.payload.len() as u64;
        self.tail.push(entry);
        if self.tail.len() == TAIL {
            self.seal();
        }
    }

    /// Adds entries at the end: their first index must be the one after the last, their first term
    /// not lower than the last one. O(1) for a part of [`SHARE`] entries or more.
    pub(crate) fn extend(&mut self, entries: Entries) {
        debug_assert_eq!(
            entries.first_index(),
            self.last_index().next(),
            "a log has no gaps"
        );
        match entries.into_shape() {
            Shape::Empty => {}
            Shape::One(entry) => self.push(entry),
            Shape::Part(part) => self.append(part),
            Shape::Parts { parts, .. } => parts.iter().cloned().for_each(|part| self.append(part)),
        }
    }

    fn append(&mut self, part: Part) {
        if part.len() >= SHARE {
            self.seal();
            self.bytes += part.bytes();
            self.adopt(part.trimmed());
        } else {
            part.as_slice()
                .iter()
                .cloned()
                .for_each(|entry| self.push(entry));
            self.recent = Some(Segment {
                last: self.last(),
                part: part.trimmed(),
            });
        }
    }

    /// Makes a segment of the tail, whose memory stays for the next entries.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let part = Part::new(self.tail.drain(..).collect());
            self.adopt(part);
        }
    }

    /// Makes `part` the last segment; the tail is empty.
    fn adopt(&mut self, part: Part) {
        self.sealed = self.sealed + part.len() as u64;
        let last = Position::new(part.last_term(), self.sealed);
        debug_assert!(self.last().term <= last.term, "terms never decrease");
        self.segments.push_back(Segment { part, last });
    }

    /// Removes `from` and everything after it. O(what is removed).
    pub(crate) fn truncate(&mut self, from: Index) {
        self.recent = None;
        let keep = from.previous().max(self.base.index);
        if keep >= self.sealed {
            let keep = count(self.sealed, keep).min(self.tail.len());
            self.bytes -= payload_bytes(&self.tail[keep..]);
            self.tail.truncate(keep);
            return;
        }
        self.bytes -= payload_bytes(&self.tail);
        self.tail.clear();
        while keep < self.sealed
            && let Some(Segment { part, .. }) = self.segments.pop_back()
        {
            self.bytes -= part.bytes();
            self.sealed = self
                .segments
                .back()
                .map_or(self.base.index, |segment| segment.last.index);
            if self.sealed < keep {
                let part = part.cut(0..count(self.sealed, keep));
                self.bytes += part.bytes();
                self.adopt(part.trimmed());
            }
        }
        // Repeated, this would leave many short segments: the tail takes them back.
        while let Some(Segment { part, .. }) = self.segments.back()
            && part.len() < SHARE
            && part.len() + self.tail.len() < TAIL
        {
            self.sealed = Index(self.sealed.0 - part.len() as u64);
            self.tail.splice(0..0, part.as_slice().iter().cloned());
            self.segments.pop_back();
        }
    }

    /// Drops everything up to `upto`, if the log has it. O(what is dropped).
    pub(crate) fn compact(&mut self, upto: Index) {
        let Some(term) = self.term(upto) else { return };
        self.base = Position::new(term, upto);
        self.recent = None;
        while let Some(Segment { part, last }) = self.segments.pop_front() {
            self.bytes -= part.bytes();
            if last.index > upto {
                let skip = part.len() - count(upto, last.index);
                let part = part.cut(skip..part.len()).trimmed();
                self.bytes += part.bytes();
                self.segments.push_front(Segment { part, last });
                break;
            }
        }
        if self.sealed < upto {
            let skip = count(self.sealed, upto);
            self.bytes -= payload_bytes(&self.tail[..skip]);
            self.tail.drain(..skip);
            self.sealed = upto;
        }
        self.shrink();
    }

    /// Gives memory back when less than a quarter of it is used.
    fn shrink(&mut self) {
        let spare = |len: usize, capacity: usize| capacity > 4 * (len + 1);
        if spare(self.segments.len(), self.segments.capacity()) {
            self.segments.shrink_to(self.segments.len() * 2);
        }
        if spare(self.tail.len(), self.tail.capacity()) {
            self.tail.shrink_to(self.tail.len() * 2);
        }
    }

    /// Gives back all memory that no entry is in: nothing is added for a while.
    pub(crate) fn rest(&mut self) {
        self.segments.shrink_to_fit();
        self.tail.shrink_to_fit();
    }

    /// Forgets everything: the log starts anew after `base`.
    pub(crate) fn reset(&mut self, base: Position) {
        *self = Self::new(base);
    }

    /// The last index up to `index` whose term is at most `term`: where a leader and a follower
    /// that disagree may still agree. The base when there is none. O(log n).
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> Position {
        let low = |entries: &[Entry]| entries.partition_point(|entry| entry.term <= term) as u64;
        let segment = self
            .segments
            .partition_point(|segment| segment.last.term <= term);
        let last = match self.segments.get(segment) {
            Some(segment) => segment.before() + low(segment.part.as_slice()),
            None => self.sealed + low(&self.tail),
        };
        let index = last.min(index).max(self.base.index);
        self.term(index)
            .map_or(self.base, |term| Position::new(term, index))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("base", &self.base)
            .field("last", &self.last())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// How many entries come after `after` up to `upto`.
#[inline]
fn count(after: Index, upto: Index) -> usize {
    usize::try_from(upto - after).unwrap_or(usize::MAX)
}
