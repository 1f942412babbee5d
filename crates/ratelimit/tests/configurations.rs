//! Configurations of breaker and backoff as data: what is written is read again, what no constructor
//! would take is refused by name.
#![cfg(all(feature = "serde", target_has_atomic = "64"))]

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::backoff::{Backoff, Jitter};
use purlin_ratelimit::breaker::{BreakerConfig, CircuitBreaker, Window};
use serde_json::{Value, from_value, json, to_value};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(secs: u64) -> Value {
    json!({ "secs": secs, "nanos": 0 })
}

fn refusal<T: serde::de::DeserializeOwned + core::fmt::Debug>(data: Value) -> String {
    from_value::<T>(data)
        .expect_err("no constructor takes it")
        .to_string()
}

fn backoffs() -> impl Strategy<Value = Backoff> {
    let jitters = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0..=100_u8).prop_map(|percent| Jitter::Spread { percent }),
    ];
    // Factors that any decimal text keeps.
    let numbers = (1..u64::MAX, any::<u64>(), 8..1_000_u32);
    let ends = (any::<Option<u32>>(), any::<Option<Duration>>());
    (numbers, jitters, ends).prop_map(|((base, cap, eighths), jitter, (retries, deadline))| {
        let (base, cap) = (
            Duration::from_nanos(base),
            Duration::from_nanos(cap.max(base)),
        );
        let backoff = Backoff::exponential(base, cap)
            .and_then(|backoff| backoff.with_factor(f64::from(eighths) / 8.0))
            .and_then(|backoff| backoff.with_jitter(jitter))
            .expect("valid");
        let backoff = retries.map_or(backoff, |retries| backoff.with_max_retries(retries));
        deadline.map_or(backoff, |deadline| backoff.with_deadline(deadline))
    })
}

fn breakers() -> impl Strategy<Value = BreakerConfig> {
    let rules = (
        prop::option::of(any::<u32>()),
        prop::option::of(0..=101_u32),
        prop::option::of((0..=101_u32, any::<Duration>())),
    );
    let window = prop_oneof![
        (0..5_000_u32).prop_map(Window::Calls),
        any::<Duration>().prop_map(Window::Time),
    ];
    let opening = prop_oneof![
        any::<Duration>().prop_map(Ok),
        backoffs().prop_map(Err::<Duration, _>),
    ];
    let probes = prop::array::uniform3(0..=32_u32);
    let minimum = prop::option::of(0..3_000_u32);
    (rules, window, minimum, opening, probes, any::<Duration>()).prop_map(
        |((row, failing, slow), window, minimum, opening, [out, good, bad], timeout)| {
            let mut config = BreakerConfig::new()
                .window(window)
                .probes(out)
                .probe_successes(good)
                .probe_failures(bad)
                .probe_timeout(timeout);
            config = row.map_or(config, |row| config.consecutive_failures(row));
            config = failing.map_or(config, |percent| config.failure_rate(percent));
            config = slow.map_or(config, |(percent, time)| {
                config.slow_call_rate(percent, time)
            });
            config = minimum.map_or(config, |minimum| config.minimum_calls(minimum));
            match opening {
                Ok(duration) => config.open_for(duration),
                Err(backoff) => config.open_growing(backoff),
            }
        },
    )
}

proptest! {
    #[test]
    fn a_backoff_comes_back(backoff in backoffs()) {
        let data = to_value(backoff).expect("an object");
        prop_assert_eq!(from_value::<Backoff>(data).expect("valid"), backoff);
    }

    /// Read is exactly what makes a breaker; the refusal is the constructor's.
    #[test]
    fn a_breaker_comes_back_or_is_refused_as_when_made(config in breakers()) {
        let data = to_value(config).expect("an object");
        match (from_value::<BreakerConfig>(data), CircuitBreaker::new(config)) {
            (Ok(read), Ok(_)) => prop_assert_eq!(read, config),
            (Err(read), Err(made)) => prop_assert_eq!(read.to_string(), made.to_string()),
            (read, made) => prop_assert!(false, "read {read:?}, made {made:?}"),
        }
    }
}

