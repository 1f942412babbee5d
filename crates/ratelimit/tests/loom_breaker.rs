//! Every interleaving of a few threads that meet at a circuit breaker or a retry budget.
#![cfg(purlin_loom)]

use core::time::Duration;
use loom::sync::Arc;
use loom::thread;
use purlin_ratelimit::Instant;
use purlin_ratelimit::breaker::{BreakerConfig, CircuitBreaker, State, Window};
use purlin_ratelimit::retry_budget::RetryBudget;

const SECOND: Duration = Duration::from_secs(1);
const START: Instant = Instant::ORIGIN;

fn later() -> Instant {
    START + SECOND
}

fn one_failure() -> BreakerConfig {
    BreakerConfig::new()
        .consecutive_failures(1)
        .open_for(SECOND)
}

/// Opened at `START`, to half-open at `later`.
fn opened(config: BreakerConfig) -> Arc<CircuitBreaker> {
    let breaker = CircuitBreaker::new(config).expect("valid");
    let call = breaker.try_acquire_at(START).expect("closed");
    assert!(breaker.failure_at(call, START).is_some());
    Arc::new(breaker)
}

/// Runs it in two more threads and in this one.
fn in_three_threads<T: 'static>(
    breaker: &Arc<CircuitBreaker>,
    f: impl Fn(&CircuitBreaker) -> T + Copy + 'static,
) -> [T; 3] {
    let threads = [(); 2].map(|()| {
        let breaker = Arc::clone(breaker);
        thread::spawn(move || f(&breaker))
    });
    let here = f(breaker);
    let [first, second] = threads.map(|thread| thread.join().expect("no panic"));
    [here, first, second]
}

/// No more probes are out than allowed, and the step to half-open is told once.
#[test]
fn the_cap_of_probes_holds() {
    for cap in [1, 2] {
        loom::model(move || {
            let breaker = opened(one_failure().probes(cap));
            let calls = in_three_threads(&breaker, |breaker| breaker.try_acquire_at(later()));
            let let_through = calls.iter().flatten();
            assert_eq!(let_through.clone().count(), cap as usize);
            assert_eq!(
                let_through
                    .filter(|call| call.transition().is_some())
                    .count(),
                1
            );
        });
    }
}

/// Who loses the race for a place that a probe gives back is refused; nobody is let through beside.
#[test]
fn a_place_given_back_goes_to_one() {
    loom::model(|| {
        let breaker = opened(one_failure().probe_successes(2));
        let probe = breaker.try_acquire_at(later()).expect("the first");
        let giver = Arc::clone(&breaker);
        let gives = thread::spawn(move || giver.success_at(probe, later()));
        let taker = Arc::clone(&breaker);
        let takes = thread::spawn(move || taker.try_acquire_at(later()).is_ok());
        let took = breaker.try_acquire_at(later()).is_ok();
        assert_eq!(gives.join().expect("no panic"), None);
        let both = takes.join().expect("no panic") && took;
        assert!(!both);
        assert!(breaker.stats_at(later()).probes_out <= 1);
    });
}

/// Of lost probes' places one round is given out, and a late result of a lost one does not count.
#[test]
fn lost_probes_are_replaced_once() {
    loom::model(|| {
        let breaker = opened(one_failure().probe_timeout(SECOND));
        let lost = breaker.try_acquire_at(later()).expect("the first");
        let wait = breaker
            .try_acquire_at(later())
            .expect_err("one is out")
            .retry_after;
        let expired = later() + wait;
        let late = Arc::clone(&breaker);
        let reports = thread::spawn(move || late.success_at(lost, expired).is_some());
        let other = Arc::clone(&breaker);
        let takes = thread::spawn(move || other.try_acquire_at(expired).is_ok());
        let took = breaker.try_acquire_at(expired).is_ok();
        let other_took = takes.join().expect("no panic");
        if reports.join().expect("no panic") {
            // In time after all: closed, and whoever came after it passed.
            assert_eq!(breaker.state_at(expired), State::Closed);
        } else {
            assert!(took != other_took, "one new probe");
            assert_eq!(breaker.stats_at(expired).probes_out, 1);
        }
    });
}

