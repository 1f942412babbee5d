//! The theoretical arrival time, which is all that token buckets, leaky buckets and the generic
//! cell rate algorithm remember.
//!
//! It is the instant at which the bucket is full again (or empty, seen as a leaky one). Ahead of now
//! by the whole burst there is nothing left; behind, it means no more than now. ITU-T I.371 calls it
//! the theoretical arrival time and shows that the virtual scheduling algorithm, which moves it, and
//! the continuous-state leaky bucket are the same.

use crate::algorithm::Carry;
use crate::decision::{Decision, Denied, Reason, Reservation};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::quota::Quota;
use crate::timeline::{Even, Steps, Timeline, Units};
use core::time::Duration;
use purlin_core::time::Instant;

/// A bucket of `limit` tokens that fills as the timeline goes. The state is the theoretical arrival
/// time in units of the timeline; zero for a bucket that is full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrival<T: Timeline> {
    pub(crate) time: T,
    /// Units of a token.
    pub(crate) token: T::Units,
    /// Units of the limit.
    pub(crate) burst: T::Units,
    pub(crate) limit: u64,
}

impl<T: Even> Arrival<T> {
    /// Tokens come evenly.
    pub(crate) fn even(quota: &Quota, origin: Instant) -> Result<Self, ConfigError> {
        let (time, token, burst) = T::even(quota, origin)?;
        let limit = quota.burst();
        Ok(Self {
            time,
            token,
            burst,
            limit,
        })
    }
}

impl Arrival<Steps> {
    /// Tokens come at once, at the ends of periods since the origin.
    pub(crate) fn stepped(quota: &Quota, origin: Instant) -> Result<Self, ConfigError> {
        let limit = quota.burst();
        let time = Steps::new(quota.count(), quota.period(), limit, origin)?;
        Ok(Self {
            time,
            token: 1,
            burst: limit,
            limit,
        })
    }
}

