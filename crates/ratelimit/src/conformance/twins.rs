//! Limiters that were asked the same, and one of them something more.

use super::draw::Draw;
use super::subject::{Case, Subject};
use crate::{Decision, Instant, Limiter, Quota};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// Limiters by one quota with one past.
struct Twins {
    case: Case,
    quota: Quota,
    draw: Draw,
    now: u64,
    limiters: Vec<Box<dyn Limiter>>,
}

impl Twins {
    #[track_caller]
    fn new(subject: &Subject<'_>, case: Case, count: usize) -> Self {
        let mut draw = Draw::new(case.seed);
        let quota = draw.small_quota(subject, 40);
        Self {
            case,
            quota,
            now: draw.start(),
            draw,
            limiters: (0..count).map(|_| subject.build(case, quota)).collect(),
        }
    }

    /// The same request to all, a little later. All must answer the same.
    #[track_caller]
    fn ask(&mut self) -> Decision {
        self.now = self.draw.later(self.now, &self.quota, None);
        let cost = self.draw.cost(self.quota.burst());
        let now = Instant::from_nanos(self.now);
        let answers: Vec<Decision> = (self.limiters.iter())
            .map(|limiter| limiter.check_at(now, cost))
            .collect();
        for answer in &answers {
            self.case.equal(
                answer,
                &answers[0],
                format_args!("check of {cost} at {now:?}, by {}", self.quota),
            );
        }
        answers[0]
    }

    /// All stand alike, now and for the time in which they fill.
    #[track_caller]
    fn stand_alike(&self, from: u64, what: &str) {
        let full = super::draw::full_after(&self.quota);
        for part in 0..=8_u64 {
            let at = Instant::from_nanos(from.saturating_add(full / 8 * part));
            for cost in [1, self.quota.burst()] {
                let first = self.limiters[0].peek_at(at, cost);
                for other in &self.limiters[1..] {
                    let quota = self.quota;
                    let what = format_args!("{what}, seen at {at:?}, by {quota}");
                    self.case.equal(&first, &other.peek_at(at, cost), what);
                }
            }
        }
    }
}

/// A refused request is refused until a nanosecond before the instant it was told, and admitted at
/// that instant.
#[track_caller]
pub fn retry_is_minimal(subject: &Subject<'_>, seed: u64) {
    let property = "retry_is_minimal";
    let case = Case { property, seed };
    for round in 0..8_u64 {
        let case = Case {
            seed: seed.wrapping_mul(8).wrapping_add(round),
            ..case
        };
        let mut twins = Twins::new(subject, case, 2);
        for _ in 0..twins.draw.below(30) {
            twins.ask();
        }
        let mut now = twins.now;
        let cost = 1 + twins.draw.below(twins.quota.burst());
        let refused = |limiter: &dyn Limiter, now| {
            let outcome = limiter.try_acquire_at(Instant::from_nanos(now), cost);
            outcome.err().map(|denied| denied.retry_at())
        };
        // Until it is refused; a limiter that never refuses is found by its bound.
        let mut told = None;
        for _ in 0..100 {
            let both = [0, 1].map(|twin| refused(&*twins.limiters[twin], now));
            told = both[0];
            if told.is_some() {
                break;
            }
            now += twins.draw.below(2);
        }
        let Some(told) = told else { continue };
        let Some(retry) = told.map(Instant::as_nanos) else {
            let quota = twins.quota;
            case.fail(format_args!("no instant is told for {cost}, by {quota}"))
        };
        let quota = twins.quota;
        case.check(
            retry > now && refused(&*twins.limiters[0], retry - 1).is_some(),
            format_args!(
                "{cost}, refused at {now} ns until {retry}, is admitted before, by {quota}"
            ),
        );
        case.check(
            refused(&*twins.limiters[1], retry).is_none(),
            format_args!("{cost}, refused at {now} ns until {retry}, is refused then, by {quota}"),
        );
    }
}

/// To peek changes nothing, and tells what would be decided and what is left.
#[track_caller]
pub fn peek_tells_the_truth(subject: &Subject<'_>, seed: u64) {
    let property = "peek_tells_the_truth";
    let case = Case { property, seed };
    let mut twins = Twins::new(subject, case, 2);
    let quota = twins.quota;
    for _ in 0..60 {
        let now = Instant::from_nanos(twins.now);
        let cost = twins.draw.cost(quota.burst());
        let what = format_args!("peek of {cost} at {now:?}, by {quota}");
        let peeked = twins.limiters[0].peek_at(now, cost);
        let nothing = twins.limiters[0].peek_at(now, 0);
        case.equal(&peeked.remaining, &nothing.remaining, what);
        // The other one was never peeked at, and answers the same.
        let _: Decision = twins.ask();
        let now = Instant::from_nanos(twins.now);
        let what = format_args!("peek of {cost} at {now:?}, by {quota}");
        let peeked = twins.limiters[0].peek_at(now, cost);
        let decided = [0, 1].map(|twin| twins.limiters[twin].check_at(now, cost));
        case.equal(&peeked.outcome, &decided[0].outcome, what);
        case.equal(&decided[0], &decided[1], what);
        let taken = if peeked.is_allowed() { cost } else { 0 };
        let left = peeked.remaining.checked_sub(taken);
        case.equal(&left, &Some(decided[0].remaining), what);
    }
}

