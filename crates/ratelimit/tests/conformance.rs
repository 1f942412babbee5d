//! The conformance suite: on limiters that are whole it passes; each of its properties finds the
//! flaws that it is there to find.

#[path = "reference/flawed_bucket.rs"]
mod reference;

use core::panic::AssertUnwindSafe;
use purlin_ratelimit::conformance::{self, Subject};
use purlin_ratelimit::{Capabilities, Gcra, Instant, Local, Locked, Shared};
use reference::{Flaw, NaiveBucket};
use std::panic::catch_unwind;

fn word() -> Subject<'static> {
    Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Shared::new(Gcra::new(quota)?)))
    })
    .exact_if(|quota| Gcra::new(*quota).is_ok_and(|gcra| gcra.is_exact()))
}

fn wide() -> Subject<'static> {
    Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Locked::new(Gcra::wide(quota)?)))
    })
    .horizon(Instant::from_nanos(u64::MAX))
}

#[test]
fn gcra_conforms() {
    for seed in 0..2000 {
        conformance::all(&word(), seed);
        conformance::all(&wide(), seed);
    }
}

#[test]
fn holders_agree() {
    let local = Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Local::new(Gcra::new(quota)?)))
    });
    let locked = Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Locked::new(Gcra::new(quota)?)))
    });
    for seed in 0..50 {
        conformance::agreement(&word(), &local, seed);
        conformance::agreement(&word(), &locked, seed);
    }
}

fn naive(flaw: Flaw) -> Subject<'static> {
    Subject::new(Capabilities::BUCKET, move |quota| {
        Ok(Box::new(NaiveBucket::new(quota, flaw)))
    })
    .horizon(Instant::from_nanos(u64::MAX))
}

#[test]
fn a_naive_bucket_conforms() {
    for seed in 0..100 {
        conformance::all(&naive(Flaw::None), seed);
        conformance::agreement(&wide(), &naive(Flaw::None), seed);
    }
}

/// What the property says of a bucket, on the first seed of some that it does not hold for.
fn complaint(property: fn(&Subject<'_>, u64), flaw: Flaw) -> Option<String> {
    let subject = naive(flaw);
    (0..100).find_map(|seed| {
        let outcome = catch_unwind(AssertUnwindSafe(|| property(&subject, seed)));
        let panic = outcome.err()?;
        let said = panic.downcast_ref::<String>().cloned();
        Some(said.unwrap_or_else(|| "another panic".to_owned()))
    })
}

/// That the property holds for a whole bucket, fails for the flaw, and says so by name.
fn finds(name: &str, property: fn(&Subject<'_>, u64), flaw: Flaw) {
    assert_eq!(
        complaint(property, Flaw::None),
        None,
        "{name}, without a flaw"
    );
    let Some(message) = complaint(property, flaw) else {
        panic!("{name} did not find {flaw:?}");
    };
    assert!(
        message.starts_with(&format!("{name} does not hold (seed ")),
        "{name} found {flaw:?}, and said: {message}"
    );
}

macro_rules! flaws {
    ($($test:ident: $flaw:ident is found by $($property:ident),+;)*) => {$(
        #[test]
        fn $test() {
            $(finds(stringify!($property), conformance::$property, Flaw::$flaw);)+
        }
    )*};
}

flaws! {
    one_too_many: OneTooMany is found by bound, any_quota, answers;
    forgotten_past: FillsAtOnce is found by bound, clock_steps_back, answers;
    doubled_at_the_border: Doubles is found by bound, answers, clock_steps_back;
    lost_remainders: LosesRemainders is found by no_lost_tokens, answers, retry_is_minimal;
    rounded_interval: RoundsInterval is found by bound, answers;
    forgotten_cost: ForgetsCost is found by bound, any_quota, answers, costs_add_up;
    surcharge: Surcharge is found by answers, any_quota, costs_add_up;
    minted_on_a_step_back: MintsOnStepBack is found by clock_steps_back;
    taking_peek: PeekTakes is found by peek_tells_the_truth, answers;
    flattering_peek: PeekFlatters is found by peek_tells_the_truth, answers;
    taking_refusal: RefusalTakes is found by answers, retry_is_minimal, no_lost_tokens;
    early_retry: EarlyRetry is found by retry_is_minimal, answers;
    late_retry: LateRetry is found by retry_is_minimal, answers;
    stale_remaining: StaleRemaining is found by answers, peek_tells_the_truth;
    wrong_reset: WrongReset is found by answers;
    kept_reservation: KeepsCancelled is found by cancelled_is_forgotten, answers;
    cancelled_too_much: CancelsTooMuch is found by answers;
    overtaken: Overtakes is found by answers;
    forgotten_promise: ForgetsPromise is found by first_come_first_served, answers;
    longer_wait: IgnoresMaxWait is found by answers;
    refunded_twice: RefundsTwice is found by answers;
    refunded_promise: RefundsPromised is found by answers;
    vain_hope: HopesInVain is found by answers, any_quota;
    wrong_limit: WrongLimit is found by any_quota, answers, bound;
}

#[test]
fn overflows_are_found() {
    let message = complaint(conformance::any_quota, Flaw::Overflows);
    assert!(message.is_some(), "a product of 64 bits went unnoticed");
}

/// A failure must be the same again.
#[test]
fn a_failure_repeats() {
    let first = complaint(conformance::answers, Flaw::RoundsInterval);
    assert!(first.is_some());
    assert_eq!(first, complaint(conformance::answers, Flaw::RoundsInterval));
}

/// What a limiter panics with is told with the property and the seed.
#[test]
fn a_limiter_that_panics_is_told_of() {
    let panics = Subject::new(Capabilities::BUCKET, |_| panic!("a flaw of its own"));
    let payload = catch_unwind(AssertUnwindSafe(|| conformance::all(&panics, 7))).unwrap_err();
    assert_eq!(
        payload.downcast_ref::<String>().map(String::as_str),
        Some("bound does not hold (seed 7): the limiter panicked: a flaw of its own")
    );
}
