//! What is in a trace.

use std::collections::HashMap;

use super::ids::KEYS_MAX;
use super::{Reason, Trace, TraceError};

/// The figures by which traces are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many requests.
    pub requests: u64,
    /// How many distinct keys.
    pub distinct: u64,
    /// How many of them are asked for once: no cache can ever serve those.
    pub once: u64,
    /// The sum of all requests' sizes, where the format has them.
    pub bytes: u64,
    /// How many entries were no requests.
    pub skipped: u64,
}

impl Summary {
    /// Reads a trace to its end. O(1) a request; memory is that of the distinct keys.
    ///
    /// # Errors
    ///
    /// The trace's own; [`Reason::TooManyKeys`] when the distinct keys would not fit the
    /// [bound](super::KEY_BYTES_MAX).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_benches::trace::{Summary, Trace, TraceOptions};
    ///
    /// let trace = Trace::from_reader("t.keys", &b"a\nb\na\n"[..], &TraceOptions::default())?;
    /// let summary = Summary::of(trace)?;
    /// assert_eq!((summary.requests, summary.distinct, summary.once), (3, 2, 1));
    /// # Ok::<(), purlin_benches::trace::TraceError>(())
    /// ```
    pub fn of(mut trace: Trace) -> Result<Self, TraceError> {
        let mut summary = Self::default();
        let mut seen_again: HashMap<u64, bool> = HashMap::new();
        while let Some(request) = trace.next() {
            let request = request?;
            summary.requests += 1;
            summary.bytes = summary.bytes.saturating_add(request.size.unwrap_or(0));
            seen_again
                .entry(request.key)
                .and_modify(|again| *again = true)
                .or_insert(false);
            if seen_again.len() > KEYS_MAX {
                return Err(trace.fail(Reason::TooManyKeys));
            }
        }
        summary.distinct = seen_again.len() as u64;
        summary.once = seen_again.values().filter(|again| !**again).count() as u64;
        summary.skipped = trace.skipped();
        Ok(summary)
    }
}
