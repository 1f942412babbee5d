//! Several limits at once.

use crate::algorithm::gcra::Gcra;
use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Decision, Denied, Reason, Reservation};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// All of several limits: 100 a second, and 10,000 a day.
///
/// A request is admitted if every limit admits it, and is then taken from all of them; else nothing is
/// taken. The wait is the longest of all waits, what remains the least of all; limit and window are
/// those of the smallest limit. bucket4j calls the limits of a bucket its *bandwidths*. A burst of the
/// short limit and the rate of the long one are both kept, which no single bucket does.
///
/// Any rule can be a bandwidth, all of one type: [`Gcra`] for tokens that come evenly,
/// [`TokenBucket`](crate::TokenBucket) for those that come at the end of intervals or at times of
/// the day. The state is a list, for a [`Locked`](crate::Locked), [`Local`](crate::Local) or
/// [`Stored`](crate::Stored). A call is O(limits) and allocates at the first one only.
///
/// # Reservations
///
/// What is reserved counts in every limit from the instant on at which it may be used, so that each is
/// kept by the instants of use as well: nobody who comes later could act earlier anyway. The newest
/// reservation can be cancelled, and then never was. On an older one all later admissions are built;
/// cancelling it gives nothing back.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Locked, MultiBandwidth, Quota};
///
/// let second = Gcra::new(Quota::per_second(2)?)?;
/// let day = Gcra::new(Quota::per_day(3)?)?;
/// let limiter = Locked::new(MultiBandwidth::new([second, day])?);
///
/// let now = Instant::from_secs(1);
/// assert!(limiter.try_acquire_at(now, 2).is_ok());
/// let denied = limiter.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_millis(500)));
///
/// let now = Instant::from_secs(2);
/// assert!(limiter.try_acquire_at(now, 1).is_ok());
/// // Now it is the day that binds.
/// let rule = limiter.algorithm();
/// assert_eq!(rule.binding(&limiter.state(), now, 1), 1);
/// assert_eq!(limiter.peek_at(now, 1).remaining, 0);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MultiBandwidth<A = Gcra> {
    /// Never empty.
    bandwidths: Vec<A>,
    limit: u64,
}

/// What a [`MultiBandwidth`] remembers: the state of each bandwidth, in their order.
///
/// States that are missing are those of a limiter that nobody used yet; more than there are bandwidths
/// are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Bandwidths<S> {
    pub(crate) states: Vec<S>,
    /// As they were before the newest reservation.
    pub(crate) before: Vec<S>,
    /// Counts what was admitted: which reservation is the newest.
    pub(crate) turn: u64,
}

impl<A: Algorithm> MultiBandwidth<A> {
    /// All of these limits. Their order matters for [`binding`](Self::binding), [`each`](Self::each)
    /// and [`migrate`](Reconfigure::migrate).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if there are none, [`ConfigError::OutOfRange`] if two are equal: the
    /// second says nothing, so that something else was meant.
    pub fn new(bandwidths: impl Into<Vec<A>>) -> Result<Self, ConfigError>
    where
        A: PartialEq,
    {
        let field = "bandwidths";
        let bandwidths = bandwidths.into();
        let Some(limit) = bandwidths.iter().map(Algorithm::limit).min() else {
            return Err(ConfigError::Zero { field });
        };
        let repeats = |(at, bandwidth)| bandwidths[..at].contains(bandwidth);
        if bandwidths.iter().enumerate().any(repeats) {
            let expected = "different from each other";
            return Err(ConfigError::OutOfRange { field, expected });
        }
        Ok(Self { bandwidths, limit })
    }

    /// The limits.
    #[must_use]
    pub fn bandwidths(&self) -> &[A] {
        &self.bandwidths
    }

    /// What each limit alone would answer, in their order: for the fields of a response, and to see
    /// how much is left of which.
    pub fn each(
        &self,
        state: &Bandwidths<A::State>,
        now: Instant,
        cost: u64,
    ) -> impl Iterator<Item = Decision> {
        let states = state
            .states
            .iter()
            .map(Some)
            .chain(core::iter::repeat(None));
        let inspect = move |(bandwidth, state): (&A, Option<&A::State>)| match state {
            Some(state) => bandwidth.inspect(state, now, cost),
            None => bandwidth.inspect(&A::State::default(), now, cost),
        };
        self.bandwidths.iter().zip(states).map(inspect)
    }

    /// Which limit binds, by its place: of those that refuse the one to wait for longest, else the one
    /// with the least left.
    #[must_use]
    pub fn binding(&self, state: &Bandwidths<A::State>, now: Instant, cost: u64) -> usize {
        let rank = |decision: Decision| {
            let wait = decision.retry_after().unwrap_or(Duration::MAX);
            (wait, core::cmp::Reverse(decision.remaining))
        };
        let mut binding = (0, None);
        for (at, decision) in self.each(state, now, cost).enumerate() {
            let rank = Some(rank(decision));
            if rank > binding.1 {
                binding = (at, rank);
            }
        }
        binding.0
    }