/// A cost of n is n costs of one at the same instant.
#[track_caller]
pub fn costs_add_up(subject: &Subject<'_>, seed: u64) {
    let property = "costs_add_up";
    let case = Case { property, seed };
    let mut twins = Twins::new(subject, case, 2);
    for _ in 0..40 {
        twins.ask();
        let now = Instant::from_nanos(twins.now);
        let cost = twins.draw.below(twins.quota.burst() + 1);
        let whole = twins.limiters[0].try_acquire_at(now, cost);
        if whole.is_err() {
            continue;
        }
        for one in 1..=cost {
            let part = twins.limiters[1].try_acquire_at(now, 1);
            case.check(
                part.is_ok(),
                format_args!(
                    "{cost} are admitted at {now:?}, and one after the other only {}, by {}",
                    one - 1,
                    twins.quota
                ),
            );
        }
        twins.stand_alike(twins.now, "after the whole cost and its parts");
    }
}

/// A reservation that is cancelled at once leaves no trace, but that a limiter that rounds may take
/// a nanosecond to forget it.
#[track_caller]
pub fn cancelled_is_forgotten(subject: &Subject<'_>, seed: u64) {
    let property = "cancelled_is_forgotten";
    let case = Case { property, seed };
    let mut twins = Twins::new(subject, case, 2);
    let slack = subject.slack(&twins.quota);
    for _ in 0..40 {
        twins.ask();
        let now = Instant::from_nanos(twins.now);
        let cost = twins.draw.below(twins.quota.burst() + 1);
        let quota = twins.quota;
        match twins.limiters[0].reserve_at(now, cost, Duration::MAX) {
            Ok(reservation) => {
                let given = twins.limiters[0].cancel_at(now, reservation);
                let what = format_args!("given back of {cost} at {now:?}, by {quota}");
                case.equal(&given, &cost, what);
            }
            Err(denied) => case.fail(format_args!(
                "a reservation of {cost} at {now:?} is refused, by {quota}: {denied}"
            )),
        }
        twins.now += slack;
        twins.stand_alike(twins.now, "after a cancelled reservation and without it");
    }
}

/// Who reserves first acts first, and nobody takes what is reserved.
#[track_caller]
pub fn first_come_first_served(subject: &Subject<'_>, seed: u64) {
    let property = "first_come_first_served";
    let case = Case { property, seed };
    let mut twins = Twins::new(subject, case, 1);
    let quota = twins.quota;
    let mut last = Instant::default();
    for _ in 0..60 {
        let later = if last.as_nanos() > twins.now {
            twins.draw.below(last.as_nanos() - twins.now)
        } else {
            twins.draw.below(1_000)
        };
        // Half of the time nobody waits for anything.
        twins.now += later / 2;
        let now = Instant::from_nanos(twins.now);
        let cost = 1 + twins.draw.below(quota.burst());
        if twins.draw.below(2) == 0 {
            let outcome = twins.limiters[0].try_acquire_at(now, cost);
            case.check(
                outcome.is_err() || now >= last,
                format_args!(
                    "{cost} are admitted at {now:?}, before who waits until {last:?}, by {quota}"
                ),
            );
        } else {
            let reserved = twins.limiters[0].reserve_at(now, cost, Duration::MAX);
            let ready = match reserved {
                Ok(reservation) => reservation.ready_at(),
                // A queue may be full.
                Err(_) if subject.capabilities().rule.is_none() => continue,
                Err(denied) => case.fail(format_args!("{cost} at {now:?}, by {quota}: {denied}")),
            };
            case.check(
                ready >= last,
                format_args!("ready at {ready:?}, and who came before at {last:?}, by {quota}"),
            );
            last = ready;
        }
    }
}

/// Two subjects answer alike: one rule in two holders, in memory and in a store, before and after
/// its state was saved and loaded.
#[track_caller]
pub fn agreement(one: &Subject<'_>, other: &Subject<'_>, seed: u64) {
    let property = "agreement";
    let case = Case { property, seed };
    let mut twins = Twins::new(one, case, 1);
    twins.limiters.push(other.build(case, twins.quota));
    for _ in 0..100 {
        twins.ask();
        let now = Instant::from_nanos(twins.now);
        let cost = twins.draw.cost(twins.quota.burst());
        let full = super::draw::full_after(&twins.quota);
        let max_wait = Duration::from_nanos(twins.draw.below(3 * full));
        let what = format_args!("reserve of {cost} at {now:?}, by {}", twins.quota);
        if one.capabilities().reserves {
            let [a, b] = [0, 1].map(|twin| twins.limiters[twin].reserve_at(now, cost, max_wait));
            let told = [&a, &b].map(|reserved| reserved.as_ref().map(|r| (r.ready_at(), r.cost())));
            case.equal(&told[0], &told[1], what);
            if let (Ok(a), Ok(b), 0) = (a, b, twins.draw.below(2)) {
                let given =
                    [(0, a), (1, b)].map(|(twin, r)| twins.limiters[twin].cancel_at(now, r));
                case.equal(&given[0], &given[1], what);
            }
        }
        if twins.draw.below(8) == 0 {
            let cost = twins.draw.below(3).min(twins.quota.burst());
            for limiter in &twins.limiters {
                limiter.refund_at(now, cost);
            }
        }
    }
}
