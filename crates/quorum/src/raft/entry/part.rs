//! What shared entries are made of.

use super::Entry;
use crate::raft::position::Term;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// A slice of a shared array of entries. A clone costs one reference count.
#[derive(Clone)]
pub(in crate::raft) struct Part {
    array: Arc<[Entry]>,
    /// Which of them; never empty.
    range: Range<usize>,
    /// The sum of their payloads' lengths.
    bytes: u64,
}

impl Part {
    /// All of `array`, which is not empty.
    pub(in crate::raft) fn new(array: Arc<[Entry]>) -> Self {
        debug_assert!(!array.is_empty(), "no part is empty");
        Self {
            range: 0..array.len(),
            bytes: payload_bytes(&array),
            array,
        }
    }

    #[inline]
    pub(in crate::raft) fn as_slice(&self) -> &[Entry] {
        &self.array[self.range.clone()]
    }

    #[inline]
    pub(in crate::raft) fn len(&self) -> usize {
        self.range.len()
    }

    #[inline]
    pub(in crate::raft) fn bytes(&self) -> u64 {
        self.bytes
    }

    #[inline]
    pub(in crate::raft) fn last_term(&self) -> Term {
        self.array[self.range.end - 1].term
    }

    /// The entries `range` of it, which are some. Takes time in the shorter of what stays and what
    /// goes.
    pub(in crate::raft) fn cut(&self, range: Range<usize>) -> Self {
        debug_assert!(
            range.start < range.end && range.end <= self.len(),
            "no part is empty"
        );
        let entries = self.as_slice();
        let bytes = if range.len() <= entries.len() / 2 {
            payload_bytes(&entries[range.clone()])
        } else {
            self.bytes
                - payload_bytes(&entries[..range.start])
                - payload_bytes(&entries[range.end..])
        };
        let start = self.range.start;
        Self {
            array: Arc::clone(&self.array),
            range: start + range.start..start + range.end,
            bytes,
        }
    }

    /// As many entries from `skip` on as are at most `entries` and have at most `bytes` of payload;
    /// `None` when not even one is.
    pub(in crate::raft) fn take(&self, skip: usize, entries: usize, bytes: u64) -> Option<Self> {
        if skip == 0 && self.len() <= entries && self.bytes <= bytes {
            return Some(self.clone());
        }
        let (count, bytes) = fitting(&self.as_slice()[skip..], entries, bytes);
        let start = self.range.start + skip;
        (count > 0).then(|| Self {
            array: Arc::clone(&self.array),
            range: start..start + count,
            bytes,
        })
    }

    /// The same entries, in an array of their own if less than half of the shared one, by number or
    /// by payload, would be kept alive for them.
    pub(in crate::raft) fn trimmed(self) -> Self {
        if self.len() == self.array.len() {
            return self;
        }
        let frugal =
            self.len() >= self.array.len() / 2 && self.bytes >= payload_bytes(&self.array) / 2;
        if frugal {
            self
        } else {
            Self::new(Arc::from(self.as_slice()))
        }
    }

    /// How many entries, and how many bytes of payload, are kept alive.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(in crate::raft) fn pinned(&self) -> (usize, u64) {
        (self.array.len(), payload_bytes(&self.array))
    }
}

impl From<Vec<Entry>> for Part {
    fn from(entries: Vec<Entry>) -> Self {
        Self::new(entries.into())
    }
}

/// The sum of the payloads' lengths.
pub(in crate::raft) fn payload_bytes(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.payload.len() as u64).sum()
}

/// How many of the first entries are at most `most` and have at most `bytes` of payload; and how
/// many bytes they have.
pub(in crate::raft) fn fitting(entries: &[Entry], most: usize, bytes: u64) -> (usize, u64) {
    let mut sum = 0;
    let mut count = 0;
    for entry in entries.iter().take(most) {
        let with = sum + entry.payload.len() as u64;
        if with > bytes {
            break;
        }
        sum = with;
        count += 1;
    }
    (count, sum)
}
