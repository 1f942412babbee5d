//! Random histories.

use super::draw::Draw;
use super::history::History;
use super::step::Step;
use super::subject::{Case, Subject};
use crate::{Instant, Quota};
use core::time::Duration;

/// Through a random history of calls, every answer is that of a naive model of the rule: decisions,
/// waits, what remains, when all is as new, reservations, what is given back. The clock never goes
/// back.
#[track_caller]
pub fn answers(subject: &Subject<'_>, seed: u64) {
    let property = "answers";
    let case = Case { property, seed };
    // Of what is given back some models say nothing: those follow every other history to its end.
    let call = if seed.is_multiple_of(2) {
        any_call
    } else {
        forward_call
    };
    run(subject, case, Draw::later, call);
}

/// In every span of time no more is admitted than the bound allows: any two admissions are tried as
/// its ends. Exact, in integers.
#[track_caller]
pub fn bound(subject: &Subject<'_>, seed: u64) {
    let property = "bound";
    let case = Case { property, seed };
    let mut draw = Draw::new(seed);
    let quota = draw.quota(subject);
    let mut history = History::of(subject, subject.build(case, quota), quota, case).unmodelled();
    let mut now = draw.start();
    for _ in 0..300 {
        now = draw.later(now, &quota, history.retry_at().map(Instant::as_nanos));
        let cost = draw.cost(quota.burst());
        let step = if draw.below(8) == 0 {
            Step::Check { cost }
        } else {
            Step::TryAcquire { cost }
        };
        history.step(Instant::from_nanos(now), &step);
    }
    history.check_bound();
}

/// A clock that goes back makes no tokens: the [`bound`] holds as if the clock had stood still since
/// the latest admission.
#[track_caller]
pub fn clock_steps_back(subject: &Subject<'_>, seed: u64) {
    let property = "clock_steps_back";
    let case = Case { property, seed };
    run(subject, case, Draw::anywhere, |draw, quota| {
        let cost = draw.cost(quota.burst());
        match draw.below(4) {
            0 => Step::Check { cost },
            1 => Step::Peek { cost },
            _ => Step::TryAcquire { cost },
        }
    });
}

#[track_caller]
fn run(
    subject: &Subject<'_>,
    case: Case,
    next: fn(&mut Draw, u64, &Quota, Option<u64>) -> u64,
    call: fn(&mut Draw, &Quota) -> Step,
) {
    let mut draw = Draw::new(case.seed);
    let quota = draw.quota(subject);
    let mut history = History::of(subject, subject.build(case, quota), quota, case);
    let mut now = draw.start();
    for _ in 0..200 {
        now = next(
            &mut draw,
            now,
            &quota,
            history.retry_at().map(Instant::as_nanos),
        );
        history.step(Instant::from_nanos(now), &call(&mut draw, &quota));
    }
    history.check_bound();
}

/// Nothing is given back.
fn forward_call(draw: &mut Draw, quota: &Quota) -> Step {
    match any_call(draw, quota) {
        Step::Cancel { .. } => Step::TryAcquire { cost: 1 },
        Step::Refund { cost } => Step::Check { cost },
        other => other,
    }
}

fn any_call(draw: &mut Draw, quota: &Quota) -> Step {
    let cost = draw.cost(quota.burst());
    match draw.below(16) {
        0..=4 => Step::TryAcquire { cost },
        5..=8 => Step::Check { cost },
        9 | 10 => Step::Peek { cost },
        11..=13 => {
            let full = super::draw::full_after(quota);
            let max_wait = match draw.below(4) {
                0 => Duration::ZERO,
                1 => Duration::MAX,
                _ => Duration::from_nanos(draw.below(3 * full)),
            };
            Step::Reserve { cost, max_wait }
        }
        14 => {
            let back = usize::try_from(draw.below(3)).unwrap_or(0);
            Step::Cancel { back }
        }
        _ => Step::Refund { cost },
    }
}
