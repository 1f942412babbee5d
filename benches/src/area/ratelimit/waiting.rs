//! Waiting for a limiter under tokio, in real time, by tasks of one thread: who is served when.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::num::NonZeroU32;
use core::time::Duration;

use purlin_ratelimit::{Clock as _, Quota, RateLimiter, SystemClock, TokioTimer};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::rivals;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

/// A second.
const RATE: u32 = 1_000;

const WAITERS: usize = 500;

/// At once, and what the heavy request asks for.
const BURST: u32 = 10;

/// Tasks that ask for one, again and again.
const LIGHT: u32 = 8;

/// As long as these take to get what they asked for already, and the heavy one after them. A little
/// less where a slot of theirs is over and they have not woken yet.
const IDEAL: Duration = Duration::from_millis((LIGHT + BURST) as u64);

/// Longer than this nobody waits.
const PATIENCE: Duration = Duration::from_secs(1);

fn runtime() -> Result<Runtime, LabError> {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(LabError::Runtime)
}

type Ours = RateLimiter<purlin_ratelimit::Shared<purlin_ratelimit::Gcra>, TokioTimer>;

fn ours(burst: u32) -> Result<Arc<Ours>, LabError> {
    let quota = Quota::per_second(u64::from(RATE))?.with_burst(u64::from(burst))?;
    Ok(Arc::new(RateLimiter::with_clock(quota, TokioTimer::new())?))
}

fn leaky_bucket(burst: u32) -> Arc<leaky_bucket::RateLimiter> {
    let burst = usize::try_from(burst).unwrap_or(usize::MAX);
    let mut builder = leaky_bucket::RateLimiter::builder();
    let builder = builder.max(burst).initial(burst).refill(1);
    Arc::new(builder.interval(Duration::from_secs(1) / RATE).build())
}

fn governor(burst: u32) -> Arc<governor::DefaultDirectRateLimiter> {
    Arc::new(governor::RateLimiter::direct(rivals::quota(RATE, burst)))
}

/// How many pairs of waiters are served in the other order than they came.
fn inversions<F: Future + 'static>(wait: impl Fn() -> F + 'static) -> Result<f64, LabError> {
    let served = Rc::new(RefCell::new(Vec::with_capacity(WAITERS)));
    let (came, wait) = (Rc::new(RefCell::new(0_usize)), Rc::new(wait));
    let tasks = LocalSet::new();
    for _ in 0..WAITERS {
        let (served, came, wait) = (Rc::clone(&served), Rc::clone(&came), Rc::clone(&wait));
        tasks.spawn_local(async move {
            let ticket = came.replace_with(|next| *next + 1);
            wait().await;
            served.borrow_mut().push(ticket);
        });
    }
    runtime()?.block_on(tasks);
    let served = served.borrow();
    let pairs = served.iter().enumerate().map(|(at, ticket)| {
        let later = &served[at + 1..];
        later.iter().filter(|other| *other < ticket).count()
    });
    Ok(pairs.sum::<usize>() as f64)
}

/// How long the heavy request waits beside light ones, as a multiple of the ideal.
fn heavy_wait<L: Future + 'static, H: Future + 'static>(
    light: impl Fn() -> L + 'static,
    heavy: impl Fn() -> H + 'static,
) -> Result<f64, LabError> {
    let tasks = LocalSet::new();
    let light = Rc::new(light);
    for _ in 0..LIGHT {
        let light = Rc::clone(&light);
        tasks.spawn_local(async move {
            loop {
                light().await;
            }
        });
    }
    let waited = tasks.run_until(async move {
        // The burst is used up, and everybody waits.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let clock = SystemClock::new();
        let start = clock.now();
        // In vain counts as long as the patience lasts.
        let _served = tokio::time::timeout(PATIENCE, heavy()).await;
        clock.now().saturating_duration_since(start)
    });
    let waited = runtime()?.block_on(waited);
    Ok(waited.as_secs_f64() / IDEAL.as_secs_f64())
}

pub(super) fn fifo(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings)
        .ours("RateLimiter", |_| {
            let limiter = ours(1)?;
            inversions(move || Arc::clone(&limiter).acquire_owned(1, Duration::MAX))
        })?
        .rival("governor", |_| {
            let limiter = governor(1);
            inversions(move || {
                let limiter = Arc::clone(&limiter);
                async move { limiter.until_ready().await }
            })
        })?
        .rival("leaky-bucket", |_| {
            let limiter = leaky_bucket(1);
            inversions(move || Arc::clone(&limiter).acquire_owned(1))
        })?;
    Ok(counted.samples())
}

pub(super) fn heavy(settings: &Settings) -> Result<Samples, LabError> {
    let cost = NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN);
    let counted = Counted::over_seeds(settings)
        .ours("RateLimiter", |_| {
            let limiter = ours(BURST)?;
            let light = Arc::clone(&limiter);
            heavy_wait(
                move || Arc::clone(&light).acquire_owned(1, Duration::MAX),
                move || Arc::clone(&limiter).acquire_owned(u64::from(BURST), Duration::MAX),
            )
        })?
        .rival("governor", |_| {
            let limiter = governor(BURST);
            let light = Arc::clone(&limiter);
            heavy_wait(
                move || {
                    let light = Arc::clone(&light);
                    async move { light.until_ready().await }
                },
                move || {
                    let limiter = Arc::clone(&limiter);
                    async move { limiter.until_n_ready(cost).await }
                },
            )
        })?
        .rival("leaky-bucket", |_| {
            let limiter = leaky_bucket(BURST);
            let light = Arc::clone(&limiter);
            heavy_wait(
                move || Arc::clone(&light).acquire_owned(1),
                move || Arc::clone(&limiter).acquire_owned(10),
            )
        })?;
    Ok(counted.samples())
}