    /// What all of them say to a request, without taking it.
    fn ask(&self, states: &[A::State], now: Instant, cost: u64) -> Result<(), Denied> {
        let mut outcome = Ok(());
        for (at, bandwidth) in self.bandwidths.iter().enumerate() {
            let mut copy = states.get(at).cloned().unwrap_or_default();
            outcome = match (outcome, bandwidth.decide(&mut copy, now, cost)) {
                (Err(others), Err(denied)) => Err(Denied::and(others, denied)),
                (others, answer) => others.and(answer),
            };
        }
        outcome
    }

    /// Takes from all, of which each has said that it admits.
    fn take(
        &self,
        state: &mut Bandwidths<A::State>,
        now: Instant,
        cost: u64,
    ) -> Result<(), Denied> {
        let count = self.bandwidths.len();
        state.states.resize_with(count, A::State::default);
        state.turn = state.turn.wrapping_add(1);
        let mut pairs = self.bandwidths.iter().zip(&mut state.states);
        pairs.try_for_each(|(bandwidth, state)| bandwidth.decide(state, now, cost))
    }
}

impl<A: Algorithm> Algorithm for MultiBandwidth<A> {
    type State = Bandwidths<A::State>;

    fn decide(&self, state: &mut Self::State, now: Instant, cost: u64) -> Result<(), Denied> {
        self.ask(&state.states, now, cost)?;
        if cost == 0 {
            return Ok(());
        }
        self.take(state, now, cost)
    }

    fn inspect(&self, state: &Self::State, now: Instant, cost: u64) -> Decision {
        let together = self.each(state, now, cost).reduce(Decision::and);
        together.unwrap_or_else(|| {
            // Not reached: there is at least one.
            let never = Err(Denied::because(now, Reason::TooLarge));
            Decision::new(never, 0, 0, Duration::ZERO, Duration::ZERO)
        })
    }

    fn reserve(
        &self,
        state: &mut Self::State,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let mut ready = now;
        if let Err(denied) = self.ask(&state.states, now, cost) {
            ready = match denied.retry_at() {
                Some(at) if at.saturating_duration_since(now) <= max_wait => at,
                _ => return Err(denied),
            };
            // Where instants end, tokens do as well.
            self.ask(&state.states, ready, cost).map_err(|_| denied)?;
        }
        if cost > 0 {
            state.before.clone_from(&state.states);
            self.take(state, ready, cost)?;
        }
        Ok(Reservation::new(ready, cost, state.turn.into()))
    }

    fn cancel(&self, state: &mut Self::State, now: Instant, reservation: &Reservation) -> u64 {
        let newest = reservation.mark() == u128::from(state.turn);
        let over = now > reservation.ready_at();
        if !newest || over || reservation.cost() == 0 {
            return 0;
        }
        state.states = core::mem::take(&mut state.before);
        state.turn = state.turn.wrapping_add(1);
        reservation.cost()
    }

    fn refund(&self, state: &mut Self::State, now: Instant, cost: u64) {
        // Of what was before the newest reservation too, which may yet be cancelled.
        for states in [&mut state.states, &mut state.before] {
            for (bandwidth, state) in self.bandwidths.iter().zip(states) {
                bandwidth.refund(state, now, cost);
            }
        }
    }

    fn is_idle(&self, state: &Self::State, now: Instant) -> bool {
        let mut pairs = self.bandwidths.iter().zip(&state.states);
        pairs.all(|(bandwidth, state)| bandwidth.is_idle(state, now))
    }

    fn rebase(&self, state: &Self::State, from: Instant, to: Instant) -> Self::State {
        let rebase = |states: &[A::State]| {
            let pairs = self.bandwidths.iter().zip(states);
            pairs
                .map(|(bandwidth, state)| bandwidth.rebase(state, from, to))
                .collect()
        };
        Bandwidths {
            states: rebase(&state.states),
            before: rebase(&state.before),
            turn: state.turn,
        }
    }

    fn limit(&self) -> u64 {
        self.limit
    }

    fn fingerprint(&self) -> u64 {
        let all = self.bandwidths.iter();
        let all = all.fold(Fingerprint::of("several"), |all, one| {
            all.and(one.fingerprint())
        });
        all.hash()
    }
}

impl<A: Reconfigure> Reconfigure for MultiBandwidth<A> {
    /// Each limit takes over from the one at its place. One without a predecessor starts as nobody
    /// used it yet; what there was beyond is forgotten.
    fn migrate(&self, old: &Self, state: &Self::State, now: Instant, carry: Carry) -> Self::State {
        let pairs = self.bandwidths.iter().zip(&old.bandwidths);
        let triples = pairs.zip(&state.states);
        Bandwidths {
            states: triples
                .map(|((new, old), state)| new.migrate(old, state, now, carry))
                .collect(),
            // No reservation of the old configuration can be cancelled.
            before: Vec::new(),
            turn: state.turn.wrapping_add(1),
        }
    }
}
