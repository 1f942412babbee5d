//! Entries in a row.

use super::{Entry, Part};
use crate::raft::position::{Index, Position, Term};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::slice;
use thiserror::Error;

/// Consecutive entries, shared rather than copied: a clone costs one reference count and no
/// allocation, however many they are.
///
/// A log, the messages to its followers, the writes and what is to be applied hold the same entries
/// in memory once. A single entry is held in place. Terms never decrease from one entry to the next,
/// as in every log (§5.4.2): no constructor makes anything else.
///
/// ```
/// use bytes::Bytes;
/// use purlin_quorum::raft::{Entries, Entry, Index, Position, Term};
///
/// let commands = ["a", "bc"].map(|text| Entry::command(Term(3), Bytes::from_static(text.as_bytes())));
/// let entries = Entries::new(Index(8), commands.into());
/// assert_eq!(entries.last(), Some(Position::new(Term(3), Index(9))));
/// assert_eq!(entries.bytes(), 3);
/// assert_eq!(entries.from(Index(9)).iter().next(), Some((Index(9), entries.get(Index(9)).unwrap())));
/// assert_eq!(format!("{entries:?}"), "{8: t3 1 B, 9: t3 2 B}");
/// ```
#[derive(Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::serde_entries::Fields"))]
pub struct Entries {
    first: Index,
    shape: Shape,
}

/// How many they are decides how they are held.
#[derive(Clone, Default)]
pub(in crate::raft) enum Shape {
    #[default]
    Empty,
    One(Entry),
    /// Two at least.
    Part(Part),
    /// Two parts at least.
    Parts {
        parts: Arc<[Part]>,
        len: usize,
        bytes: u64,
    },
}

impl Entries {
    /// No entries; what comes next would be at `first`.
    #[must_use]
    pub const fn empty(first: Index) -> Self {
        Self {
            first,
            shape: Shape::Empty,
        }
    }

    /// One entry.
    #[must_use]
    #[inline]
    pub const fn one(index: Index, entry: Entry) -> Self {
        Self {
            first: index,
            shape: Shape::One(entry),
        }
    }

    /// Entries from `first` on. O(n), with one allocation when they are more than one.
    ///
    /// # Panics
    ///
    /// Where [`try_new`](Self::try_new) would fail.
    #[must_use]
    pub fn new(first: Index, entries: Vec<Entry>) -> Self {
        match Self::try_new(first, entries) {
            Ok(entries) => entries,
            Err(error) => panic!("{error}"),
        }
    }

    /// Entries from `first` on, which come from outside. O(n), with one allocation when they are
    /// more than one.
    ///
    /// # Errors
    ///
    /// When a term is lower than the one before it, or no index is left after the last one.
    pub fn try_new(first: Index, mut entries: Vec<Entry>) -> Result<Self, EntriesError> {
        if first.0.checked_add(entries.len() as u64).is_none() {
            return Err(EntriesError::OutOfIndices(first));
        }
        if let Some(at) = entries
            .windows(2)
            .position(|pair| pair[0].term > pair[1].term)
        {
            return Err(EntriesError::TermDecreases(first + at as u64 + 1));
        }
        let shape = match entries.len() {
            0 => Shape::Empty,
            1 => entries.pop().map_or(Shape::Empty, Shape::One),
            _ => Shape::Part(entries.into()),
        };
        Ok(Self { first, shape })
    }

    /// Entries from `first` on, in parts that follow each other.
    pub(in crate::raft) fn from_parts(first: Index, mut parts: impl Iterator<Item = Part>) -> Self {
        let shape = match (parts.next(), parts.next()) {
            (None, _) => Shape::Empty,
            (Some(part), None) => Shape::of(part),
            (Some(one), Some(two)) => {
                let parts: Arc<[Part]> = [one, two].into_iter().chain(parts).collect();
                let len = parts.iter().map(Part::len).sum();
                let bytes = parts.iter().map(Part::bytes).sum();
                Shape::Parts { parts, len, bytes }
            }
        };
        Self { first, shape }
    }

    /// How they are held, for the log to hold them so too.
    pub(in crate::raft) fn into_shape(self) -> Shape {
        self.shape
    }

    /// The index of the first entry, or of the one that would be the first.
    #[must_use]
    #[inline]
    pub fn first_index(&self) -> Index {
        self.first
    }

