//! A token bucket as one writes it first, in exact integers, and with the flaws that limiters have.

use core::cell::RefCell;
use core::time::Duration;
use purlin_ratelimit::{Decision, Denied, Instant, Limiter, Quota, Reason, Reservation};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// One more than the burst.
    OneTooMany,
    /// Full again as soon as a token has come: forgets what was taken.
    FillsAtOnce,
    /// Begins anew with every period, so that twice the burst fits around its beginning.
    Doubles,
    /// Whole tokens only: what is left of the time since the last call is lost.
    LosesRemainders,
    /// The time of a token is a whole number of nanoseconds, rounded down.
    RoundsInterval,
    /// Everything costs one.
    ForgetsCost,
    /// One more token for a cost above one.
    Surcharge,
    /// A clock that goes back and on again brings the same time twice.
    MintsOnStepBack,
    /// To peek takes.
    PeekTakes,
    /// A peek that is blind to what was taken.
    PeekFlatters,
    /// A refused request is taken nevertheless.
    RefusalTakes,
    /// Says to come back a nanosecond before.
    EarlyRetry,
    /// Says to come back a nanosecond after.
    LateRetry,
    /// Tells what remains without the request.
    StaleRemaining,
    /// The reset of an empty bucket, always.
    WrongReset,
    /// A cancelled reservation stays taken.
    KeepsCancelled,
    /// A cancelled reservation is given back also where others were built on it.
    CancelsTooMuch,
    /// Whoever reserves may act at once.
    Overtakes,
    /// Does not note what it promised for later.
    ForgetsPromise,
    /// Waits longer than it may.
    IgnoresMaxWait,
    /// Puts back more than was taken.
    RefundsTwice,
    /// Puts back what promised instants rest on.
    RefundsPromised,
    /// A request that never fits is told to come back.
    HopesInVain,
    /// Says that it holds another number.
    WrongLimit,
    /// Multiplies where numbers can be too large.
    Overflows,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// The instant at which `taken` was true.
    at: u64,
    /// Units that lack of a full bucket: a nanosecond brings `count` of them, a token is `period`.
    taken: u128,
}

pub(crate) struct NaiveBucket {
    state: RefCell<State>,
    quota: Quota,
    flaw: Flaw,
    count: u128,
    period: u128,
}

impl NaiveBucket {
    pub(crate) fn new(quota: Quota, flaw: Flaw) -> Self {
        let (mut count, mut period) = (u128::from(quota.count()), quota.period().as_nanos());
        if flaw == Flaw::RoundsInterval && period >= count {
            (count, period) = (1, period / count);
        }
        let state = RefCell::default();
        Self {
            state,
            quota,
            flaw,
            count,
            period,
        }
    }

    fn burst(&self) -> u128 {
        let more = u128::from(self.flaw == Flaw::OneTooMany);
        self.period * (u128::from(self.quota.burst()) + more)
    }

    fn taken(&self, now: u64) -> u128 {
        let State { at, taken } = *self.state.borrow();
        let apart = u128::from(now.abs_diff(at));
        let came = match self.flaw {
            Flaw::LosesRemainders if apart * self.count < taken => {
                apart * self.count / self.period * self.period
            }
            Flaw::FillsAtOnce if apart * self.count >= self.period => u128::MAX,
            Flaw::Doubles if u128::from(now) / self.period != u128::from(at) / self.period => {
                u128::MAX
            }
            Flaw::Overflows => now
                .abs_diff(at)
                .checked_mul(self.quota.count())
                .expect("what the flaw is about")
                .into(),
            _ => apart * self.count,
        };
        if now >= at || taken == 0 {
            taken.saturating_sub(came)
        } else if self.flaw == Flaw::MintsOnStepBack {
            taken
        } else {
            taken.saturating_add(came)
        }
    }

    fn set(&self, at: u64, taken: u128) {
        *self.state.borrow_mut() = State { at, taken };
    }

    fn need(&self, cost: u64) -> u128 {
        let cost = match (self.flaw, cost) {
            (Flaw::ForgetsCost, 1..) => 1,
            (Flaw::Surcharge, 2..) => u128::from(cost) + 1,
            _ => u128::from(cost),
        };
        self.period * cost
    }

