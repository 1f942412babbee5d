//! One limiter that runs dry and fills again, by one thread and by two.
//!
//! A second's worth is a million, ten thousand of them at once. Time stands still while ten thousand
//! are asked for, and then moves on until nine thousand have come: that many are admitted, the rest
//! finds the bucket empty. Both sides load the time from an atomic.

use core::time::Duration;

use purlin_ratelimit::{Clock as _, Limiter as _, ManualClock, Quota, Striped};

#[cfg(feature = "rivals")]
use super::rivals;
use super::single::DAY;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Samples, Together};

const RATE: u32 = 1_000_000;

const BURST: u32 = 10_000;

/// In which nine thousand come. Not all that fit: a striped limiter holds a little less at once.
const REFILL: Duration = Duration::from_millis(9);

/// How many are asked for until then.
const ASKED: usize = BURST as usize;

/// Before a request time moves on by this: nearly always not at all.
type Advance = Duration;

/// The requests of one of so many threads, from one refill to the next.
fn requests(threads: usize) -> Vec<Advance> {
    let mut requests = vec![Duration::ZERO; ASKED / threads];
    let share = u32::try_from(threads).unwrap_or(1);
    requests[0] = REFILL / share;
    requests
}

fn quota() -> Result<Quota, LabError> {
    Ok(Quota::per_second(u64::from(RATE))?.with_burst(u64::from(BURST))?)
}

fn limiter() -> Result<Striped, LabError> {
    Ok(Striped::new(quota()?)?)
}

fn clock() -> ManualClock {
    let clock = ManualClock::new();
    clock.advance(DAY);
    clock
}

/// A request to ours. One of its own for each row, as governor's, so that it is part of its loop as it
/// is part of a program that asks in one place.
fn ask<const ROW: usize>(
    limiter: Striped,
    clock: ManualClock,
) -> impl Fn(&Advance) -> Result<(), purlin_ratelimit::Denied> {
    move |by| {
        if !by.is_zero() {
            advance(&clock, *by);
        }
        limiter.try_acquire_at(clock.now(), 1)
    }
}

/// One request in ten thousand: not in the way of the others.
#[cold]
fn advance(clock: &ManualClock, by: Duration) {
    clock.advance(by);
}

pub(super) fn one_thread(_: &Settings) -> Result<Contest, LabError> {
    let contest = Contest::over(requests(1)).ours("Striped", ask::<1>(limiter()?, clock()));
    #[cfg(feature = "rivals")]
    let contest = contest.rival("governor", ask_governor::<5>());
    Ok(contest.build())
}

pub(super) fn two_threads(settings: &Settings) -> Result<Samples, LabError> {
    let requests = [requests(2), requests(2)];
    let contest = Together::over(requests).ours("Striped", ask::<2>(limiter()?, clock()));
    #[cfg(feature = "rivals")]
    let contest = contest.rival("governor", ask_governor::<6>());
    Ok(contest.measure(settings))
}

/// The same to governor's.
#[cfg(feature = "rivals")]
fn ask_governor<const ROW: usize>() -> impl Fn(&Advance) -> Result<(), rivals::Refused<ROW>> {
    let (limiter, clock) = rivals::governor(rivals::quota(RATE, BURST));
    move |advance| {
        if !advance.is_zero() {
            clock.advance(*advance);
        }
        limiter.check()
    }
}

/// Empty, and time stands still.
pub(super) fn deny(_: &Settings) -> Result<Contest, LabError> {
    let ours = ask::<3>(limiter()?, clock());
    while ours(&Duration::ZERO).is_ok() {}
    let contest = Contest::over(vec![Duration::ZERO; 1024]).ours("Striped", ours);
    #[cfg(feature = "rivals")]
    let contest = {
        let governor = ask_governor::<7>();
        while governor(&Duration::ZERO).is_ok() {}
        contest.rival("governor", governor)
    };
    Ok(contest.build())
}

pub(super) fn deny_two_threads(settings: &Settings) -> Result<Samples, LabError> {
    let ours = ask::<4>(limiter()?, clock());
    while ours(&Duration::ZERO).is_ok() {}
    let requests = [vec![Duration::ZERO; 1024], vec![Duration::ZERO; 1024]];
    let contest = Together::over(requests).ours("Striped", ours);
    #[cfg(feature = "rivals")]
    let contest = {
        let governor = ask_governor::<8>();
        while governor(&Duration::ZERO).is_ok() {}
        contest.rival("governor", governor)
    };
    Ok(contest.measure(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests of so many refills are admitted, after one that empties the bucket.
    fn admitted<E>(ask: impl Fn(&Advance) -> Result<(), E>) -> usize {
        let requests = requests(1);
        let admitted = || {
            requests
                .iter()
                .filter(|advance| ask(advance).is_ok())
                .count()
        };
        admitted();
        (0..20).map(|_| admitted()).sum()
    }

    #[test]
    fn nine_of_ten_are_admitted_on_either_side() {
        let expected = 20 * ASKED * 9 / 10;
        let ours = admitted(ask::<5>(limiter().expect("valid"), clock()));
        // What is left at hand of one refill is spent in another.
        assert!(ours.abs_diff(expected) <= 512, "{ours} of {expected}");
        #[cfg(feature = "rivals")]
        assert_eq!(admitted(ask_governor::<10>()), expected);
    }
}
