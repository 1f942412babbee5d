use super::{Ended, Tally};
use crate::sync::{AtomicU64, Ordering};
use alloc::boxed::Box;

/// The last n calls: a ring with two bits a call, 32 calls a word, and a count of all calls, whose
/// remainder is the place of the next one.
///
/// Recording a success is one addition, since the bits it would clear are mostly clear; a failure is
/// one update more. A reporter that is held up between its two steps for a whole turn of the ring
/// overwrites a newer outcome; the ring never holds more or less than n outcomes.
#[derive(Debug)]
pub(super) struct CallWindow {
    recorded: AtomicU64,
    /// The low halves hold the failures, the high halves the slow calls.
    words: Box<[AtomicU64]>,
    calls: u32,
}

pub(super) const MAX_CALLS: u32 = 4_096;
const CALLS_PER_WORD: u32 = 32;

impl CallWindow {
    /// `calls` in `1..=MAX_CALLS`.
    pub(super) fn new(calls: u32) -> Self {
        let words = calls.div_ceil(CALLS_PER_WORD);
        Self {
            recorded: AtomicU64::new(0),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            calls,
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "below the number of words")]
    pub(super) fn record(&self, ended: Ended) {
        // ORDERING: SeqCst here, below and in `tally`: of two failures that complete a threshold at
        // once, each writes its bit and then reads the other's; at least one must see both.
        let turn = self.recorded.fetch_add(1, Ordering::SeqCst);
        let place = turn % u64::from(self.calls);
        let word = &self.words[(place / u64::from(CALLS_PER_WORD)) as usize];
        let failed = 1_u64 << (place % u64::from(CALLS_PER_WORD));
        let slow = failed << CALLS_PER_WORD;

        let mut set = 0;
        set |= if ended.failed { failed } else { 0 };
        set |= if ended.slow { slow } else { 0 };
        let mut seen = word.load(Ordering::SeqCst);
        loop {
            let next = (seen & !(failed | slow)) | set;
            if next == seen {
                return;
            }
            match word.compare_exchange_weak(seen, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now_there) => seen = now_there,
            }
        }
    }

    /// O(n / 32).
    pub(super) fn tally(&self) -> Tally {
        let recorded = self.recorded.load(Ordering::SeqCst);
        let mut tally = Tally {
            calls: u32::try_from(recorded).map_or(self.calls, |all| all.min(self.calls)),
            ..Tally::default()
        };
        for word in &self.words {
            let word = word.load(Ordering::SeqCst);
            tally.failures += (word & u64::from(u32::MAX)).count_ones();
            tally.slow += (word >> CALLS_PER_WORD).count_ones();
        }
        tally
    }

    pub(super) fn clear(&self) {
        for word in &self.words {
            word.store(0, Ordering::SeqCst);
        }
        self.recorded.store(0, Ordering::SeqCst);
    }
}
