//! A permit of a concurrency limit: taken, and given back at once.

use core::sync::atomic::{AtomicU64, Ordering};

use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Samples, Together};

const LIMIT: u32 = 1_000;

pub(super) fn one_thread(_: &Settings) -> Result<Contest, LabError> {
    let limiter = ConcurrencyLimiter::new(Fixed::new(LIMIT)?);
    let word = AtomicU64::new(0);
    let contest = Contest::over(vec![(); 1024])
        .ours("ConcurrencyLimiter<Fixed>", move |()| {
            limiter.try_acquire().is_ok()
        })
        .floor("add and subtract", move |()| {
            word.fetch_add(1, Ordering::Relaxed);
            word.fetch_sub(1, Ordering::Relaxed)
        });
    #[cfg(feature = "rivals")]
    let contest = {
        let semaphore = semaphore();
        contest.rival("tokio Semaphore", move |()| semaphore.try_acquire().is_ok())
    };
    Ok(contest.build())
}

pub(super) fn two_threads(settings: &Settings) -> Result<Samples, LabError> {
    let limiter = ConcurrencyLimiter::new(Fixed::new(LIMIT)?);
    let contest = Together::over([vec![(); 1024], vec![(); 1024]])
        .ours("ConcurrencyLimiter<Fixed>", move |()| {
            limiter.try_acquire().is_ok()
        });
    #[cfg(feature = "rivals")]
    let contest = {
        let semaphore = semaphore();
        contest.rival("tokio Semaphore", move |()| semaphore.try_acquire().is_ok())
    };
    Ok(contest.measure(settings))
}

#[cfg(feature = "rivals")]
fn semaphore() -> tokio::sync::Semaphore {
    tokio::sync::Semaphore::new(usize::try_from(LIMIT).unwrap_or(usize::MAX))
}
