//! One limiter, one thread: what a check costs.
//!
//! Where time is given, both sides load it from an atomic that stands still: governor's clock for
//! tests is one, and so is our `ManualClock`. The answers go into `black_box` as they come.

use alloc::rc::Rc;
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use purlin_ratelimit::{
    Clock as _, Gcra, Instant, Limiter as _, ManualClock, Quota, Shared, SystemClock,
};

#[cfg(feature = "rivals")]
use super::rivals;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// The fastest rate that governor keeps: a token a nanosecond, which is its least interval.
pub(super) const LARGE_RATE: u32 = 1_000_000_000;

/// So many at once that no row ever uses them up.
pub(super) const LARGE_BURST: u32 = u32::MAX;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing to vary: a request has no input.
fn requests() -> Over<()> {
    Contest::over(vec![(); 1024])
}

/// Everybody is at the same time: a day after its clock's origin.
fn clock() -> ManualClock {
    let clock = ManualClock::new();
    clock.advance(DAY);
    clock
}

fn large() -> Result<Shared<Gcra>, LabError> {
    let quota = Quota::per_second(u64::from(LARGE_RATE))?.with_burst(u64::from(LARGE_BURST))?;
    Ok(Shared::new(Gcra::new(quota)?))
}

/// Asks a thousand times, and refuses to time what does not answer as the row says.
fn sure(
    contender: &'static str,
    all: bool,
    mut admits: impl FnMut() -> bool,
) -> Result<(), LabError> {
    let asked = 1000;
    let admitted = (0..asked).filter(|_| admits()).count() as u64;
    let expected = if all { asked } else { 0 };
    if admitted == expected {
        return Ok(());
    }
    Err(LabError::Unlike {
        contender,
        asked,
        admitted,
        expected,
    })
}

/// Always admitted.
pub(super) fn allow(_: &Settings) -> Result<Contest, LabError> {
    let (limiter, clock) = (large()?, clock());
    sure("ours", true, || {
        limiter.try_acquire_at(clock.now(), 1).is_ok()
    })?;
    let word = AtomicU64::new(0);
    let contest = requests()
        .ours("Shared<Gcra>", move |()| {
            limiter.try_acquire_at(clock.now(), 1)
        })
        .floor("load and compare-and-swap", move |()| add_by_swap(&word));
    #[cfg(feature = "rivals")]
    let contest = {
        let (limiter, _) = rivals::governor::<0>(rivals::large());
        sure("governor", true, || limiter.check().is_ok())?;
        contest.rival("governor", move |()| limiter.check())
    };
    Ok(contest.build())
}

/// The least that any limiter in a word does.
pub(super) fn add_by_swap(word: &AtomicU64) -> u64 {
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let next = seen.wrapping_add(1);
        match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return next,
            Err(actual) => seen = actual,
        }
    }
}

