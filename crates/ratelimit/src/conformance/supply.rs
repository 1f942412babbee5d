//! That no tokens are lost.

use super::draw::{Draw, full_after};
use super::model::nanos;
use super::subject::{Case, Subject};
use crate::{Instant, Limiter, Quota, Rule};

/// Whoever takes all there is, asking at any instants, gets all that comes: not one token less than
/// the rate makes, as long as the limiter is never full.
#[track_caller]
pub fn no_lost_tokens(subject: &Subject<'_>, seed: u64) {
    let property = "no_lost_tokens";
    let case = Case { property, seed };
    let mut draw = Draw::new(seed);
    let quota = draw.small_quota(subject, 50);
    let limiter = subject.build(case, quota);
    let slack = subject.slack(&quota);
    // Near enough to the beginning that the last instant lies before the horizon.
    let start = draw.below(1 << 40);
    match subject.capabilities().rule {
        Some(Rule::Even) if quota.burst() > 1 => {
            // Less than a token is left, so that this long after it the bucket is not full.
            let gap = full_after(&quota) * (quota.burst() - 1) / quota.burst();
            let mut now = start;
            let mut taken = 0;
            for _ in 0..300 {
                taken += take_all(&*limiter, now);
                let came =
                    u128::from(quota.count()) * u128::from((now - start).saturating_sub(slack));
                let owed = u128::from(quota.burst()) + came / u128::from(nanos(&quota));
                case.check(
                    u128::from(taken) >= owed,
                    format_args!(
                        "{taken} were admitted from {start} to {now} ns, of {owed}, by {quota}"
                    ),
                );
                now += 1 + draw.below(gap);
            }
        }
        Some(Rule::Even | Rule::Stepped | Rule::Log) => {
            // What does not fit when it comes is lost to all.
            let step = match subject.capabilities().rule {
                Some(Rule::Stepped) => quota.count().min(quota.burst()),
                _ => quota.count(),
            };
            follow_the_waits(case, &*limiter, &quota, start, step, slack);
        }
        // What a counter grants depends on what came before: see `answers`.
        Some(Rule::Counter { .. }) | None => {}
    }
}

/// One by one, until it refuses.
fn take_all(limiter: &dyn Limiter, now: u64) -> u64 {
    let now = Instant::from_nanos(now);
    let all = (0..).take_while(|_: &u64| limiter.try_acquire_at(now, 1).is_ok());
    all.count() as u64
}

/// Asks again when it was told to: `count` in every period.
#[track_caller]
fn follow_the_waits(
    case: Case,
    limiter: &dyn Limiter,
    quota: &Quota,
    start: u64,
    count: u64,
    slack: u64,
) {
    let period = nanos(quota);
    let mut now = start;
    let mut taken = 0_u64;
    while now < start + 10 * period {
        taken += take_all(limiter, now);
        match limiter.try_acquire_at(Instant::from_nanos(now), 1) {
            Err(denied) => match denied.retry_at() {
                Some(retry) if retry.as_nanos() > now => now = retry.as_nanos(),
                retry => case.fail(format_args!(
                    "refused at {now} ns until {retry:?}, by {quota}"
                )),
            },
            Ok(()) => taken += 1,
        }
    }
    // `now` is after ten periods; all that came until a nanosecond before was taken. Each wait may
    // be late.
    let owed = 10 * count;
    let late = slack * taken * quota.count() / period;
    case.check(
        taken + late >= owed,
        format_args!("{taken} were admitted in ten periods, of {owed}, by {quota}"),
    );
}
