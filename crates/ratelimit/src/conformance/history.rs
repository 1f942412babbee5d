//! A limiter with the naive model beside it.

use super::ledger::Ledger;
use super::model::{self, Model};
use super::step::Step;
use super::subject::{Case, Subject};
use crate::{
    Capabilities, ConfigError, Decision, Denied, Instant, Limiter, Quota, Reservation, Rule,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// A limiter that is asked step by step, and every answer compared with the naive model of its rule.
///
/// A limiter of no rule, one whose clock has run beyond its horizon, and one of a window whose clock
/// went back, are held to their bound only.
pub struct History {
    pub(super) case: Case,
    capabilities: Capabilities,
    quota: Quota,
    limiter: Box<dyn Limiter>,
    model: Option<Box<dyn Model>>,
    ledger: Ledger,
    reserved: Vec<Reserved>,
    /// How much later than the model it may answer, in nanoseconds.
    slack: u64,
    horizon: u64,
    /// The latest instant.
    latest: u64,
    went_back: bool,
    cancelled: bool,
    /// Tokens were put back while others were promised for later: who takes them acts with those.
    refunded_ahead: bool,
    refundable: u128,
    retry_at: Option<u64>,
}

struct Reserved {
    reservation: Reservation,
    in_model: Option<usize>,
    in_ledger: usize,
    /// Not for the instant at which it was made, before which the clock may go back.
    waits: bool,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("case", &self.case)
            .field("quota", &self.quota)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl History {
    /// A limiter by that quota that nobody used yet. The seed is told with what does not hold.
    ///
    /// # Errors
    ///
    /// The subject's.
    pub fn new(subject: &Subject<'_>, quota: Quota, seed: u64) -> Result<Self, ConfigError> {
        let property = "history";
        let limiter = subject.try_build(quota)?;
        let case = Case { property, seed };
        Ok(Self::of(subject, limiter, quota, case))
    }

    pub(super) fn of(
        subject: &Subject<'_>,
        limiter: Box<dyn Limiter>,
        quota: Quota,
        case: Case,
    ) -> Self {
        let capabilities = subject.capabilities();
        case.equal(
            &limiter.limit(),
            &quota.burst(),
            format_args!("the limit of {quota}"),
        );
        Self {
            case,
            capabilities,
            quota,
            limiter,
            model: capabilities.rule.map(|rule| model::of(rule, &quota)),
            ledger: Ledger::new(capabilities.bound, quota),
            reserved: Vec::new(),
            slack: subject.slack(&quota),
            horizon: subject.last_instant(),
            latest: 0,
            went_back: false,
            cancelled: false,
            refunded_ahead: false,
            refundable: 0,
            retry_at: None,
        }
    }

    /// The same, held to its bound only.
    pub(super) fn unmodelled(self) -> Self {
        Self {
            model: None,
            ..self
        }
    }

    /// The instant at which the latest refusal would have been none, as far as it said.
    #[must_use]
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at.map(Instant::from_nanos)
    }

    /// The limiter.
    #[must_use]
    pub fn limiter(&self) -> &dyn Limiter {
        &*self.limiter
    }

    /// Makes a call and compares the answer.
    ///
    /// # Panics
    ///
    /// Where a property does not hold.
    #[track_caller]
    pub fn step(&mut self, now: Instant, step: &Step) {
        let at = now.as_nanos();
        self.went_back |= at < self.latest;
        self.latest = self.latest.max(at);
        let lost = at > self.horizon
            || self.went_back && self.model.as_ref().is_some_and(|m| !m.goes_back());
        if lost {
            self.model = None;
        }
        match *step {
            Step::TryAcquire { cost } => {
                let outcome = self.limiter.try_acquire_at(now, cost);
                self.decided(at, cost, outcome, step);
            }
            Step::Check { cost } => {
                let decision = self.limiter.check_at(now, cost);
                self.decided(at, cost, decision.outcome, step);
                self.stands(at, &decision, step);
            }
            Step::Peek { cost } => self.peek(now, cost, step),
            Step::Reserve { cost, max_wait } if self.capabilities.reserves => {
                self.reserve(now, cost, max_wait, step);
            }
            Step::Cancel { back } if self.capabilities.reserves => self.cancel(now, back, step),
            Step::Refund { cost } => self.refund(now, cost, step),
            Step::Reserve { .. } | Step::Cancel { .. } => {}
        }
    }

    /// That every span of time kept to the bound.
    ///
    /// # Panics
    ///
    /// Where one did not.
    #[track_caller]
    pub fn check_bound(&self) {
        // What is cancelled after others were promised later instants leaves room before them, so
        // that the order of instants is no longer that of calls: the clock must tell.
        if !(self.went_back && self.cancelled || self.refunded_ahead) {
            self.ledger.check(self.case);
        }
    }

    #[track_caller]
    fn decided(&mut self, now: u64, cost: u64, outcome: Result<(), Denied>, step: &Step) {
        self.agrees(now, cost, &outcome, step);
        match outcome {
            Ok(()) => {
                self.take(now, now, cost);
            }
            Err(denied) => self.retry_at = denied.retry_at().map(Instant::as_nanos),
        }
    }

    fn take(&mut self, now: u64, at: u64, cost: u64) -> (Option<usize>, usize) {
        self.refundable += u128::from(cost);
        let in_model = (self.model.as_mut()).map(|model| model.take(now, at, cost));
        let in_ledger = if at > now {
            self.ledger.promise(now, at, cost)
        } else {
            self.ledger.admit(at, cost)
        };
        (in_model, in_ledger)
    }

    /// By how many nanoseconds an answer for an instant may be early: none, unless the clock went back so
    /// far that a rate that is rounded down makes less lack.
    fn early(&self, model: &dyn Model, instant: u64) -> u64 {
        if model.is_before_full(instant) {
            self.slack
        } else {
            0
        }
    }

    /// A decision is the model's, or late by no more than it may be.
    #[track_caller]
    fn agrees(&self, now: u64, cost: u64, outcome: &Result<(), Denied>, step: &Step) {
        let (case, quota) = (self.case, self.quota);
        if let Err(denied) = outcome {
            let told = denied.now().as_nanos();
            case.equal(&told, &now, format_args!("{step}: the refusal's instant"));
            let retry = denied.retry_at().map(Instant::as_nanos);
            case.check(
                retry.is_none_or(|retry| retry > now) || now > self.horizon,
                format_args!("{step} at {now} ns, by {quota}: refused until {retry:?}"),
            );
        }
        let Some(model) = &self.model else {
            return;
        };
        let what = format_args!("{step} at {now} ns, by {quota}: the instant of admission");
        let found = match outcome {
            Ok(()) => Some(now),
            Err(denied) => denied.retry_at().map(Instant::as_nanos),
        };
        match (found, model.earliest(now, cost)) {
            // Beyond its horizon a limiter knows no instant.
            (Some(found), Some(expected)) if found.min(expected) > self.horizon => {}
            (None, Some(expected)) if expected.saturating_add(self.slack) > self.horizon => {}
            (Some(found), Some(expected)) => {
                let early = self.early(&**model, found);
                case.between(found, expected, early, self.slack, what);
            }
            (found, expected) => case.equal(&found, &expected, what),
        }
    }

    /// What remains and when all is as new are the model's.
    #[track_caller]
    fn stands(&self, now: u64, decision: &Decision, step: &Step) {
        let (case, quota) = (self.case, self.quota);
        let what = format_args!("{step} at {now} ns, by {quota}: the limit");
        case.equal(&decision.limit, &quota.burst(), what);
        let Some(model) = &self.model else {
            return;
        };
        let (found, expected) = (decision.remaining, model.remaining(now));
        // As many tokens as may come in the time by which it is late.
        let come = |slack: u64| slack * self.quota.count().div_ceil(model::nanos(&self.quota));
        let (low, high) = (come(self.slack), come(self.early(&**model, now)));
        case.check(
            found.saturating_sub(expected) <= high && expected.saturating_sub(found) <= low,
            format_args!(
                "{step} at {now} ns, by {quota}: what remains: found {found}, expected {expected}"
            ),
        );
        let idle_at = model.idle_at(now);
        if idle_at <= self.horizon {
            let reset = u64::try_from(decision.reset_after.as_nanos()).unwrap_or(u64::MAX);
            let what = format_args!("{step} at {now} ns, by {quota}: the reset");
            case.between(now.saturating_add(reset), idle_at, 0, self.slack, what);
        }
    }

    /// Nothing changes, and what is said is true.
    #[track_caller]
    fn peek(&self, now: Instant, cost: u64, step: &Step) {
        let decision = self.limiter.peek_at(now, cost);
        self.agrees(now.as_nanos(), cost, &decision.outcome, step);
        self.stands(now.as_nanos(), &decision, step);
        let again = self.limiter.peek_at(now, cost);
        self.case
            .equal(&again, &decision, format_args!("{step} a second time"));
    }

    #[track_caller]
    fn reserve(&mut self, now: Instant, cost: u64, max_wait: Duration, step: &Step) {
        let (case, at, quota) = (self.case, now.as_nanos(), self.quota);
        match self.limiter.reserve_at(now, cost, max_wait) {
            Ok(reservation) => {
                let ready = reservation.ready_at();
                case.check(
                    ready >= now && reservation.wait_from(now) <= max_wait,
                    format_args!("{step} at {at} ns, by {quota}: ready at {ready:?}"),
                );
                case.equal(&reservation.cost(), &cost, format_args!("{step}: its cost"));
                let ready = ready.as_nanos();
                if let Some(model) = &self.model {
                    let what = format_args!("{step} at {at} ns, by {quota}: ready");
                    match model.earliest(at, cost) {
                        Some(expected) => {
                            let early = self.early(&**model, ready);
                            case.between(ready, expected, early, self.slack, what);
                        }
                        None => case.fail(format_args!("{what}, which it never can be")),
                    }
                }
                let (in_model, in_ledger) = self.take(at, ready, cost);
                self.reserved.push(Reserved {
                    reservation,
                    in_model,
                    in_ledger,
                    waits: ready > at,
                });
            }
            Err(denied) => {
                self.agrees(at, cost, &Err(denied), step);
                self.retry_at = denied.retry_at().map(Instant::as_nanos);
                let wait = denied.retry_after();
                let soon = denied.retry_at().is_some_and(|retry| {
                    retry.as_nanos() <= self.horizon && wait.is_some_and(|wait| wait <= max_wait)
                });
                // What follows no rule may refuse for another reason, as a queue that is full.
                case.check(
                    !soon || self.capabilities.rule.is_none(),
                    format_args!("{step} at {at} ns, by {quota}: refused, to wait {wait:?}"),
                );
            }
        }
    }

    #[track_caller]
    fn cancel(&mut self, now: Instant, back: usize, step: &Step) {
        let Some(index) = self.reserved.len().checked_sub(back + 1) else {
            return;
        };
        let reserved = self.reserved.remove(index);
        let (ready, cost) = (reserved.reservation.ready_at(), reserved.reservation.cost());
        let given = self.limiter.cancel_at(now, reserved.reservation);
        let case = self.case;
        if now > ready {
            case.equal(
                &given,
                &0,
                format_args!("{step}, when it was over: given back"),
            );
            return;
        }
        case.check(
            given <= cost,
            format_args!("{step}: {given} given back of {cost}"),
        );
        self.cancelled = true;
        self.ledger.strike(reserved.in_ledger, cost);
        self.refundable = self.refundable.saturating_sub(cost.into());
        let (Some(model), Some(number)) = (&mut self.model, reserved.in_model) else {
            return;
        };
        match model.cancel(now.as_nanos(), number, cost, self.slack) {
            Some(expected) => case.equal(
                &given,
                &expected,
                format_args!("{step} at {now:?}, by {}: given back", self.quota),
            ),
            None => self.model = None,
        }
    }

    #[track_caller]
    fn refund(&mut self, now: Instant, cost: u64, step: &Step) {
        // More than was taken must not be put back, nor later than at once where the clock went back:
        // both are trusted. One call puts back no more than the limit.
        let at_once = self.ledger.refundable(now.as_nanos());
        let most = self.refundable.min(at_once).min(self.quota.burst().into());
        let cost = u64::try_from(most.min(cost.into())).unwrap_or(u64::MAX);
        let before = self.limiter.peek_at(now, 0);
        self.limiter.refund_at(now, cost);
        self.refundable -= u128::from(cost);
        let reserved_after = |instant: u64| {
            let mut reserved = self.reserved.iter();
            reserved.any(|it| it.waits && it.reservation.ready_at().as_nanos() > instant)
        };
        if reserved_after(now.as_nanos()) {
            // A bucket puts nothing back then, and is held to that; unless what was cancelled took
            // the debt from under the promises, or there only seems to be one, by rounding.
            let bucket = matches!(self.capabilities.rule, Some(Rule::Even | Rule::Stepped));
            let exact = self.slack == 0;
            if !(bucket && exact) || self.cancelled {
                self.refunded_ahead = true;
            } else {
                let after = self.limiter.peek_at(now, 0);
                if reserved_after(self.latest) {
                    let what = format_args!("{step} at {now:?}, while others wait: what is left");
                    self.case.equal(&after, &before, what);
                } else if after.remaining > before.remaining {
                    // Their time had come before the clock went back, and they may have been put back
                    // themselves.
                    self.ledger.take_back(cost);
                }
            }
        } else {
            self.ledger.take_back(cost);
        }
        let defined = |model: &mut Box<dyn Model>| model.refund(now.as_nanos(), cost, self.slack);
        if !self.model.as_mut().is_none_or(defined) {
            self.model = None;
        }
    }
}