    /// How many there are. O(1).
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.shape {
            Shape::Empty => 0,
            Shape::One(_) => 1,
            Shape::Part(part) => part.len(),
            Shape::Parts { len, .. } => *len,
        }
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self.shape, Shape::Empty)
    }

    /// The last entry's position. O(1).
    #[must_use]
    #[inline]
    pub fn last(&self) -> Option<Position> {
        let last = match &self.shape {
            Shape::Empty => return None,
            Shape::One(entry) => entry,
            Shape::Part(part) => part.as_slice().last()?,
            Shape::Parts { parts, .. } => parts.last()?.as_slice().last()?,
        };
        Some(Position::new(
            last.term,
            self.first + (self.len() as u64 - 1),
        ))
    }

    /// The sum of the payloads' lengths. O(1).
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> u64 {
        match &self.shape {
            Shape::Empty => 0,
            Shape::One(entry) => entry.payload.len() as u64,
            Shape::Part(part) => part.bytes(),
            Shape::Parts { bytes, .. } => *bytes,
        }
    }

    /// The entry at `index`. O(parts of the log that they span).
    #[must_use]
    #[inline]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let mut at = usize::try_from(index.0.checked_sub(self.first.0)?).ok()?;
        let parts = match &self.shape {
            Shape::Empty => return None,
            Shape::One(entry) => return (at == 0).then_some(entry),
            Shape::Part(part) => slice::from_ref(part),
            Shape::Parts { parts, .. } => parts,
        };
        for part in parts {
            if let Some(entry) = part.as_slice().get(at) {
                return Some(entry);
            }
            at -= part.len();
        }
        None
    }

    /// The term of the entry at `index`.
    #[must_use]
    #[inline]
    pub fn term(&self, index: Index) -> Option<Term> {
        self.get(index).map(|entry| entry.term)
    }

    /// The entries with their indices, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Index, &Entry)> + Clone {
        let (current, rest): (&[Entry], &[Part]) = match &self.shape {
            Shape::Empty => (&[], &[]),
            Shape::One(entry) => (slice::from_ref(entry), &[]),
            Shape::Part(part) => (part.as_slice(), &[]),
            Shape::Parts { parts, .. } => (&[], parts),
        };
        Iter {
            index: self.first,
            current: current.iter(),
            rest: rest.iter(),
        }
    }

    /// The same, without a reference count where nothing is left out.
    #[inline]
    pub(in crate::raft) fn into_from(self, index: Index) -> Self {
        if index <= self.first {
            self
        } else {
            self.from(index)
        }
    }

    /// The entries from `index` on, shared.
    #[must_use]
    pub fn from(&self, index: Index) -> Self {
        let first = index.max(self.first);
        let skip = usize::try_from(index - self.first).unwrap_or(usize::MAX);
        if skip == 0 {
            return self.clone();
        }
        if skip >= self.len() {
            return Self::empty(first);
        }
        let parts = match &self.shape {
            Shape::Empty | Shape::One(_) => return Self::empty(first),
            Shape::Part(part) => slice::from_ref(part),
            Shape::Parts { parts, .. } => parts,
        };
        let mut skip = skip;
        Self::from_parts(
            first,
            parts.iter().filter_map(|part| {
                let skipped = skip.min(part.len());
                skip -= skipped;
                match skipped {
                    0 => Some(part.clone()),
                    _ if skipped == part.len() => None,
                    _ => Some(part.cut(skipped..part.len())),
                }
            }),
        )
    }
}

impl Shape {
    /// One entry is held in place: it then keeps no array alive.
    fn of(part: Part) -> Self {
        match part.as_slice() {
            [entry] => Self::One(entry.clone()),
            _ => Self::Part(part),
        }
    }
}

#[derive(Clone)]
struct Iter<'a> {
    /// Of the entry that comes next.
    index: Index,
    current: slice::Iter<'a, Entry>,
    rest: slice::Iter<'a, Part>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Index, &'a Entry);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.current.next() {
                let index = self.index;
                self.index = index.next();
                return Some((index, entry));
            }
            self.current = self.rest.next()?.as_slice().iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.current.len() + self.rest.clone().map(Part::len).sum::<usize>();
        (len, Some(len))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl PartialEq for Entries {
    /// By what they are, however they are held.
    fn eq(&self, other: &Self) -> bool {
        self.first == other.first
            && self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|((_, one), (_, two))| one == two)
    }
}

impl Eq for Entries {}

impl Hash for Entries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.first.hash(state);
        self.len().hash(state);
        for (_, entry) in self.iter() {
            entry.hash(state);
        }
    }
}

impl fmt::Debug for Entries {
    /// Indices, terms and sizes; not the payloads, which are long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "{{}} at {}", self.first);
        }
        let mut map = f.debug_map();
        for (index, entry) in self.iter() {
            map.entry(
                &index.0,
                &format_args!("{} {} B", entry.term, entry.payload.len()),
            );
        }
        map.finish()
    }
}

/// Why entries cannot follow each other in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntriesError {
    /// A leader's term is never lower than that of the entries it found.
    #[error("the entry at index {0} has a lower term than the one before it")]
    TermDecreases(Index),
    /// No index would be left after the last one.
    #[error("more entries than there are indices from {0} on")]
    OutOfIndices(Index),
}
