//! `tests/concurrency/adaptive_limits.json`: what the tests of Netflix concurrency-limits state.
//!
//! Where a case leaves a value open it is Netflix's default, apart from the least limit of `Aimd`:
//! theirs is 20 and does not bind the initial limit, ours binds it and is 1.

use core::time::Duration;
use purlin_ratelimit::Instant;
use purlin_ratelimit::concurrency::{
    Aimd, AtLimit, ConcurrencyLimiter, Fixed, Gradient2, LimitAlgorithm, Outcome,
    PartitionedLimiter, Sample, Vegas,
};
use serde_json::Value;

fn file() -> Value {
    let file: Value = serde_json::from_str(include_str!("concurrency/adaptive_limits.json"))
        .expect("the file is JSON");
    assert_eq!(file["schema"], "ratelimit/adaptive_limits@1");
    file
}

fn list<'v>(of: &'v Value, key: &str) -> &'v Vec<Value> {
    let list = of[key].as_array();
    list.unwrap_or_else(|| panic!("`{key}` is a list"))
}

fn number(of: &Value, key: &str) -> u32 {
    let number = of[key].as_u64().and_then(|n| u32::try_from(n).ok());
    number.unwrap_or_else(|| panic!("`{key}` is a number"))
}

fn float(of: &Value, key: &str) -> f64 {
    of[key]
        .as_f64()
        .unwrap_or_else(|| panic!("`{key}` is a number"))
}

/// Feeds the samples of a case; how many limits were compared.
fn replay(case: &Value, mut algorithm: impl LimitAlgorithm) -> usize {
    if !case["expect"].is_null() {
        assert_eq!(algorithm.limit(), number(case, "expect"), "{case}");
    }
    for sample in list(case, "samples") {
        let limit = algorithm.update(&Sample {
            started: Instant::ORIGIN,
            rtt: Duration::from_nanos(number(sample, "rtt_ns").into()),
            in_flight: number(sample, "inflight"),
            outcome: match sample["drop"].as_bool() {
                Some(true) => Outcome::Dropped,
                Some(false) => Outcome::Success,
                None => panic!("`drop` is a bool"),
            },
        });
        assert_eq!(limit, number(sample, "limit"), "{case}");
        assert_eq!(limit, algorithm.limit());
    }
    list(case, "samples").len() + usize::from(!case["expect"].is_null())
}

#[test]
fn aimd() {
    let file = file();
    let compared = list(&file, "aimd").iter().map(|case| {
        let mut aimd = Aimd::builder().initial(number(case, "initial"));
        if !case["backoff"].is_null() {
            aimd = aimd.backoff(float(case, "backoff"));
        }
        replay(case, aimd.build().expect("a valid configuration"))
    });
    assert_eq!(compared.collect::<Vec<_>>(), [1, 1, 1]);
}

/// Netflix's alpha and beta are constants here, ours multiples of `log10(limit)`, which is 1 at
/// these limits.
#[test]
fn vegas() {
    let file = file();
    let compared = list(&file, "vegas").iter().map(|case| {
        let vegas = Vegas::builder()
            .initial(number(case, "initial"))
            .max(number(case, "max"))
            .alpha(number(case, "alpha"))
            .beta(number(case, "beta"))
            .smoothing(float(case, "smoothing"));
        replay(case, vegas.build().expect("a valid configuration"))
    });
    assert_eq!(compared.collect::<Vec<_>>(), [2, 2]);
}

/// `exp_avg`, as the long average of `Gradient2`, in microseconds.
#[test]
fn exponential_average() {
    let case = &file()["exp_avg"];
    assert_eq!(case["warmup"], 10, "Gradient2 has Netflix's warm-up");
    let window = number(case, "window");
    let mut gradient = Gradient2::builder()
        .long_window(window)
        .build()
        .expect("a valid window");
    let averages = list(case, "inputs").iter().map(|micros| {
        gradient.update(&Sample {
            started: Instant::ORIGIN,
            rtt: Duration::from_micros(micros.as_u64().expect("whole microseconds")),
            in_flight: 0,
            outcome: Outcome::Success,
        });
        gradient.long_rtt().as_nanos() as f64 / 1e3
    });
    let expected = list(case, "expect").iter().map(|average| average.as_f64());
    for (average, expected) in averages.zip(expected) {
        let expected = expected.expect("a number");
        let off = (average - expected).abs();
        assert!(off <= float(case, "tol"), "{average}, not {expected}");
    }
}

/// `log10_root`, as the step by which a drop lowers `Vegas`. Its entry for 0 is out of reach: our
/// limits are at least 1, and from there a step of 1 leads nowhere.
#[test]
fn log10_root() {
    let file = file();
    let mut seen = 0;
    for entry in list(&file, "log10_root") {
        let (limit, root) = (entry[0].as_u64(), entry[1].as_u64());
        let limit = u32::try_from(limit.expect("a limit")).expect("32 bits");
        let root = u32::try_from(root.expect("a root")).expect("32 bits");
        if limit == 0 {
            continue;
        }
        let vegas = Vegas::builder().initial(limit).max(limit).build();
        let lowered = vegas.expect("a valid limit").update(&Sample {
            started: Instant::ORIGIN,
            rtt: Duration::from_millis(1),
            in_flight: limit,
            outcome: Outcome::Dropped,
        });
        assert_eq!(lowered, limit - root);
        seen += 1;
    }
    assert_eq!(seen, 2);
}

/// `partition`, and what the rest of that test of Netflix's states.
#[test]
fn partition() {
    let file = file();
    let case = &file["partition"];
    let limit = number(case, "limit");
    let percent = |name| {
        let part = float(case, name);
        let nearest =
            (0..=100_u32).find(|&percent| (f64::from(percent) - part * 100.0).abs() < 1e-9);
        nearest.expect("a whole number of per cent")
    };
    let shares = [("batch", percent("batch")), ("live", percent("live"))];
    let whole = ConcurrencyLimiter::new(Fixed::new(limit).expect("a limit"));
    let limiter = PartitionedLimiter::new(whole, shares).expect("shares of one whole");

    let limits = &case["expect_limits"];
    for name in ["batch", "live"] {
        assert_eq!(limiter.share(name), Some(number(limits, name)));
    }
    assert_eq!(case["steps"][0][0], "acquire batch x10");
    assert_eq!(case["steps"][0][1], true);
    let mut permits = Vec::new();
    for nth in 1..=10 {
        permits.push(limiter.try_acquire("batch").expect("idle shares"));
        assert_eq!(limiter.in_flight("batch"), nth);
    }
    assert_eq!(case["steps"][1][0], "acquire batch");
    let in_flight = limit;
    let refused = limiter.try_acquire("batch").err();
    assert_eq!(refused, Some(AtLimit { limit, in_flight }));

    // The other one has its share all the same, and no more.
    for nth in 1..=7 {
        permits.push(limiter.try_acquire("live").expect("its own share"));
        assert_eq!(limiter.in_flight("live"), nth);
    }
    assert!(limiter.try_acquire("live").is_err());
    assert_eq!(limiter.whole().in_flight(), 17);
}
