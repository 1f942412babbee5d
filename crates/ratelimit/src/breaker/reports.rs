//! What comes of the calls that end.

use super::window::Ended;
use super::word::{EndOfOpen, Phase, Probing, Word};
use super::{Call, CircuitBreaker, Transition};
use crate::Instant;

impl CircuitBreaker {
    /// Reads the clock where the time makes a difference.
    #[inline]
    pub(super) fn report(
        &self,
        call: &Call,
        failed: bool,
        now: impl Fn() -> Instant,
    ) -> Option<Transition> {
        let undisturbed = call.pass.is_undisturbed(self.load());
        if failed || !undisturbed || self.rules.needs_time {
            return self.report_otherwise(call, failed, now);
        }
        // What almost every call comes to: it succeeded, as did the one before it.
        let fills = self.counters.as_ref()?.record(Instant::ORIGIN, Ended::WELL);
        if fills {
            return self.judge(call, now(), Ended::WELL, fills);
        }
        None
    }

    /// A call of any end, in any state.
    #[inline(never)]
    fn report_otherwise(
        &self,
        call: &Call,
        failed: bool,
        now: impl Fn() -> Instant,
    ) -> Option<Transition> {
        let seen = self.load();
        if !call.pass.holds(seen) {
            return None;
        }
        let Phase::Closed {
            consecutive_failures,
        } = Word::unpack(seen).phase
        else {
            return self.report_unless_closed(call, now(), failed);
        };
        let time = if failed || self.rules.needs_time {
            now()
        } else {
            Instant::ORIGIN
        };
        let ended = self.rules.ended(call.started, time, failed);
        let counters = self.counters.as_ref();
        let fills = counters.is_some_and(|counters| counters.record(time, ended));
        if !failed && fills {
            return self.judge(call, now(), ended, fills);
        }
        if failed || ended.slow || consecutive_failures > 0 {
            return self.judge(call, time, ended, fills);
        }
        None
    }

    /// Steps on from closed after a call that was recorded, and that perhaps filled the minimum of
    /// calls.
    #[cold]
    fn judge(&self, call: &Call, now: Instant, ended: Ended, fills: bool) -> Option<Transition> {
        let exceeded = self.counters.as_ref().is_some_and(|counters| {
            (fills || ended.failed || ended.slow)
                && self.rules.exceeded(counters.tally(now), ended, fills)
        });
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let Phase::Closed {
                consecutive_failures,
            } = word.phase
            else {
                return None;
            };
            if !call.pass.holds(seen) {
                return None;
            }
            let consecutive = if ended.failed {
                consecutive_failures.saturating_add(1)
            } else {
                0
            };
            let opens = exceeded || ended.failed && self.rules.too_many_failures(consecutive);
            let next = if opens {
                self.opened(word, 0, now)
            } else if consecutive == consecutive_failures {
                return None;
            } else {
                word.with(Phase::Closed {
                    consecutive_failures: consecutive,
                })
            };
            match self.replace(seen, next) {
                Ok(()) => return opens.then(|| word.transition_to(next)),
                Err(there) => seen = there,
            }
        }
    }

    #[cold]
    fn report_unless_closed(&self, call: &Call, now: Instant, failed: bool) -> Option<Transition> {
        let ended = self.rules.ended(call.started, now, failed);
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            if !call.pass.holds(seen) {
                return None;
            }
            let probing = match word.phase {
                Phase::HalfOpen(probing) => probing,
                Phase::Disabled => {
                    self.counters.as_ref()?.record(now, ended);
                    return None;
                }
                Phase::Closed { .. } | Phase::Open { .. } | Phase::ForcedOpen => return None,
            };
            let next = self.after_probe(word, probing, now, ended);
            if let Phase::Closed { .. } = next.phase {
                // Before the circuit closes: nothing of the old time may open it again. If another
                // closes it first, a few of the newest counts may go with the old ones.
                self.clear();
            }
            match self.replace(seen, next) {
                Ok(()) => {
                    let moved = word.generation != next.generation;
                    return moved.then(|| word.transition_to(next));
                }
                Err(there) => seen = there,
            }
        }
    }

    fn after_probe(&self, word: Word, probing: Probing, now: Instant, ended: Ended) -> Word {
        let out = probing.out.saturating_sub(1);
        let bad = probing.bad + u32::from(ended.failed || ended.slow);
        let good = probing.good + u32::from(!ended.failed && !ended.slow);
        if bad >= self.rules.probe_failures() {
            return self.opened(word, probing.next_reopening(), now);
        }
        if good >= self.rules.probe_successes() {
            return word.step_to(Word::CLOSED.phase);
        }
        word.with(Phase::HalfOpen(Probing {
            out,
            good,
            bad,
            ..probing
        }))
    }

    fn opened(&self, word: Word, reopenings: u32, now: Instant) -> Word {
        let until = EndOfOpen::at(self.rules.open_until(now, reopenings));
        word.step_to(Phase::Open { until, reopenings })
    }

    /// As [`ignore`](Self::ignore).
    pub(super) fn give_back(&self, call: &Call) {
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let Phase::HalfOpen(probing) = word.phase else {
                return;
            };
            if !call.pass.holds(seen) {
                return;
            }
            let out = probing.out.saturating_sub(1);
            let next = word.with(Phase::HalfOpen(Probing { out, ..probing }));
            match self.replace(seen, next) {
                Ok(()) => return,
                Err(there) => seen = there,
            }
        }
    }
}