/// Always admitted by a limiter that is idle whenever it is asked: time moves on by 10 ns a request,
/// ten tokens.
pub(super) fn allow_idle(_: &Settings) -> Result<Contest, LabError> {
    const STEP: u64 = 10;
    let limiter = large()?;
    let time = Rc::new(Cell::new(nanoseconds(DAY)));
    let contest = requests().ours("Shared<Gcra>", move |()| {
        time.set(time.get() + STEP);
        limiter.try_acquire_at(Instant::from_nanos(time.get()), 1)
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let clock = rivals::Given::<1>::default();
        clock.0.set(nanoseconds(DAY));
        let limiter = governor::RateLimiter::direct_with_clock(rivals::large(), clock.clone());
        contest.rival("governor", move |()| {
            clock.0.set(clock.0.get() + STEP);
            limiter.check()
        })
    };
    Ok(contest.build())
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    Instant::ORIGIN.saturating_add(duration).as_nanos()
}

/// Always admitted, and everybody reads std's clock.
pub(super) fn allow_on_std(_: &Settings) -> Result<Contest, LabError> {
    let (limiter, clock) = (large()?, SystemClock::new());
    sure("ours", true, || {
        limiter.try_acquire_at(clock.now(), 1).is_ok()
    })?;
    let floor = SystemClock::new();
    let contest = requests()
        .ours("Shared<Gcra>", move |()| {
            limiter.try_acquire_at(clock.now(), 1)
        })
        .floor("read the clock", move |()| floor.now());
    #[cfg(feature = "rivals")]
    let contest = {
        let governor = rivals::governor_on_std();
        sure("governor", true, || governor.check().is_ok())?;
        let ratelimit = rivals::ratelimit();
        sure("ratelimit", true, || ratelimit.try_wait().is_ok())?;
        let fair = rivals::leaky_bucket(true);
        sure("leaky-bucket", true, || fair.try_acquire(1))?;
        let unfair = rivals::leaky_bucket(false);
        contest
            .rival("governor", move |()| governor.check())
            .rival("ratelimit", move |()| ratelimit.try_wait())
            .rival("leaky-bucket", move |()| fair.try_acquire(1))
            .rival("leaky-bucket (unfair, no clock)", move |()| {
                unfair.try_acquire(1)
            })
    };
    Ok(contest.build())
}

/// One a day, which is gone.
fn exhausted(clock: &ManualClock) -> Result<Shared<Gcra>, LabError> {
    let limiter = Shared::new(Gcra::new(Quota::per_day(1)?)?);
    while limiter.try_acquire_at(clock.now(), 1).is_ok() {}
    sure("ours", false, || {
        limiter.try_acquire_at(clock.now(), 1).is_ok()
    })?;
    Ok(limiter)
}

/// Always refused.
pub(super) fn deny(_: &Settings) -> Result<Contest, LabError> {
    let clock = clock();
    let limiter = exhausted(&clock)?;
    let word = AtomicU64::new(1);
    let contest = requests()
        .ours("Shared<Gcra>", move |()| {
            limiter.try_acquire_at(clock.now(), 1)
        })
        .floor("load and compare", move |()| {
            word.load(Ordering::Relaxed) > 0
        });
    #[cfg(feature = "rivals")]
    let contest = {
        let (limiter, _) = exhausted_governor::<2>()?;
        contest.rival("governor", move |()| limiter.check())
    };
    Ok(contest.build())
}

/// The same, where nobody looks at the refusal.
pub(super) fn deny_alone(_: &Settings) -> Result<Contest, LabError> {
    let clock = clock();
    let limiter = exhausted(&clock)?;
    let contest = requests().ours("Shared<Gcra>", move |()| {
        limiter.try_acquire_at(clock.now(), 1).is_ok()
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let (limiter, _) = exhausted_governor::<4>()?;
        contest.rival("governor", move |()| limiter.check().is_ok())
    };
    Ok(contest.build())
}

/// Always refused, and told when to come back.
pub(super) fn deny_with_wait(_: &Settings) -> Result<Contest, LabError> {
    let clock = clock();
    let limiter = exhausted(&clock)?;
    let contest = requests().ours("Shared<Gcra>", move |()| {
        let denied = limiter.try_acquire_at(clock.now(), 1).err()?;
        denied.retry_after()
    });
    #[cfg(feature = "rivals")]
    let contest = {
        use governor::clock::Clock as _;
        let (limiter, clock) = exhausted_governor::<3>()?;
        contest.rival("governor", move |()| {
            let denied = limiter.check().err()?;
            Some(denied.wait_time_from(clock.now()))
        })
    };
    Ok(contest.build())
}

#[cfg(feature = "rivals")]
fn exhausted_governor<const ROW: usize>()
-> Result<(rivals::Governor<ROW>, rivals::Fake<ROW>), LabError> {
    let (limiter, clock) = rivals::governor(rivals::one_each(DAY));
    while limiter.check().is_ok() {}
    sure("governor", false, || limiter.check().is_ok())?;
    Ok((limiter, clock))
}
