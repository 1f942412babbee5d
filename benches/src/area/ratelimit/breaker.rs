//! A call through a closed circuit, that succeeds.

use purlin_ratelimit::SystemClock;
use purlin_ratelimit::breaker::{Breaker, BreakerConfig, Window};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// The calls of the window.
const WINDOW: u32 = 100;

/// In a row.
const FAILURES: u32 = 5;

fn calls() -> Over<u64> {
    Contest::over((0..1024).collect())
}

/// What the call does: nothing that takes time, and nothing that the compiler knows.
#[inline]
fn call(input: u64) -> Result<u64, ()> {
    Ok(core::hint::black_box(input))
}

/// A rate of failures over the last hundred calls, beside recloser's.
pub(super) fn rate(_: &Settings) -> Result<Contest, LabError> {
    let config = BreakerConfig::new()
        .failure_rate(50)
        .window(Window::Calls(WINDOW));
    let breaker = Breaker::new(config, SystemClock::new())?;
    let contest = calls().ours("Breaker", move |input| {
        breaker.call(|| call(*input)).is_ok()
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let length = usize::try_from(WINDOW).unwrap_or(usize::MAX);
        let breaker = recloser::Recloser::custom()
            .error_rate(0.5)
            .closed_len(length)
            .build();
        contest.rival("recloser", move |input| {
            breaker.call(|| call(*input)).is_ok()
        })
    };
    Ok(contest.build())
}

/// Failures in a row, beside failsafe's.
pub(super) fn consecutive(_: &Settings) -> Result<Contest, LabError> {
    let config = BreakerConfig::new().consecutive_failures(FAILURES);
    let breaker = Breaker::new(config, SystemClock::new())?;
    let contest = calls().ours("Breaker", move |input| {
        breaker.call(|| call(*input)).is_ok()
    });
    #[cfg(feature = "rivals")]
    let contest = {
        use core::time::Duration;
        use failsafe::{CircuitBreaker as _, Config, backoff, failure_policy};
        let pause = backoff::constant(Duration::from_secs(60));
        let policy = failure_policy::consecutive_failures(FAILURES, pause);
        let breaker = Config::new().failure_policy(policy).build();
        contest.rival("failsafe", move |input| {
            breaker.call(|| call(*input)).is_ok()
        })
    };
    Ok(contest.build())
}
