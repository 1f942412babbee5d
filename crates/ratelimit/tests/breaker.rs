//! The circuit breaker against a model, and what its states promise one by one.
#![expect(
    clippy::cast_possible_truncation,
    reason = "the model counts small numbers"
)]

#[path = "models/breaker.rs"]
mod model;

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::breaker::{
    Breaker, BreakerConfig, CallError, CircuitBreaker, Outcome, State, Transition, Window,
};
use purlin_ratelimit::{ConfigError, Instant, ManualClock};
use std::panic::catch_unwind;

const SECOND: Duration = Duration::from_secs(1);

fn breaker(config: BreakerConfig) -> CircuitBreaker {
    CircuitBreaker::new(config).expect("valid")
}

fn fail(breaker: &CircuitBreaker, now: Instant, times: usize) {
    for _ in 0..times {
        let call = breaker.try_acquire_at(now).expect("not open");
        breaker.failure_at(call, now);
    }
}

fn succeed(breaker: &CircuitBreaker, now: Instant, times: usize) {
    for _ in 0..times {
        let call = breaker.try_acquire_at(now).expect("not open");
        breaker.success_at(call, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_history_goes_as_in_the_model(history in prop::collection::vec(any::<u8>(), 8..400)) {
        model::play(&history);
    }

    /// Any numbers make a breaker or an error, and what they make survives any time.
    #[test]
    fn no_configuration_panics(
        numbers in prop::array::uniform7(prop_oneof![0..200_u32, any::<u32>()]),
        durations in prop::array::uniform4(prop_oneof![0..3_u64, any::<u64>()]),
        times in prop::collection::vec(any::<u64>(), 0..20),
    ) {
        let [consecutive, failing, slow, calls, probes, successes, failures] = numbers;
        let [window, open, timeout, slowly] = durations.map(Duration::from_secs);
        let config = BreakerConfig::new()
            .consecutive_failures(consecutive)
            .failure_rate(failing)
            .slow_call_rate(slow, slowly)
            .window(if calls % 2 == 0 { Window::Calls(calls) } else { Window::Time(window) })
            .probes(probes)
            .probe_successes(successes)
            .probe_failures(failures)
            .open_for(open)
            .probe_timeout(timeout);
        if let Ok(breaker) = CircuitBreaker::new(config) {
            for time in times {
                let now = Instant::from_nanos(time);
                if let Ok(call) = breaker.try_acquire_at(now) {
                    breaker.failure_at(call, now);
                }
                breaker.check_invariants(now);
            }
        }
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let valid = BreakerConfig::new()
        .consecutive_failures(1)
        .failure_rate(50);
    let zero = |config, name: &str| {
        let refused = CircuitBreaker::new(config).unwrap_err();
        assert!(
            matches!(refused, ConfigError::Zero { field } if field == name),
            "{refused}"
        );
    };
    zero(valid.consecutive_failures(0), "consecutive_failures");
    zero(valid.failure_rate(0), "failure_rate");
    zero(valid.slow_call_rate(0, SECOND), "slow_call_rate");
    zero(
        valid.slow_call_rate(1, Duration::ZERO),
        "slow_call_duration",
    );
    zero(valid.window(Window::Calls(0)), "window");
    zero(valid.window(Window::Time(Duration::ZERO)), "window");
    zero(valid.minimum_calls(0), "minimum_calls");
    zero(valid.open_for(Duration::ZERO), "open_for");
    zero(valid.probes(0), "probes");
    zero(valid.probe_successes(0), "probe_successes");
    zero(valid.probe_failures(0), "probe_failures");
    zero(valid.probe_timeout(Duration::ZERO), "probe_timeout");

    let above = |config, name: &str, most: u128| {
        let refused = CircuitBreaker::new(config).unwrap_err();
        let as_said = matches!(
            refused,
            ConfigError::TooLarge { field, value, max } if (field, value, max) == (name, most + 1, most)
        );
        assert!(as_said, "{refused}");
    };
    above(valid.failure_rate(101), "failure_rate", 100);
    above(valid.slow_call_rate(101, SECOND), "slow_call_rate", 100);
    above(valid.window(Window::Calls(4_097)), "window", 4_096);
    above(
        valid.window(Window::Calls(5)).minimum_calls(6),
        "minimum_calls",
        5,
    );
    above(
        valid.window(Window::Time(SECOND)).minimum_calls(2_048),
        "minimum_calls",
        2_047,
    );
    above(valid.probes(32), "probes", 31);
    above(valid.probe_successes(32), "probe_successes", 31);
    above(valid.probe_failures(32), "probe_failures", 31);

    let no_rule = CircuitBreaker::new(BreakerConfig::new()).unwrap_err();
    assert!(matches!(
        no_rule,
        ConfigError::OutOfRange { field: "rules", .. }
    ));
}

#[test]
fn a_late_result_of_an_earlier_period_changes_nothing() {
    let breaker = breaker(
        BreakerConfig::new()
            .consecutive_failures(2)
            .open_for(SECOND),
    );
    let now = Instant::from_secs(1);
    let [failure, success, ignored] =
        [(); 3].map(|()| breaker.try_acquire_at(now).expect("closed"));
    fail(&breaker, now, 2);
    let later = now + SECOND;
    let probe = breaker.try_acquire_at(later).expect("half-open");
    assert_eq!(breaker.failure_at(failure, later), None);
    assert_eq!(breaker.success_at(success, later), None);
    breaker.ignore(ignored);
    assert_eq!(
        breaker.stats_at(later).probes_out,
        1,
        "a place was given back"
    );
    assert!(breaker.success_at(probe, later).is_some());
}

#[test]
fn openings_in_a_row_grow_and_a_closed_circuit_forgets_them() {
    let backoff = Backoff::exponential(SECOND, 5 * SECOND).expect("valid");
    let config = BreakerConfig::new()
        .consecutive_failures(1)
        .open_growing(backoff);
    let breaker = breaker(config);
    let mut now = Instant::from_secs(1);
    let mut lengths = |closes: bool| {
        fail(&breaker, now, 1);
        let wait = breaker.try_acquire_at(now).expect_err("open").retry_after;
        now += wait;
        if closes {
            succeed(&breaker, now, 1);
        }
        (wait + SECOND / 2).as_secs()
    };
    assert_eq!([(); 5].map(|()| lengths(false)), [1, 2, 4, 5, 5]);
    assert_eq!(lengths(true), 5);
    assert_eq!([(); 2].map(|()| lengths(false)), [1, 2]);
}

/// A busy bucket is halved: the rate holds, and still trips by a failure more.
#[test]
fn a_window_of_time_keeps_its_rates_under_any_load() {
    let config = BreakerConfig::new()
        .failure_rate(50)
        .window(Window::Time(10 * SECOND))
        .minimum_calls(2_047);
    let breaker = breaker(config);
    let now = Instant::from_secs(1);
    for _ in 0..20_000 {
        succeed(&breaker, now, 6);
        fail(&breaker, now, 4);
    }
    let stats = breaker.stats_at(now);
    assert!(stats.calls >= 2_047, "{stats:?}");
    let rate = f64::from(stats.failures) / f64::from(stats.calls);
    assert!((0.39..0.41).contains(&rate), "{stats:?}");

    while breaker.state_at(now) == State::Closed {
        let stats = breaker.stats_at(now);
        assert!(2 * stats.failures < stats.calls, "{stats:?}");
        fail(&breaker, now, 1);
    }
}

/// Its nine failures were too few to judge; resilience4j judges after every call too.
#[test]
fn a_success_that_fills_the_minimum_may_open() {
    let config = BreakerConfig::new()
        .failure_rate(90)
        .window(Window::Calls(20))
        .minimum_calls(10);
    let now = Instant::from_secs(1);
    let (from, to) = (State::Closed, State::Open);
    for (failures, opens) in [(9, Some(Transition { from, to })), (8, None)] {
        let breaker = breaker(config);
        succeed(&breaker, now, 9 - failures);
        fail(&breaker, now, failures);
        let last = breaker.try_acquire_at(now).expect("closed");
        assert_eq!(breaker.success_at(last, now), opens);
    }
    // The same through a guard, which then reads the clock for the end of the opening.
    let clock = ManualClock::new();
    clock.advance(100 * SECOND);
    let breaker = Breaker::new(config.open_for(SECOND), clock.clone()).expect("valid");
    for _ in 0..9 {
        breaker.try_call().expect("closed").failure();
    }
    assert_eq!(breaker.call(|| Ok::<_, ()>(1)), Ok(1));
    assert_eq!(breaker.state(), State::Open);
    clock.advance(SECOND);
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn rates_over_probes_as_in_resilience4j() {
    // Of 10 probes 50 % may not fail: 5 failures open, 6 successes close.
    let config = BreakerConfig::new()
        .consecutive_failures(1)
        .open_for(SECOND)
        .probes(10)
        .probe_failures(5)
        .probe_successes(6);
    for (failures, closes) in [(4, true), (5, false)] {
        let breaker = breaker(config);
        fail(&breaker, Instant::ORIGIN, 1);
        let now = Instant::ORIGIN + SECOND;
        let probes: Vec<_> = (0..10)
            .map(|_| breaker.try_acquire_at(now).expect("a probe"))
            .collect();
        assert!(breaker.try_acquire_at(now).is_err());
        for (index, probe) in probes.into_iter().enumerate() {
            if index < failures {
                breaker.failure_at(probe, now);
            } else {
                breaker.success_at(probe, now);
            }
        }
        let expected = if closes { State::Closed } else { State::Open };
        assert_eq!(breaker.state_at(now), expected);
    }
}

#[test]
fn a_guard_reports_however_it_ends() {
    let clock = ManualClock::new();
    let config = BreakerConfig::new()
        .consecutive_failures(1)
        .open_for(SECOND);
    let breaker = Breaker::new(config, clock.clone()).expect("valid");

    drop(breaker.try_call().expect("closed"));
    breaker.try_call().expect("closed").ignore();
    breaker.try_call().expect("closed").end(Outcome::Ignored);
    assert_eq!(breaker.state(), State::Closed);

    let panics = || breaker.call::<(), ()>(|| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(breaker.state(), State::Open, "a panic is a failure");

    clock.advance(SECOND);
    drop(breaker.try_call().expect("a probe"));
    let probe = breaker.try_call().expect("the first gave its place back");
    assert!(matches!(
        breaker.call(|| Ok::<_, ()>(())),
        Err(CallError::Open(_))
    ));
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
}

/// A guard that a destructor makes while the thread unwinds for another reason.
#[test]
fn a_panic_before_the_call_is_not_its_failure() {
    struct CallsWhenDropped<'b>(&'b Breaker<ManualClock>);
    impl Drop for CallsWhenDropped<'_> {
        fn drop(&mut self) {
            drop(self.0.try_call());
        }
    }
    let config = BreakerConfig::new().consecutive_failures(1);
    let breaker = Breaker::new(config, ManualClock::new()).expect("valid");
    let unwinds = || {
        let _calls = CallsWhenDropped(&breaker);
        panic!("on purpose");
    };
    assert!(catch_unwind(AssertUnwindSafe(unwinds)).is_err());
    assert_eq!(breaker.state(), State::Closed);
}

/// Many threads at once, on a time that stands still: the counts come out exact.
#[test]
fn no_result_is_lost_between_threads() {
    const THREADS: usize = 4;
    const CALLS: usize = 500;
    for window in [Window::Calls(4_096), Window::Time(SECOND)] {
        let config = BreakerConfig::new()
            .failure_rate(100)
            .window(window)
            .minimum_calls(2_000);
        let breaker = breaker(config);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..CALLS / 2 {
                        succeed(&breaker, Instant::ORIGIN, 1);
                        fail(&breaker, Instant::ORIGIN, 1);
                    }
                });
            }
        });
        let stats = breaker.stats_at(Instant::ORIGIN);
        assert_eq!((stats.calls, stats.failures), (2_000, 1_000), "{window:?}");
    }
}
