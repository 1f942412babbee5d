//! What the vector files of token buckets and shapers mean.

use core::time::Duration;
use purlin_ratelimit::{Instant, Limiter, Quota, Reservation, Shaper, Shared, TokenBucket};
use purlin_vectors::{Case, Field, Suite};
use std::collections::BTreeMap;

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("ratelimit/token_bucket_reservation@1", reservation);
    suite.schema("ratelimit/bucket4j@1", bucket4j);
    suite.schema("ratelimit/spacing_shaper@1", shaper);
}

fn bucket(rate: u64, burst: u64) -> Shared<TokenBucket> {
    let quota = Quota::per_second(rate).unwrap().with_burst(burst).unwrap();
    Shared::new(TokenBucket::new(quota).unwrap())
}

/// golang.org/x/time/rate.
fn reservation(file: &Field<'_>) {
    file.cases("cases", |case| {
        let config = case.at("config");
        case.check_eq("initial", config.read::<String>("initial").as_str(), "full");
        let limiter = bucket(config.read("rate_per_s"), config.read("burst"));
        let tolerance = case.read::<Option<u64>>("tolerance_ns").unwrap_or(0);
        let mut reserved = BTreeMap::new();
        for step in case.at("steps").list() {
            reservation_step(case, &limiter, tolerance, &mut reserved, &step);
        }
    });
    file.cases("misc", |case| match case.name() {
        "every" => every(case),
        "concurrent_exact" => {
            let limiter = bucket(case.read("rate_per_s"), case.read("burst"));
            let threads: usize = case.read("threads");
            let admitted: usize = std::thread::scope(|scope| {
                let ask = || usize::from(limiter.try_acquire_at(Instant::from_secs(1), 1).is_ok());
                let all: Vec<_> = (0..threads).map(|_| scope.spawn(ask)).collect();
                all.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            case.check_eq("admitted", admitted, case.read("expect_admitted"));
        }
        "long_run" => {
            let limiter = bucket(case.read("rate_per_s"), case.read("burst"));
            let (gap, end): (usize, u64) = (case.read("poll_every_ns"), case.read("duration_ns"));
            let polls = (0..=end).step_by(gap).map(Instant::from_nanos);
            let admitted = polls
                .filter(|&now| limiter.try_acquire_at(now, 1).is_ok())
                .count();
            case.check("not too few", admitted >= case.read("expect_admitted_min"));
            case.check("not too many", admitted <= case.read("expect_admitted_max"));
        }
        other => case.fail(&format!("is {other}")),
    });
}

fn reservation_step(
    case: &Case<'_>,
    limiter: &Shared<TokenBucket>,
    tolerance: u64,
    reserved: &mut BTreeMap<u64, Reservation>,
    step: &Field<'_>,
) {
    let at: u64 = step.read("at_ns");
    let now = Instant::from_nanos(at);
    match step.read::<String>("op").as_str() {
        "allow_n" => {
            let expect = step.at("expect");
            // A debt is nothing left.
            let before: i64 = expect.read("tokens_before");
            let left = limiter.peek_at(now, 0).remaining;
            case.check_eq(
                &format!("tokens at {at}"),
                left,
                u64::try_from(before).unwrap_or(0),
            );
            let allowed = limiter.try_acquire_at(now, step.read("n")).is_ok();
            case.check_eq(&format!("allowed at {at}"), allowed, expect.read("ok"));
        }
        "reserve_n" => {
            let expect = step.at("expect");
            let wait = step.read::<Option<u64>>("max_wait_ns");
            let wait = wait.map_or(Duration::MAX, Duration::from_nanos);
            let outcome = limiter.reserve_at(now, step.read("n"), wait).ok();
            case.check_eq(
                &format!("reserved at {at}"),
                outcome.is_some(),
                expect.read("ok"),
            );
            let ready = outcome.as_ref().map(|made| made.ready_at().as_nanos());
            let act_at: Option<u64> = expect.read("act_at_ns");
            let near = match (ready, act_at) {
                (Some(ready), Some(act_at)) => ready.abs_diff(act_at) <= tolerance,
                (ready, act_at) => ready == act_at,
            };
            case.check(&format!("{ready:?} for {act_at:?}"), near);
            let number: u64 = step.read("id");
            reserved.extend(outcome.map(|made| (number, made)));
        }
        "cancel" => {
            // One that was refused is nothing that could be cancelled.
            if let Some(made) = reserved.remove(&step.read("reservation")) {
                limiter.cancel_at(now, made);
            }
        }
        other => step.fail(&format!("has the operation {other}")),
    }
}

/// An interval of nothing is an infinite rate there; here it is an error.
fn every(case: &Case<'_>) {
    case.ignore(&["table"]);
    for row in case.at("rows").list() {
        let [interval, rate] = <[_; 2]>::try_from(row.list()).unwrap();
        let interval: i64 = interval.decode();
        let nanos = Duration::from_nanos(u64::try_from(interval).unwrap_or(0));
        match (rate.json().as_f64(), Quota::new(1, nanos)) {
            (Some(rate), Ok(quota)) => {
                let found = quota.count() as f64 / quota.period().as_secs_f64();
                case.check_close("rate", found, rate, rate * 1e-12);
            }
            (rate, quota) => {
                case.check(&format!("{interval}"), rate.is_none() && quota.is_err());
            }
        }
    }
}

/// A bucket by the fields of a bandwidth, which begins at zero.
fn bandwidth(field: &Field<'_>) -> Shared<TokenBucket> {
    let period = Duration::from_nanos(field.read("period_ns"));
    let quota = Quota::new(field.read("refill"), period).unwrap();
    let quota = quota.with_burst(field.read("capacity")).unwrap();
    let rule = match field.read::<String>("mode").as_str() {
        "greedy" => TokenBucket::new(quota),
        "intervally" => TokenBucket::filled_at_intervals(quota),
        other => field.fail(&format!("has the mode {other}")),
    };
    let rule = rule.unwrap();
    let state = rule.holding(Instant::default(), field.read("initial"));
    Shared::with_state(rule, state)
}

fn only_bandwidth(case: &Case<'_>) -> Shared<TokenBucket> {
    let bandwidths = case.at("bandwidths").list();
    case.check_eq("bandwidths", bandwidths.len(), 1);
    bandwidth(&bandwidths[0])
}

fn bucket4j(file: &Field<'_>) {
    file.cases("rounding", |case| {
        let limiter = only_bandwidth(case);
        for step in case.at("steps").list() {
            let [at, op, argument, expected] = <[_; 4]>::try_from(step.list()).unwrap();
            let now = Instant::from_nanos(at.decode());
            let op: String = op.decode();
            match op.as_str() {
                "try_consume" => {
                    let admitted = limiter.try_acquire_at(now, argument.decode()).is_ok();
                    case.check_eq(&op, admitted, expected.decode());
                }
                "add_tokens" => {
                    case.check(&op, expected.json().is_null());
                    limiter.refund_at(now, argument.decode());
                }
                "consume_all" => {
                    case.check_eq(&op, argument.decode::<String>().as_str(), "");
                    let all = limiter.peek_at(now, 0).remaining;
                    case.check_eq(&op, all, expected.decode());
                    case.check(&op, limiter.try_acquire_at(now, all).is_ok());
                }
                "wait_for" => {
                    let wait = limiter.peek_at(now, argument.decode()).retry_after();
                    let expected = Duration::from_nanos(expected.decode());
                    case.check_eq(&op, wait, Some(expected));
                }
                other => case.fail(&format!("has the operation {other}")),
            }
        }
    });
    file.cases("estimate", |case| {
        let decision = bandwidth(case).peek_at(Instant::default(), case.read("n"));
        case.check_eq("ok", decision.is_allowed(), case.read("ok"));
        let wait = case.at("wait_ns");
        let expected = match wait.json().as_str() {
            Some("never") => None,
            _ => Some(Duration::from_nanos(wait.decode())),
        };
        case.check_eq("wait", decision.retry_after(), expected);
    });
    file.cases("intervally", |case| {
        let limiter = only_bandwidth(case);
        let rows: Vec<(u64, u64)> = case.read("available");
        for (at, available) in rows {
            let left = limiter.peek_at(Instant::from_nanos(at), 0).remaining;
            case.check_eq(&format!("at {at}"), left, available);
        }
    });
    file.cases("consume_ignoring_limits", |case| {
        let limiter = bandwidth(&case.at("bandwidth"));
        let now = Instant::from_nanos(case.read("advance_ns"));
        let made = limiter
            .reserve_at(now, case.read("n"), Duration::MAX)
            .unwrap();
        let wait = Duration::from_nanos(case.read("overflow_wait_ns"));
        case.check_eq("wait", made.wait_from(now), wait);
        case.check_eq(
            "left",
            limiter.peek_at(now, 0).remaining,
            case.read("remaining"),
        );
    });
}

/// uber-go/ratelimit: each taker asks again when it has acted.
fn shaper(file: &Field<'_>) {
    file.cases("counts", |case| {
        let (rate, slack, takers) = (case.read("rate"), case.read("slack"), case.read("takers"));
        let limiter = queue(rate, slack, takers);
        let expected: Vec<(u64, usize)> = case.read("expect");
        let end = expected.iter().map(|&(at, _)| at).max().unwrap_or(0);
        let mut acted = Vec::new();
        let mut turns = vec![Instant::default(); usize::try_from(takers).unwrap()];
        while let Some(next) = turns.iter_mut().min()
            && next.as_nanos() < end
        {
            let made = limiter.reserve_at(*next, 1, Duration::MAX).unwrap();
            *next = made.ready_at();
            acted.push(next.as_nanos());
        }
        for (at, count) in expected {
            let found = acted.iter().filter(|&&time| time < at).count();
            case.check_eq(&format!("until {at}"), found, count);
        }
    });
    file.case("initial", |case| {
        let takes: u64 = case.read("takes");
        let limiter = queue(case.read("rate"), 0, takes);
        let gaps: Vec<u64> = case.read("gaps_ns");
        case.check_eq("takes", gaps.len() as u64, takes);
        let mut now = Instant::from_secs(1);
        for gap in gaps {
            let made = limiter.reserve_at(now, 1, Duration::MAX).unwrap();
            case.check_eq("gap", made.wait_from(now), Duration::from_nanos(gap));
            now = made.ready_at();
        }
    });
}

/// A queue in which every taker can wait behind the one that acts.
fn queue(rate: u64, slack: u64, takers: u64) -> Shared<Shaper> {
    let quota = Quota::per_second(rate).unwrap();
    let rule = Shaper::new(quota.with_burst(takers + 1).unwrap()).unwrap();
    Shared::new(rule.with_slack(slack).unwrap())
}