impl<T: Timeline> Arrival<T> {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "between the ends of a compare-and-swap"
    )]
    pub(crate) fn decide(
        &self,
        state: &mut T::Units,
        now: Instant,
        cost: u64,
    ) -> Result<(), Denied> {
        let need = self.token.checked_mul(T::Units::from(cost));
        let Some((need, rest)) = need.and_then(|need| Some((need, self.burst.checked_sub(need)?)))
        else {
            return Err(too_large(now));
        };
        let (floor, ceil) = self.time.at(now);
        // Branches, since either is usual for long: what is written then waits for no arithmetic.
        let next = if *state <= floor {
            // Full, which is more than enough.
            ceil + need
        } else if *state <= floor + rest {
            *state + need
        } else {
            // Until there is enough in it.
            return Err(Denied::reaching(now, self.time.mark(*state - rest)));
        };
        if cost > 0 {
            *state = next;
        }
        Ok(())
    }

    /// The first of the sizes for which so many units are left, or zero.
    #[cfg(all(feature = "std", target_has_atomic = "64"))]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "between the ends of a compare-and-swap"
    )]
    pub(crate) fn lease_size(
        &self,
        state: T::Units,
        now: Instant,
        sizes: [(u64, T::Units); 2],
    ) -> u64 {
        let (floor, _) = self.time.at(now);
        let full = floor + self.burst;
        let fits = |(_, plenty): &(u64, T::Units)| *plenty <= self.burst && state <= full - *plenty;
        sizes.into_iter().find(fits).map_or(0, |(tokens, _)| tokens)
    }

    pub(crate) fn inspect(&self, state: T::Units, now: Instant, cost: u64) -> Decision {
        let mut copy = state;
        let outcome = self.decide(&mut copy, now, cost);
        Decision {
            outcome,
            limit: self.limit,
            remaining: self.remaining(state, now),
            reset_after: self.after(state, now),
            window: self.window(),
        }
    }

    /// Whole tokens in the bucket.
    pub(crate) fn remaining(&self, state: T::Units, now: Instant) -> u64 {
        let (floor, _) = self.time.at(now);
        let taken = state.saturating_sub(floor);
        let left = self.burst.saturating_sub(taken) / self.token;
        u64::try_from(left.into())
            .unwrap_or(u64::MAX)
            .min(self.limit)
    }

    /// How long after now the point lies.
    pub(crate) fn after(&self, units: T::Units, now: Instant) -> Duration {
        let (floor, _) = self.time.at(now);
        if units <= floor {
            return Duration::ZERO;
        }
        let at = self.time.instant(units);
        at.map_or(Duration::MAX, |at| at.saturating_duration_since(now))
    }

    /// The time in which an empty bucket fills.
    pub(crate) fn window(&self) -> Duration {
        self.after(self.burst, self.time.origin())
    }

    pub(crate) fn reserve(
        &self,
        state: &mut T::Units,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let mut next = *state;
        let Err(denied) = self.decide(&mut next, now, cost) else {
            *state = next;
            return Ok(Reservation::new(now, cost, next.into()));
        };
        let Some(ready) = denied.retry_at() else {
            return Err(denied);
        };
        if ready > self.time.horizon() {
            return Err(Denied::because(now, Reason::Horizon));
        }
        if ready.saturating_duration_since(now) > max_wait {
            return Err(denied);
        }
        let (_, ceil) = self.time.at(now);
        let need = self.token * T::Units::from(cost);
        let Some(next) = (*state).max(ceil).checked_add(need) else {
            return Err(Denied::because(now, Reason::Horizon));
        };
        *state = next;
        Ok(Reservation::new(ready, cost, next.into()))
    }

    /// The newest one only: what others were promised after it rests on it.
    pub(crate) fn cancel(
        &self,
        state: &mut T::Units,
        now: Instant,
        reservation: &Reservation,
    ) -> u64 {
        if now > reservation.ready || (*state).into() != reservation.mark {
            return 0;
        }
        let cost = reservation.cost.min(self.limit);
        self.put_back(state, now, self.token * T::Units::from(cost));
        cost
    }

    /// Nothing while reservations wait for their time: they were promised instants that rest on what
    /// was taken before.
    pub(crate) fn refund(&self, state: &mut T::Units, now: Instant, cost: u64) {
        let (_, ceil) = self.time.at(now);
        if *state <= ceil + self.burst {
            let units = self.token * T::Units::from(cost.min(self.limit));
            self.put_back(state, now, units);
        }
    }

    /// Not below now: an older state than that says no more, and states that never sink can be told
    /// apart by those who watch one. The upper end of now, as where a request is recorded: a clock that
    /// goes back takes from there.
    fn put_back(&self, state: &mut T::Units, now: Instant, units: T::Units) {
        let (_, ceil) = self.time.at(now);
        if *state > ceil {
            *state = state.saturating_sub(units).max(ceil);
        }
    }

    pub(crate) fn is_idle(&self, state: T::Units, now: Instant) -> bool {
        state <= self.time.at(now).0
    }

    pub(crate) fn rebase(&self, state: T::Units, from: Instant, to: Instant) -> T::Units {
        let ahead = state.saturating_sub(self.time.at(from).0);
        self.ahead_of(to, ahead)
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.time
            .fingerprint()
            .and_wide(self.token.into())
            .and_wide(self.burst.into())
    }

    /// The state of a bucket with so many tokens in it, or as many as fit.
    pub(crate) fn holding(&self, now: Instant, tokens: u64) -> T::Units {
        let taken = self.limit.saturating_sub(tokens);
        self.ahead_of(now, self.token * T::Units::from(taken))
    }

    /// The state that is so far ahead of `now`.
    pub(crate) fn ahead_of(&self, now: Instant, units: T::Units) -> T::Units {
        if units == T::Units::default() {
            return units;
        }
        let (_, ceil) = self.time.at(now);
        ceil.checked_add(units).unwrap_or(T::Units::MAX)
    }

    pub(crate) fn migrate<O: Timeline>(
        &self,
        old: &Arrival<O>,
        state: O::Units,
        now: Instant,
        carry: Carry,
    ) -> T::Units {
        let taken = state.saturating_sub(old.time.at(now).0);
        let (from, to) = (old.token.into(), self.token.into());
        // What is taken is rounded up, what is left down: nobody gains.
        let units = match carry {
            Carry::Reset => 0,
            Carry::Additive => scale_up(taken.into(), from, to),
            Carry::Proportional => {
                let (from_limit, to_limit) = (u128::from(old.limit), u128::from(self.limit));
                scale_up(scale_up(taken.into(), from, to), from_limit, to_limit)
            }
            Carry::AsIs if taken > old.burst => {
                let debt = scale_up((taken - old.burst).into(), from, to);
                self.burst.into().saturating_add(debt)
            }
            Carry::AsIs => {
                let left = scale_down((old.burst - taken).into(), from, to);
                self.burst.into().saturating_sub(left)
            }
        };
        self.ahead_of(now, T::Units::try_from(units).unwrap_or(T::Units::MAX))
    }
}

