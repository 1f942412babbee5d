//! Who is let through.

use super::word::{EndOfLeases, Pass, Phase, Probing, Word};
use super::{Call, CircuitBreaker, Open};
use crate::{Clock, Instant};
use core::time::Duration;

impl CircuitBreaker {
    /// As [`try_acquire_at`](Self::try_acquire_at); does not read the clock where nobody will ask
    /// when the call began: most of the cost of a call would be that.
    #[inline]
    pub(super) fn try_acquire_by(&self, clock: &impl Clock) -> Result<Call, Open> {
        let seen = self.load();
        if Word::is_closed(seen) && !self.rules.times_calls {
            let started = Instant::ORIGIN;
            let pass = Pass::of(seen);
            return Ok(Call { started, pass });
        }
        // Taken apart and put together, so that neither branch needs it in memory: to write parts
        // and read the whole would stall the fast one.
        match self.try_acquire_now(clock) {
            Ok(Call { started, pass }) => Ok(Call { started, pass }),
            Err(Open { state, retry_after }) => Err(Open { state, retry_after }),
        }
    }

    #[inline(never)]
    fn try_acquire_now(&self, clock: &impl Clock) -> Result<Call, Open> {
        self.try_acquire_at(clock.now())
    }

    /// Asks a circuit that was not closed.
    #[cold]
    #[inline(never)]
    pub(super) fn try_probe(&self, now: Instant) -> Result<Call, Open> {
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let (next, pass): (Word, fn(u64) -> Pass) = match word.phase {
                Phase::Closed { .. } | Phase::Disabled => {
                    let (started, pass) = (now, Pass::of(seen));
                    return Ok(Call { started, pass });
                }
                Phase::ForcedOpen => return Err(word.refusal(Duration::MAX)),
                Phase::Open { until, .. } if now < until.instant() => {
                    return Err(word.refusal(until.instant() - now));
                }
                Phase::Open { reopenings, .. } => {
                    let next = self.first_probe(word, reopenings, now);
                    (next, Pass::half_opening)
                }
                Phase::HalfOpen(probing) if probing.out < self.rules.probes() => {
                    let leases = EndOfLeases::at(self.rules.leases_until(now));
                    let next = Phase::HalfOpen(Probing {
                        out: probing.out + 1,
                        leases: probing.leases.max(leases),
                        ..probing
                    });
                    (word.with(next), Pass::of)
                }
                Phase::HalfOpen(probing) if now < probing.leases.instant() => {
                    return Err(word.refusal(probing.leases.instant() - now));
                }
                // All are lost. A new generation, so that none of them comes back to count.
                Phase::HalfOpen(probing) => {
                    (self.first_probe(word, probing.reopenings, now), Pass::of)
                }
            };
            match self.replace(seen, next) {
                Ok(()) => {
                    let (started, pass) = (now, pass(next.pack()));
                    return Ok(Call { started, pass });
                }
                Err(there) => seen = there,
            }
        }
    }

    fn first_probe(&self, word: Word, reopenings: u32, now: Instant) -> Word {
        word.step_to(Phase::HalfOpen(Probing {
            reopenings,
            leases: EndOfLeases::at(self.rules.leases_until(now)),
            out: 1,
            good: 0,
            bad: 0,
        }))
    }
}
