//! The worst single check of ten million: whether anything is put off and then done at once.
//!
//! Interrupts and the scheduler strike where they like; what a table does, it does again when the
//! same is asked in the same order. So the whole is run three times, on tables that hash by the same
//! key and begin with a million keys, and a check counts with the shortest of its three times. What
//! the clock takes is part of it.

use core::time::Duration;

use purlin_core::hash::SipHash13;
use purlin_core::random::SplitMix64;
use purlin_ratelimit::{Clock as _, Gcra, Instant, Keyed, Quota, SystemClock};

use super::keyed::{KEYS, name};
#[cfg(feature = "rivals")]
use super::rivals;
use super::single::DAY;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};
use crate::workload::{Keys as _, Uniform};

const CHECKS: usize = 10_000_000;

const RUNS: usize = 3;

/// So few that the worst of them is judged: which check is the longest differs from one to another.
const SEEDS: u64 = 3;

/// From twice as many keys as the table is for, so that it is full of entries that run out.
const ASKED: u64 = 2 * KEYS;

/// A check each so often: an entry is as good as new after a million and a half others.
const STEP: Duration = Duration::from_nanos(667);

const RATE: u32 = 1;

/// The checks' times in nanoseconds, from the shortest to the longest.
fn shortest_of_runs<A: FnMut(u64, Instant)>(
    keys: &[u64],
    mut table: impl FnMut() -> Result<A, LabError>,
) -> Result<Vec<u32>, LabError> {
    let clock = SystemClock::new();
    let mut times = vec![u32::MAX; keys.len()];
    for _ in 0..RUNS {
        let mut check = table()?;
        let mut now = Instant::ORIGIN + DAY;
        // All there at first, so that the system's own work for fresh memory is done.
        (0..KEYS).for_each(|key| check(name(key), now));
        for (key, time) in keys.iter().zip(&mut times) {
            now += STEP;
            let start = clock.now();
            check(*key, now);
            let took = clock.now().as_nanos() - start.as_nanos();
            *time = (*time).min(u32::try_from(took).unwrap_or(u32::MAX));
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn keys(seed: u64) -> Result<Vec<u64>, LabError> {
    let mut keys = Uniform::new(ASKED, SplitMix64::new(seed))?.take_keys(CHECKS);
    for key in &mut keys {
        *key = name(*key);
    }
    Ok(keys)
}

fn ours() -> Result<impl FnMut(u64, Instant), LabError> {
    let quota = Quota::per_second(u64::from(RATE))?.with_burst(1)?;
    let capacity = usize::try_from(KEYS).unwrap_or(usize::MAX);
    let builder = Keyed::builder(Gcra::new(quota)?, capacity);
    let limiter = builder.hasher(SipHash13::new([7; 16])).build()?;
    Ok(move |key, now| {
        let _answer = core::hint::black_box(limiter.try_acquire_at(&key, now, 1));
    })
}

/// Beside the time that governor's `retain_recent` takes once, over the same keys: what keeps its
/// map from growing, and holds up who comes meanwhile.
pub(super) fn longest(settings: &Settings) -> Result<Samples, LabError> {
    let microseconds = |times: &[u32]| {
        times
            .last()
            .map_or(0.0, |longest| f64::from(*longest) / 1e3)
    };
    let counted = Counted::rounds(settings, SEEDS);
    let counted = counted.ours("Keyed<Gcra>", |seed| {
        Ok(microseconds(&shortest_of_runs(&keys(seed)?, ours)?))
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted
        .rival("governor (foldhash)", |seed| {
            let times = shortest_of_runs(&keys(seed)?, || Ok(governor()))?;
            Ok(microseconds(&times))
        })?
        .rival("governor, a sweep", |_| Ok(sweep()))?;
    Ok(counted.samples())
}

#[cfg(feature = "rivals")]
type Table = rivals::GovernorKeyed<25, foldhash::fast::FixedState>;

#[cfg(feature = "rivals")]
fn governor() -> impl FnMut(u64, Instant) {
    let (limiter, clock): (Table, _) = rivals::governor_keyed(rivals::quota(RATE, 1));
    move |key, _| {
        clock.advance(STEP);
        let _answer = core::hint::black_box(limiter.check_key(&key));
    }
}

/// In microseconds, the shortest of three.
#[cfg(feature = "rivals")]
fn sweep() -> f64 {
    let clock = SystemClock::new();
    let sweeps = (0..RUNS).map(|_| {
        let (limiter, _): (Table, _) = rivals::governor_keyed(rivals::quota(RATE, 1));
        for key in 0..KEYS {
            let _answer = limiter.check_key(&name(key));
        }
        let start = clock.now();
        limiter.retain_recent();
        clock.now().saturating_duration_since(start).as_secs_f64() * 1e6
    });
    sweeps.fold(f64::INFINITY, f64::min)
}