    fn outcome(&self, now: u64, cost: u64) -> Result<(), Denied> {
        let at = Instant::from_nanos(now);
        if cost > self.quota.burst() && self.flaw != Flaw::HopesInVain {
            return Err(Denied::because(at, Reason::TooLarge));
        }
        let lacking = self
            .taken(now)
            .saturating_add(self.need(cost))
            .saturating_sub(self.burst());
        if lacking == 0 {
            return Ok(());
        }
        let wait = lacking.div_ceil(self.count);
        let wait = match self.flaw {
            Flaw::EarlyRetry => wait.saturating_sub(1),
            Flaw::LateRetry => wait + 1,
            _ => wait,
        };
        let retry = u64::try_from(wait)
            .ok()
            .and_then(|wait| now.checked_add(wait));
        Err(match retry {
            Some(retry) => Denied::until(at, Instant::from_nanos(retry)),
            None => Denied::because(at, Reason::Horizon),
        })
    }

    fn stands(&self, now: u64, outcome: Result<(), Denied>) -> Decision {
        let taken = self.taken(now);
        let left = self.burst().saturating_sub(taken) / self.period;
        let missing = if self.flaw == Flaw::WrongReset {
            self.burst()
        } else {
            taken
        };
        let nanos = |units: u128| {
            Duration::from_nanos(u64::try_from(units.div_ceil(self.count)).unwrap_or(u64::MAX))
        };
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        Decision::new(
            outcome,
            self.limit(),
            left,
            nanos(missing),
            nanos(self.burst()),
        )
    }
}

impl Limiter for NaiveBucket {
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        let at = now.as_nanos();
        let outcome = self.outcome(at, cost);
        if (outcome.is_ok() || self.flaw == Flaw::RefusalTakes) && cost > 0 {
            self.set(at, self.taken(at).saturating_add(self.need(cost)));
        }
        outcome
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let before = self.stands(now.as_nanos(), Ok(()));
        let outcome = self.try_acquire_at(now, cost);
        let after = self.stands(now.as_nanos(), outcome);
        if self.flaw == Flaw::StaleRemaining {
            return Decision::new(
                outcome,
                after.limit,
                before.remaining,
                after.reset_after,
                after.window,
            );
        }
        after
    }

    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let outcome = self.outcome(now.as_nanos(), cost);
        if self.flaw == Flaw::PeekFlatters && cost <= self.quota.burst() {
            return self.stands(now.as_nanos(), Ok(()));
        }
        let decision = self.stands(now.as_nanos(), outcome);
        if self.flaw == Flaw::PeekTakes {
            let _ = self.try_acquire_at(now, cost);
        }
        decision
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let at = now.as_nanos();
        let ready = match self.outcome(at, cost) {
            Ok(()) => now,
            Err(denied) => match denied.retry_at() {
                Some(retry)
                    if retry.saturating_duration_since(now) <= max_wait
                        || self.flaw == Flaw::IgnoresMaxWait =>
                {
                    if self.flaw == Flaw::Overtakes {
                        now
                    } else {
                        retry
                    }
                }
                _ => return Err(denied),
            },
        };
        if cost > 0 && !(self.flaw == Flaw::ForgetsPromise && ready > now) {
            self.set(at, self.taken(at).saturating_add(self.need(cost)));
        }
        // The instant at which it is full again, in units of time.
        let State { at, taken } = *self.state.borrow();
        let mark = (u128::from(at) * self.count).saturating_add(taken);
        Ok(Reservation::new(ready, cost, mark))
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        if now > reservation.ready_at() {
            return 0;
        }
        let at = now.as_nanos();
        let State { at: since, taken } = *self.state.borrow();
        let mark = (u128::from(since) * self.count).saturating_add(taken);
        let newest = mark == reservation.mark();
        let mut back = if newest {
            self.need(reservation.cost())
        } else {
            0
        };
        match self.flaw {
            Flaw::KeepsCancelled => return u64::try_from(back / self.period).unwrap_or(u64::MAX),
            Flaw::CancelsTooMuch => back = self.need(reservation.cost()),
            _ => {}
        }
        self.put_back(at, back);
        u64::try_from(back / self.period).unwrap_or(u64::MAX)
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        if self.taken(now.as_nanos()) > self.burst() && self.flaw != Flaw::RefundsPromised {
            return;
        }
        let times = if self.flaw == Flaw::RefundsTwice {
            2
        } else {
            1
        };
        self.put_back(now.as_nanos(), self.need(cost).saturating_mul(times));
    }

    fn limit(&self) -> u64 {
        self.quota.burst() + u64::from(self.flaw == Flaw::WrongLimit)
    }
}

impl NaiveBucket {
    fn put_back(&self, now: u64, units: u128) {
        let taken = self.taken(now);
        // Full from now on, not from any earlier instant.
        match (taken > 0, taken.saturating_sub(units), now.checked_sub(1)) {
            (false, ..) => {}
            (true, 0, Some(before)) => self.set(before, self.count),
            (true, left, _) => self.set(now, left),
        }
    }
}