/// Implements [`Algorithm`](crate::Algorithm) and [`Reconfigure`](crate::Reconfigure) for a rule that
/// is nothing but an [`Arrival`].
macro_rules! algorithm_by_arrival {
    (impl [$($generics:tt)*] $rule:ty { type State = $state:ty; |$this:ident| $arrival:expr }) => {
        impl<$($generics)*> $crate::Algorithm for $rule {
            type State = $state;

            #[inline(always)]
            fn decide(
                &self,
                state: &mut $state,
                now: $crate::Instant,
                cost: u64,
            ) -> Result<(), $crate::Denied> {
                let $this = self;
                ($arrival).decide(state, now, cost)
            }

            fn inspect(
                &self,
                state: &$state,
                now: $crate::Instant,
                cost: u64,
            ) -> $crate::Decision {
                let $this = self;
                ($arrival).inspect(*state, now, cost)
            }

            fn reserve(
                &self,
                state: &mut $state,
                now: $crate::Instant,
                cost: u64,
                max_wait: core::time::Duration,
            ) -> Result<$crate::Reservation, $crate::Denied> {
                let $this = self;
                ($arrival).reserve(state, now, cost, max_wait)
            }

            fn cancel(
                &self,
                state: &mut $state,
                now: $crate::Instant,
                reservation: &$crate::Reservation,
            ) -> u64 {
                let $this = self;
                ($arrival).cancel(state, now, reservation)
            }

            fn refund(&self, state: &mut $state, now: $crate::Instant, cost: u64) {
                let $this = self;
                ($arrival).refund(state, now, cost);
            }

            fn is_idle(&self, state: &$state, now: $crate::Instant) -> bool {
                let $this = self;
                ($arrival).is_idle(*state, now)
            }

            fn rebase(
                &self,
                state: &$state,
                from: $crate::Instant,
                to: $crate::Instant,
            ) -> $state {
                let $this = self;
                ($arrival).rebase(*state, from, to)
            }

            fn limit(&self) -> u64 {
                let $this = self;
                ($arrival).limit
            }

            fn fingerprint(&self) -> u64 {
                let $this = self;
                ($arrival).fingerprint().hash()
            }
        }

        impl<$($generics)*> $crate::Reconfigure for $rule {
            fn migrate(
                &self,
                old: &Self,
                state: &$state,
                now: $crate::Instant,
                carry: $crate::Carry,
            ) -> $state {
                let $this = old;
                let old = $arrival;
                let $this = self;
                ($arrival).migrate(old, *state, now, carry)
            }
        }
    };
}

pub(crate) use algorithm_by_arrival;

/// `units * to / from`, rounded up. Both are below 2^64, so that no product overflows.
fn scale_up(units: u128, from: u128, to: u128) -> u128 {
    let part = (units % from) * to;
    (units / from)
        .saturating_mul(to)
        .saturating_add(part.div_ceil(from))
}

/// The same rounded down.
fn scale_down(units: u128, from: u128, to: u128) -> u128 {
    let part = (units % from) * to;
    (units / from)
        .saturating_mul(to)
        .saturating_add(part / from)
}

#[cold]
fn too_large(now: Instant) -> Denied {
    Denied::because(now, Reason::TooLarge)
}
