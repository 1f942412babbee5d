//! What holds of a log at any time.

use super::{Log, SHARE, TAIL, payload_bytes};

impl Log {
    /// Checks that it is as it says.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub(crate) fn check_invariants(&self) {
        let mut last = self.base;
        let mut bytes = payload_bytes(&self.tail);
        let mut short = false;
        for (at, segment) in self.segments.iter().enumerate() {
            let part = &segment.part;
            assert_eq!(segment.before(), last.index, "segments follow each other");
            assert!(part.len() > 0, "no segment is empty");
            assert_eq!(part.last_term(), segment.last.term);
            assert_eq!(part.bytes(), payload_bytes(part.as_slice()));
            let (entries, pinned) = part.pinned();
            assert!(
                entries <= 2 * part.len() + 1,
                "a segment keeps no more alive than it has"
            );
            assert!(
                pinned <= 2 * part.bytes() + 1,
                "a segment keeps no more alive than it has"
            );
            // The first may have been cut by a compaction.
            assert!(
                !short || part.len() >= SHARE,
                "no two short segments in a row"
            );
            short = at > 0 && part.len() < SHARE;
            assert!(part.as_slice()[0].term >= last.term, "terms never decrease");
            assert!(
                part.as_slice().is_sorted_by_key(|entry| entry.term),
                "terms never decrease"
            );
            last = segment.last;
            bytes += part.bytes();
        }
        assert_eq!(self.sealed, last.index);
        assert!(self.tail.len() < TAIL, "a full tail is sealed");
        assert!(
            self.tail.iter().all(|entry| entry.term >= last.term),
            "terms never decrease"
        );
        assert!(
            self.tail.is_sorted_by_key(|entry| entry.term),
            "terms never decrease"
        );
        assert_eq!(self.bytes, bytes);
        if let Some(recent) = &self.recent {
            for (at, entry) in recent.part.as_slice().iter().enumerate() {
                let index = recent.before() + at as u64 + 1;
                assert_eq!(
                    self.entry(index),
                    Some(entry),
                    "the last batch is in the log"
                );
            }
        }
    }
}
