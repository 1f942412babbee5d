//! What is given out of the log.

use super::{Log, count};
use crate::raft::entry::{Entries, Part, fitting};
use crate::raft::position::Index;
use alloc::sync::Arc;
use core::iter;

impl Log {
    /// The entries `from..=to`, as many as have at most `max_bytes` of payload, but at least one if
    /// there is one; none when `from` is not in the log.
    ///
    /// O(segments spanned), and of the first and the last one the entries taken. Only what comes
    /// from the tail, and is not within its last batch, is copied.
    pub(crate) fn slice(&self, from: Index, to: Index, max_bytes: u64) -> Entries {
        let Some(first) = self.entry(from).filter(|_| from <= to) else {
            return Entries::empty(from);
        };
        if from == to || first.payload.len() as u64 > max_bytes {
            return Entries::one(from, first.clone());
        }
        let mut entries = usize::try_from(to - from)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let mut bytes = max_bytes;
        if let Some(recent) = &self.recent
            && recent.before() < from
            && to <= recent.last.index
        {
            let part = recent
                .part
                .take(count(recent.before(), from) - 1, entries, bytes);
            return Entries::from_parts(from, part.into_iter());
        }
        let (at, mut skip) = self.locate(from).unwrap_or((self.segments.len(), 0));
        let mut segments = self.segments.range(at..);
        let mut tail = self
            .tail
            .get(count(self.sealed.next(), from)..)
            .unwrap_or(&[]);
        Entries::from_parts(
            from,
            iter::from_fn(move || {
                let (part, whole) = if let Some(segment) = segments.next() {
                    let part = segment.part.take(skip, entries, bytes)?;
                    let whole = skip + part.len() == segment.part.len();
                    skip = 0;
                    (part, whole)
                } else {
                    let (fitting, _) = fitting(tail, entries, bytes);
                    let taken = tail
                        .split_off(..fitting)
                        .filter(|taken| !taken.is_empty())?;
                    (Part::new(Arc::from(taken)), false)
                };
                entries = if whole { entries - part.len() } else { 0 };
                bytes -= part.bytes();
                Some(part)
            }),
        )
    }
}
