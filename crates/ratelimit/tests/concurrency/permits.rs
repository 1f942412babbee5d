//! Permits come back exactly once, however they end, and only outcomes teach.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use purlin_ratelimit::concurrency::{
    Aimd, AtLimit, ConcurrencyLimit, ConcurrencyLimiter, Fixed, LimitAlgorithm, MAX_LIMIT, Outcome,
    Sample,
};
use purlin_ratelimit::{Clock, Instant, ManualClock};
use std::panic::catch_unwind;
use std::sync::Arc;

/// Notes what it is told.
#[derive(Debug, Default)]
struct Notes(Vec<Sample>);

impl LimitAlgorithm for Notes {
    fn update(&mut self, sample: &Sample) -> u32 {
        self.0.push(*sample);
        self.limit()
    }
    fn limit(&self) -> u32 {
        4
    }
}

#[test]
fn outcomes_reach_the_algorithm_and_the_rest_does_not() {
    let clock = ManualClock::new();
    clock.set(Instant::from_secs(1));
    let limiter = ConcurrencyLimiter::with_clock(Notes::default(), clock.clone());
    let first = limiter.try_acquire().expect("room");
    clock.advance(Duration::from_millis(5));
    let second = limiter.try_acquire().expect("room");
    let ignored = limiter.try_acquire().expect("room");
    let lost = limiter.try_acquire().expect("room");
    clock.advance(Duration::from_millis(10));
    second.dropped();
    ignored.ignore();
    drop(lost);
    first.success();
    let expected = [
        (1_005, 10, 2, Outcome::Dropped),
        (1_000, 15, 1, Outcome::Success),
    ];
    let expected = expected.map(|(started, rtt, in_flight, outcome)| Sample {
        started: Instant::from_millis(started),
        rtt: Duration::from_millis(rtt),
        in_flight,
        outcome,
    });
    limiter.inspect(|notes| assert_eq!(notes.0, expected));
    assert_eq!(limiter.in_flight(), 0);
}

#[test]
fn a_panic_gives_the_permit_back_and_teaches_nothing() {
    let limiter = ConcurrencyLimiter::with_clock(Notes::default(), ManualClock::new());
    let call = || {
        let _permit = limiter.try_acquire().expect("room");
        panic!("the call failed");
    };
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(limiter.in_flight(), 0);
    limiter.inspect(|notes| assert_eq!(notes.0, []));
}

/// Panics on the first sample.
#[derive(Debug, Default)]
struct Clumsy(u32);

impl LimitAlgorithm for Clumsy {
    fn update(&mut self, _: &Sample) -> u32 {
        self.0 += 1;
        assert!(self.0 > 1, "on the first sample");
        7
    }
    fn limit(&self) -> u32 {
        1
    }
}

#[test]
fn a_panicking_algorithm_keeps_no_permit_and_is_asked_again() {
    let limiter = ConcurrencyLimiter::with_clock(Clumsy::default(), ManualClock::new());
    let permit = limiter.try_acquire().expect("room");
    assert!(catch_unwind(AssertUnwindSafe(|| permit.success())).is_err());
    assert_eq!(limiter.in_flight(), 0);
    limiter.try_acquire().expect("room").success();
    assert_eq!(limiter.limit(), 7);
}

/// Panics when told to.
#[derive(Default)]
struct Broken(AtomicBool);

impl Clock for Broken {
    fn now(&self) -> Instant {
        assert!(!self.0.load(Ordering::Relaxed), "the clock is broken");
        Instant::ORIGIN
    }
}

#[test]
fn a_panicking_clock_keeps_no_permit() {
    let clock = Broken::default();
    let limiter = ConcurrencyLimiter::with_clock(Notes::default(), &clock);
    let permit = limiter.try_acquire().expect("room");
    clock.0.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| limiter.try_acquire().is_ok())).is_err());
    assert_eq!(limiter.in_flight(), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| permit.success())).is_err());
    assert_eq!(limiter.in_flight(), 0);
}

/// Says zero, as a third party's may.
#[derive(Debug)]
struct Zero;

impl LimitAlgorithm for Zero {
    fn update(&mut self, _: &Sample) -> u32 {
        0
    }
    fn limit(&self) -> u32 {
        0
    }
}

#[test]
fn an_algorithm_cannot_close_the_limiter_for_good() {
    let limiter = ConcurrencyLimiter::with_clock(Zero, ManualClock::new());
    limiter.try_acquire().expect("room").success();
    assert!(limiter.try_acquire().is_ok());
}

#[test]
fn an_algorithm_can_be_chosen_at_run_time() {
    for (algorithm, after) in [
        (
            Box::new(Fixed::new(9).expect("a limit")) as Box<dyn LimitAlgorithm + Send>,
            9,
        ),
        (
            Box::new(Aimd::builder().initial(9).build().expect("valid")),
            8,
        ),
    ] {
        let limiter = ConcurrencyLimiter::with_clock(algorithm, ManualClock::new());
        limiter.try_acquire().expect("room").dropped();
        assert_eq!(limiter.limit(), after);
    }
}

#[test]
fn a_sample_that_comes_while_another_is_taken_is_counted_as_skipped() {
    let limiter = ConcurrencyLimiter::with_clock(Notes::default(), ManualClock::new());
    let permit = limiter.try_acquire().expect("room");
    limiter.inspect(|_| permit.success());
    assert_eq!(limiter.stats().skipped_samples, 1);
    limiter.inspect(|notes| assert_eq!(notes.0, []));
    assert_eq!(limiter.in_flight(), 0);
}

#[test]
fn a_release_too_many_changes_nothing() {
    let limit = ConcurrencyLimit::new(2);
    limit.release();
    assert_eq!((limit.limit(), limit.in_flight()), (2, 0));
    assert_eq!(limit.try_acquire(), Ok(1));
    limit.release();
    limit.release();
    assert_eq!((limit.limit(), limit.in_flight()), (2, 0));
}

#[test]
fn the_bounds_of_a_limit() {
    let limit = ConcurrencyLimit::new(0);
    let (none, in_flight) = (0, 0);
    assert_eq!(
        limit.try_acquire(),
        Err(AtLimit {
            limit: none,
            in_flight
        })
    );
    limit.set_limit(u32::MAX);
    assert_eq!(limit.limit(), MAX_LIMIT);
    assert_eq!(limit.try_acquire(), Ok(1));
}

/// Four threads, a limit of three: never more inside, none lost.
#[test]
fn threads_stay_within_the_limit() {
    let limiter = Arc::new(ConcurrencyLimiter::new(Fixed::new(3).expect("a limit")));
    let (inside, admitted) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let Ok(permit) = limiter.try_acquire_owned() else {
                        continue;
                    };
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                    admitted.fetch_add(1, Ordering::Relaxed);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    permit.success();
                }
            });
        }
    });
    assert_eq!(limiter.in_flight(), 0);
    assert!(admitted.into_inner() > 0);
}