/// Of failures at once none is lost, and one opens the circuit.
#[test]
fn failures_at_once_open_once() {
    loom::model(|| {
        let config = BreakerConfig::new().consecutive_failures(3);
        let breaker = Arc::new(CircuitBreaker::new(config).expect("valid"));
        let opened = in_three_threads(&breaker, |breaker| {
            let call = breaker.try_acquire_at(START).expect("closed");
            breaker.failure_at(call, START).is_some()
        });
        assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
        assert_eq!(breaker.state_at(START), State::Open);
    });
}

/// A window misses none of two failures that fill it, whichever form it has.
#[test]
fn a_rate_is_judged_with_all_that_ended() {
    for window in [Window::Calls(2), Window::Time(SECOND)] {
        loom::model(move || {
            let config = BreakerConfig::new()
                .failure_rate(100)
                .minimum_calls(2)
                .window(window);
            let breaker = Arc::new(CircuitBreaker::new(config).expect("valid"));
            let fails = |breaker: &CircuitBreaker| {
                let call = breaker.try_acquire_at(START).expect("closed");
                breaker.failure_at(call, START).is_some()
            };
            let other = Arc::clone(&breaker);
            let thread = thread::spawn(move || fails(&other));
            let opened = [fails(&breaker), thread.join().expect("no panic")];
            assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
        });
    }
}

/// A failure and a success that fill the minimum together: whichever is last sees both.
#[test]
fn a_rate_is_judged_when_the_minimum_is_filled() {
    loom::model(|| {
        let config = BreakerConfig::new()
            .failure_rate(50)
            .minimum_calls(2)
            .window(Window::Calls(2));
        let breaker = Arc::new(CircuitBreaker::new(config).expect("valid"));
        let calls = [(); 2].map(|()| breaker.try_acquire_at(START).expect("closed"));
        let [success, failure] = calls;
        let other = Arc::clone(&breaker);
        let succeeds = thread::spawn(move || other.success_at(success, START).is_some());
        let opened = breaker.failure_at(failure, START).is_some();
        assert!(succeeds.join().expect("no panic") != opened, "opened once");
        assert_eq!(breaker.state_at(START), State::Open);
    });
}

/// A circuit that closes has forgotten the failures that opened it.
#[test]
fn closing_shows_a_clear_window() {
    loom::model(|| {
        let config = BreakerConfig::new()
            .failure_rate(100)
            .minimum_calls(1)
            .window(Window::Calls(4));
        let breaker = opened(config.open_for(SECOND));
        let probe = breaker.try_acquire_at(later()).expect("half-open");
        let closer = Arc::clone(&breaker);
        let closes = thread::spawn(move || closer.success_at(probe, later()).is_some());
        if let Ok(call) = breaker.try_acquire_at(later()) {
            breaker.success_at(call, later());
            assert_eq!(breaker.stats_at(later()).failures, 0);
        }
        assert!(closes.join().expect("no panic"));
    });
}

/// The budget of one retry is spent once.
#[test]
fn a_retry_is_withdrawn_once() {
    loom::model(|| {
        let budget = Arc::new(RetryBudget::new(SECOND, 100, 0).expect("valid"));
        let threads = [(); 2].map(|()| {
            let budget = Arc::clone(&budget);
            thread::spawn(move || budget.try_withdraw_at(START).is_ok())
        });
        budget.deposit_at(START);
        let passed = threads.map(|thread| thread.join().expect("no panic"));
        let passed = passed.iter().filter(|passed| **passed).count() as u64;
        assert_eq!(passed + budget.stats_at(START).from_deposits, 1);
    });
}