#[test]
fn what_is_not_given_is_as_in_the_constructors() {
    let read: Backoff =
        from_value(json!({ "base": seconds(1), "cap": seconds(8) })).expect("valid");
    assert_eq!(
        read,
        Backoff::exponential(SECOND, 8 * SECOND).expect("valid")
    );

    let read: BreakerConfig = from_value(json!({ "consecutive_failures": 5 })).expect("valid");
    assert_eq!(read, BreakerConfig::default());
}

/// The names are part of what a user's files say, so they stay.
#[test]
fn the_names_are_those_of_the_methods() {
    let backoff = json!({
        "base": seconds(1),
        "cap": seconds(8),
        "factor": 1.5,
        "jitter": { "spread": { "percent": 20 } },
        "max_retries": 3,
        "deadline": seconds(60),
    });
    let expected = Backoff::exponential(SECOND, 8 * SECOND)
        .and_then(|backoff| backoff.with_factor(1.5))
        .and_then(|backoff| backoff.with_jitter(Jitter::Spread { percent: 20 }))
        .expect("valid")
        .with_max_retries(3)
        .with_deadline(60 * SECOND);
    assert_eq!(
        from_value::<Backoff>(backoff.clone()).expect("valid"),
        expected
    );
    assert_eq!(to_value(expected).expect("an object"), backoff);

    let breaker = json!({
        "consecutive_failures": 9,
        "failure_rate": 50,
        "slow_call_rate": { "percent": 80, "duration": seconds(2) },
        "window": { "time": seconds(30) },
        "minimum_calls": 20,
        "open_for": null,
        "open_growing": backoff,
        "probes": 3,
        "probe_successes": 2,
        "probe_failures": 1,
        "probe_timeout": seconds(5),
    });
    let expected = BreakerConfig::new()
        .consecutive_failures(9)
        .failure_rate(50)
        .slow_call_rate(80, 2 * SECOND)
        .window(Window::Time(30 * SECOND))
        .minimum_calls(20)
        .open_growing(expected)
        .probes(3)
        .probe_successes(2)
        .probe_timeout(5 * SECOND);
    assert_eq!(
        from_value::<BreakerConfig>(breaker.clone()).expect("valid"),
        expected
    );
    assert_eq!(to_value(expected).expect("an object"), breaker);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    assert_eq!(
        refusal::<Backoff>(json!({ "base": seconds(0), "cap": seconds(1) })),
        "base must be above zero"
    );
    assert_eq!(
        refusal::<Backoff>(json!({ "base": seconds(1), "cap": seconds(1), "factor": 0.5 })),
        "factor must be finite and at least 1"
    );
    let jitter = json!({ "spread": { "percent": 101 } });
    assert_eq!(
        refusal::<Backoff>(json!({ "base": seconds(1), "cap": seconds(1), "jitter": jitter })),
        "percent is 101, of at most 100"
    );
    assert_eq!(
        refusal::<BreakerConfig>(json!({ "failure_rate": 50, "window": { "calls": 0 } })),
        "window must be above zero"
    );
    assert!(refusal::<BreakerConfig>(json!({})).starts_with("rules must be at least one of"));

    let backoff = json!({ "base": seconds(1), "cap": seconds(1) });
    let both = json!({ "failure_rate": 50, "open_for": seconds(1), "open_growing": backoff });
    assert_eq!(
        refusal::<BreakerConfig>(both),
        "open_growing must be absent where open_for is given"
    );
    let misspelt = refusal::<BreakerConfig>(json!({ "failure_ratio": 50 }));
    assert!(
        misspelt.starts_with("unknown field `failure_ratio`"),
        "{misspelt}"
    );
}
