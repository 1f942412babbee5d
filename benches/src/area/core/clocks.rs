//! Reading a clock.

use purlin_core::time::{Clock as _, ManualClock, SystemClock};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// Nothing to vary: a clock has no input.
fn reads() -> Over<()> {
    Contest::over(vec![(); 1024])
}

/// [`SystemClock`] beside std's and the crates that read the processor's time-stamp counter; the
/// floor is the bare counter, not converted to time.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn system(_: &Settings) -> Result<Contest, LabError> {
    let clock = SystemClock::new();
    let contest = reads().ours("SystemClock", move |()| clock.now());
    #[cfg(feature = "rivals")]
    let contest = with_rivals(contest);
    Ok(contest.build())
}

#[cfg(feature = "rivals")]
#[expect(
    clippy::disallowed_methods,
    reason = "std's clock is what ours is compared with"
)]
fn with_rivals(contest: Over<()>) -> Over<()> {
    let quanta = quanta::Clock::new();
    let counter = quanta.clone();
    // What ours has to do: read std's clock, and take the difference to an origin.
    let origin = std::time::Instant::now();
    contest
        .rival("std Instant::now", |()| std::time::Instant::now())
        .rival("std Instant::elapsed", move |()| origin.elapsed())
        .rival("quanta Clock::now", move |()| quanta.now())
        .rival("minstant Instant::now", |()| minstant::Instant::now())
        .floor("time-stamp counter", move |()| counter.raw())
}

/// [`ManualClock`] beside the atomic load it is, and quanta's clock for tests.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn manual(_: &Settings) -> Result<Contest, LabError> {
    use core::sync::atomic::{AtomicU64, Ordering};

    let (clock, word) = (ManualClock::new(), AtomicU64::new(7));
    let contest = reads()
        .ours("ManualClock", move |()| clock.now())
        .floor("one atomic load", move |()| word.load(Ordering::Relaxed));
    #[cfg(feature = "rivals")]
    let contest = {
        let (mock, _time) = quanta::Clock::mock();
        contest.rival("quanta mock", move |()| mock.now())
    };
    Ok(contest.build())
}
