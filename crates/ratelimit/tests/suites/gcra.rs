//! What the vector files of the generic cell rate algorithm mean.

use core::time::Duration;
use purlin_ratelimit::{ConfigError, Gcra, Instant, Limiter, Local, Quota, Reason, Shared};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("ratelimit/gcra@1", gcra);
    suite.schema("ratelimit/gcra_governor@1", governor);
    suite.schema("ratelimit/exact_gcra@1", |file| {
        file.cases("cases", exact);
    });
}

/// throttled and redis-cell.
fn gcra(file: &Field<'_>) {
    // A store that never lets a swap succeed: tests of the stores.
    file.ignore(&["cas_failure"]);
    file.cases("cases", |case| {
        let limiter = by_interval(case);
        steps(case, |now, cost, expect| {
            let decision = limiter.check_at(now, cost);
            let limited: bool = expect.read("limited");
            case.check_eq("limited", !decision.is_allowed(), limited);
            case.check_eq("limit", decision.limit, expect.read("limit"));
            case.check_eq("remaining", decision.remaining, expect.read("remaining"));
            let reset = Duration::from_nanos(expect.read("reset_after_ns"));
            case.check_eq("reset", decision.reset_after, reset);
            let retry: Option<u64> = expect.read("retry_after_ns");
            // Null of one that is admitted: there it is now.
            let retry = if limited { retry } else { Some(0) };
            case.check_eq(
                "retry",
                decision.retry_after(),
                retry.map(Duration::from_nanos),
            );
        });
    });
    file.cases("rates", |case| {
        let count: u64 = case.read("n");
        let quota = match case.read::<Option<String>>("per").as_deref() {
            Some("day") => Quota::per_day(count),
            Some("hour") => Quota::per_hour(count),
            Some("minute") => Quota::per_minute(count),
            Some("second") => Quota::per_second(count),
            Some(other) => case.at("per").fail(&format!("is {other}")),
            None => Quota::new(count, Duration::from_nanos(case.read("per_ns"))),
        };
        let interval = Duration::from_nanos(case.read("interval_ns"));
        let limiter = Shared::new(Gcra::new(quota.unwrap().with_burst(1).unwrap()).unwrap());
        let now = Instant::from_secs(1);
        case.check("the first", limiter.try_acquire_at(now, 1).is_ok());
        let retry = limiter.peek_at(now, 1).retry_after();
        case.check_eq("interval", retry, Some(interval));
    });
    file.cases("errors", |case| {
        case.check_eq(
            "expect",
            case.read::<String>("expect").as_str(),
            "construction_error",
        );
        let count = case.read::<Option<u64>>("n");
        let period = case
            .read::<Option<u64>>("period_ns")
            .map(Duration::from_nanos);
        let built = Quota::new(count.unwrap_or(1), period.unwrap_or(Duration::from_secs(1)));
        case.check("refused", matches!(built, Err(ConfigError::Zero { .. })));
    });
}

/// governor. The case counts time in its emission interval, which is a whole number of nanoseconds.
fn governor(file: &Field<'_>) {
    file.cases("cases", |case| {
        let limiter = by_interval(case);
        steps(case, |now, cost, expect| {
            let decision = limiter.check_at(now, cost);
            case.check_eq("ok", decision.is_allowed(), expect.read("ok"));
            if let Some(remaining) = expect.read::<Option<u64>>("remaining") {
                case.check_eq("remaining", decision.remaining, remaining);
            }
            if let Some(retry) = expect.read::<Option<u64>>("retry_after_ns") {
                let retry = Duration::from_nanos(retry);
                case.check_eq("retry", decision.retry_after(), Some(retry));
            }
        });
    });
}

fn by_interval(case: &Case<'_>) -> Shared<Gcra> {
    let config = case.at("config");
    let interval = Duration::from_nanos(config.read("emission_interval_ns"));
    let quota = Quota::new(1, interval).unwrap();
    Shared::new(Gcra::new(quota.with_burst(config.read("burst")).unwrap()).unwrap())
}

fn steps(case: &Case<'_>, mut step: impl FnMut(Instant, u64, Field<'_>)) {
    for field in case.at("steps").list() {
        case.check_eq("op", field.read::<String>("op").as_str(), "check");
        let now = Instant::from_nanos(field.read("at_ns"));
        step(now, field.read("cost"), field.at("expect"));
    }
}

/// Exact rational truth: exactly by 128 bits and, where a word is exact, by a word; otherwise the
/// word's waits are at most a nanosecond late, and what remains is at most one too low.
///
/// Of a request above the burst the file gives the whole burst as what remains, whatever was taken.
/// By the formula of the vectors' README, and by the file's next rows, less does (`g11_0`: 115,625
/// at 40000302703702702, and one at 40000389190189188). There what remains is compared with what
/// remained before the request, since it is refused.
fn exact(case: &Case<'_>) {
    let period = Duration::from_nanos(case.read("period_ns"));
    let quota = Quota::new(case.read("count"), period).unwrap();
    let quota = quota.with_burst(case.read("burst")).unwrap();
    let fields: Vec<String> = case.read("fields");
    case.check_eq("fields", fields.len(), 5);
    let word = Local::new(Gcra::new(quota).unwrap());
    let wide = Local::new(Gcra::wide(quota).unwrap());
    let slack = u64::from(!word.algorithm().is_exact());
    let steps: Vec<Step> = case.read("steps");
    for step in steps {
        exact_step(case, &format!("{step:?}, in 128 bits"), &wide, 0, step);
        exact_step(case, &format!("{step:?}, in a word"), &word, slack, step);
    }
}

/// Instant, cost, whether it is admitted, what remains, and how long to wait.
type Step = (u64, u64, bool, u64, Option<u64>);

fn exact_step(case: &Case<'_>, what: &str, limiter: &dyn Limiter, slack: u64, step: Step) {
    let (now, cost, ok, remaining, retry) = step;
    let now = Instant::from_nanos(now);
    let before = limiter.peek_at(now, 0).remaining;
    let decision = limiter.check_at(now, cost);
    case.check_eq(what, decision.is_allowed(), ok);
    if cost > limiter.limit() {
        case.check_eq(what, remaining, limiter.limit());
        case.check_eq(what, decision.remaining, before);
        let reason = decision.outcome.map_err(|denied| denied.reason());
        case.check_eq(what, reason, Err(Reason::TooLarge));
        case.check_eq(what, (decision.retry_after(), retry), (None, None));
        return;
    }
    let low = remaining.checked_sub(decision.remaining);
    case.check(
        &format!("{what}: {} remain", decision.remaining),
        low.is_some_and(|low| low <= slack),
    );
    // Null of one that is admitted: there it is now.
    let expected = Duration::from_nanos(if ok { 0 } else { retry.unwrap() });
    let late = decision
        .retry_after()
        .and_then(|found| found.checked_sub(expected));
    let in_time = late.is_some_and(|late| late <= Duration::from_nanos(slack));
    case.check(
        &format!("{what}: to retry {:?}", decision.retry_after()),
        in_time,
    );
}
