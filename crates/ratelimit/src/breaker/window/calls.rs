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
    calls: u64,
    /// `2^64 / calls`, rounded down: a division for each call would take longer than all the rest.
    reciprocal: u64,
    minimum_calls: u64,
}

pub(super) const MAX_CALLS: u32 = 4_096;
const CALLS_PER_WORD: u32 = 32;

impl CallWindow {
    /// `calls` in `1..=MAX_CALLS`.
    pub(super) fn new(calls: u32, minimum_calls: u32) -> Self {
        let words = calls.div_ceil(CALLS_PER_WORD);
        Self {
            recorded: AtomicU64::new(0),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            calls: calls.into(),
            reciprocal: u64::MAX / u64::from(calls),
            minimum_calls: minimum_calls.into(),
        }
    }

    /// Whether this call filled the minimum.
    ///
    /// Once a window holds its minimum, only a failure raises the rate of failures, since a success
    /// takes the place of nothing or of another outcome; so only here may a success be the one after
    /// which a rate is too high. The same holds for slow calls.
    #[inline]
    pub(super) fn record(&self, ended: Ended) -> bool {
        // ORDERING: SeqCst here, below and in `tally`: of two calls that complete a threshold at once,
        // each counts itself, writes its bit and then reads what the other did; at least one must
        // see both.
        let turn = self.recorded.fetch_add(1, Ordering::SeqCst);
        self.write(self.place(turn), ended);
        turn + 1 == self.minimum_calls
    }

    /// `turn % calls`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper half of a product; below `calls`"
    )]
    const fn place(&self, turn: u64) -> u32 {
        // At most one too small: the reciprocal is by at most one, so the exact product by
        // turn / 2^64 at most.
        let turns = ((turn as u128 * self.reciprocal as u128) >> 64) as u64;
        let place = turn - turns * self.calls;
        (if place < self.calls {
            place
        } else {
            place - self.calls
        }) as u32
    }

    #[inline]
    fn write(&self, place: u32, ended: Ended) {
        let word = &self.words[(place / CALLS_PER_WORD) as usize];
        let failed = 1_u64 << (place % CALLS_PER_WORD);
        let slow = failed << CALLS_PER_WORD;

        let mut set = 0;
        set |= if ended.failed { failed } else { 0 };
        set |= if ended.slow { slow } else { 0 };
        let seen = word.load(Ordering::SeqCst);
        if seen & (failed | slow) != set {
            replace(word, seen, failed | slow, set);
        }
    }

    /// O(n / 32).
    #[expect(clippy::cast_possible_truncation, reason = "at most `MAX_CALLS`")]
    pub(super) fn tally(&self) -> Tally {
        // ORDERING: an update, although it changes nothing: either it sees the count of a call that
        // fills the minimum meanwhile, or that call sees all that was written before it.
        let recorded = self.recorded.fetch_add(0, Ordering::SeqCst);
        let mut tally = Tally {
            calls: recorded.min(self.calls) as u32,
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

/// Gives the bits of a mask these values.
#[cold]
fn replace(word: &AtomicU64, mut seen: u64, mask: u64, set: u64) {
    loop {
        let next = (seen & !mask) | set;
        match word.compare_exchange_weak(seen, next, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return,
            Err(there) => seen = there,
        }
    }
}

#[cfg(all(test, not(purlin_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_is_the_remainder(
            calls in 1..=MAX_CALLS,
            turn in prop_oneof![0..1_u64 << 63, 0..100_000_u64],
            near in 0..3_u64,
        ) {
            let window = CallWindow::new(calls, 1);
            let whole = turn - turn % u64::from(calls);
            for turn in [turn, (whole + near).saturating_sub(1)] {
                prop_assert_eq!(u64::from(window.place(turn)), turn % u64::from(calls));
            }
        }
    }
}
