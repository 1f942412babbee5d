//! What `adaptive_limits.json` means: what the tests of Netflix concurrency-limits state.
//!
//! Where a case leaves a value open it is Netflix's default, apart from the least limit of `Aimd`:
//! theirs is 20 and does not bind the initial limit, ours binds it and is 1.

use core::time::Duration;
use purlin_ratelimit::Instant;
use purlin_ratelimit::concurrency::{
    Aimd, AtLimit, ConcurrencyLimiter, Fixed, Gradient2, LimitAlgorithm, Outcome,
    PartitionedLimiter, Sample, Vegas,
};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("ratelimit/adaptive_limits@1", adaptive_limits);
}

fn adaptive_limits(file: &Field<'_>) {
    file.cases("aimd", |case| {
        let mut aimd = Aimd::builder().initial(case.read("initial"));
        if let Some(backoff) = case.read("backoff") {
            aimd = aimd.backoff(backoff);
        }
        replay(case, aimd.build().expect("a valid configuration"));
    });
    // Netflix's alpha and beta are constants here, ours multiples of `log10(limit)`, which is 1 at
    // these limits.
    file.cases("vegas", |case| {
        let vegas = Vegas::builder()
            .initial(case.read("initial"))
            .max(case.read("max"))
            .alpha(case.read("alpha"))
            .beta(case.read("beta"))
            .smoothing(case.read("smoothing"));
        replay(case, vegas.build().expect("a valid configuration"));
    });
    file.case("exp_avg", exponential_average);
    file.cases("log10_root", log10_root);
    file.case("partition", partition);
}

/// Feeds the samples of a case.
fn replay(case: &Case<'_>, mut algorithm: impl LimitAlgorithm) {
    if let Some(expected) = case.read("expect") {
        case.check_eq("the limit before any sample", algorithm.limit(), expected);
    }
    for sample in case.at("samples").list() {
        let outcome = match sample.read("drop") {
            true => Outcome::Dropped,
            false => Outcome::Success,
        };
        let limit = algorithm.update(&Sample {
            started: Instant::ORIGIN,
            rtt: Duration::from_nanos(sample.read("rtt_ns")),
            in_flight: sample.read("inflight"),
            outcome,
        });
        case.check_eq("the limit", limit, sample.read("limit"));
        case.check_eq("the limit when asked", algorithm.limit(), limit);
    }
}

/// As the long average of `Gradient2`, in microseconds.
fn exponential_average(case: &Case<'_>) {
    let warmup: u32 = case.read("warmup");
    case.check_eq("Gradient2 has Netflix's warm-up", warmup, 10);
    let mut gradient = Gradient2::builder()
        .long_window(case.read("window"))
        .build()
        .expect("a valid window");
    let (inputs, expected): (Vec<u64>, Vec<f64>) = (case.read("inputs"), case.read("expect"));
    case.check_eq("an average for each input", inputs.len(), expected.len());
    let tolerance = case.read("tol");
    for (micros, expected) in inputs.into_iter().zip(expected) {
        gradient.update(&Sample {
            started: Instant::ORIGIN,
            rtt: Duration::from_micros(micros),
            in_flight: 0,
            outcome: Outcome::Success,
        });
        let average = gradient.long_rtt().as_nanos() as f64 / 1e3;
        case.check_close("the average", average, expected, tolerance);
    }
}

/// As the step by which a drop lowers `Vegas`.
fn log10_root(case: &Case<'_>) {
    let (limit, root): (u32, u32) = case.decode();
    if limit == 0 {
        case.differs("a limit is at least 1, so that the step from 0 is out of reach");
        let vegas = Vegas::builder().initial(limit).max(10).build();
        case.check("a limit of 0 can be had", vegas.is_ok());
        return;
    }
    let vegas = Vegas::builder().initial(limit).max(limit).build();
    let lowered = vegas.expect("a valid limit").update(&Sample {
        started: Instant::ORIGIN,
        rtt: Duration::from_millis(1),
        in_flight: limit,
        outcome: Outcome::Dropped,
    });
    case.check_eq("the limit after a drop", lowered, limit - root);
}

/// And what the rest of that test of Netflix's states.
fn partition(case: &Case<'_>) {
    let limit: u32 = case.read("limit");
    let shares = ["batch", "live"].map(|name| (name, percent(case.read(name))));
    let whole = ConcurrencyLimiter::new(Fixed::new(limit).expect("a limit"));
    let limiter = PartitionedLimiter::new(whole, shares).expect("shares of one whole");
    let limits = case.at("expect_limits");
    for name in ["batch", "live"] {
        case.check_eq(name, limiter.share(name), Some(limits.read(name)));
    }

    let mut permits = Vec::new();
    let steps: Vec<(String, bool)> = case.read("steps");
    for (step, passes) in steps {
        let words = step.strip_prefix("acquire ").expect("nothing else");
        let (name, times) = words.split_once(" x").unwrap_or((words, "1"));
        for _ in 0..times.parse().expect("a number") {
            match limiter.try_acquire(name) {
                Ok(permit) => {
                    permits.push(permit);
                    case.check(&step, passes);
                }
                Err(refused) => {
                    let in_flight = limit;
                    case.check_eq(&step, refused, AtLimit { limit, in_flight });
                    case.check(&step, !passes);
                }
            }
        }
    }
    // The other one has its share all the same, and no more.
    let share: u32 = limits.read("live");
    for _ in 0..share {
        permits.push(limiter.try_acquire("live").expect("its own share"));
    }
    case.check_eq("live in flight", limiter.in_flight("live"), share);
    case.check(
        "live beyond its share",
        limiter.try_acquire("live").is_err(),
    );
    let all = u32::try_from(permits.len()).expect("a few");
    case.check_eq("all in flight", limiter.whole().in_flight(), all);
}

/// A share in whole percent.
fn percent(share: f64) -> u32 {
    let percent = (0..=100).find(|&percent| (f64::from(percent) - share * 100.0).abs() < 1e-9);
    percent.expect("a whole percentage")
}
