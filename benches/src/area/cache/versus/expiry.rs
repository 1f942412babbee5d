//! What time costs: a lookup where entries expire, and the worst operation while all of them do.

use core::hint::black_box;
use core::time::Duration;

use purlin_cache::sync::Cache;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::{Clock, ManualClock, SystemClock};

use super::requests::zipf;
use super::{HUNDRED, MILLION, REQUESTS};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::harness::involuntary_switches;
use crate::versus::{Contest, Counted, Role, Samples};

/// Longer than any measurement takes.
const HOUR: Duration = Duration::from_secs(3_600);

fn filled(builder: purlin_cache::Builder<u64, u64>) -> Cache<u64, u64> {
    let cache = builder.build();
    for key in 0..u64::from(HUNDRED / 2) {
        cache.insert(key, key);
    }
    cache
}

/// A hit in a cache whose entries have a time to live, beside one in a cache whose entries have none and a reading of the clock.
pub(super) fn lookup(settings: &Settings) -> Result<Contest, LabError> {
    let requests = zipf(HUNDRED / 2, REQUESTS, settings.seed)?;
    let builder = || Cache::builder(u64::from(HUNDRED));
    let mortal = filled(builder().time_to_live(HOUR));
    let immortal = filled(builder());
    let clock = SystemClock::new();
    Ok(Contest::over(requests)
        .ours("purlin, time to live", move |key: &u32| {
            mortal.get(&u64::from(*key))
        })
        .floor("purlin and a clock read", move |key: &u32| {
            black_box(clock.now());
            immortal.get(&u64::from(*key))
        })
        .build())
}

/// Operations between two looks at the counter of context switches.
const LOOK: u32 = 64;

/// The 99.99th percentile of insertions into a cache of a million entries whose time was over just before: each makes room for
/// itself and lets some of them go. Beside it, that of ten writes to random places of as much memory: what the machine
/// does to anybody.
pub(super) fn burst(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::rounds(settings, 1);
    Ok(counted
        .enter(Role::Ours, "purlin", |_| Ok(slowest_of_burst()))?
        .floor("ten random writes", |seed| Ok(slowest_of_writes(seed)))?
        .samples())
}

fn slowest_of_burst() -> f64 {
    let clock = ManualClock::new();
    let cache: Cache<u64, u64> = Cache::builder(u64::from(MILLION))
        .time_to_live(HOUR)
        .clock(clock.clone())
        .build();
    let mut keys = 0..;
    for key in keys.by_ref().take(2 * MILLION as usize) {
        cache.insert(key, key);
    }
    clock.advance(HOUR);
    slowest(|| {
        if let Some(key) = keys.next() {
            cache.insert(key, key);
        }
    })
}

fn slowest_of_writes(seed: u64) -> f64 {
    const WORDS: u32 = 1 << 22;
    let mut memory = vec![0_u64; WORDS as usize];
    let mut random = SplitMix64::new(seed);
    slowest(|| {
        for _ in 0..10 {
            let place = random.below(u64::from(WORDS));
            memory[usize::try_from(place).unwrap_or(0)] += 1;
        }
    })
}

/// The 99.99th percentile of a million operations, in nanoseconds. Those around which the thread was interrupted are left out.
fn slowest(mut operation: impl FnMut()) -> f64 {
    let watch = SystemClock::new();
    let mut times = Vec::with_capacity(MILLION as usize);
    for _ in 0..MILLION / LOOK {
        let (before, kept) = (involuntary_switches(), times.len());
        for _ in 0..LOOK {
            let start = watch.now();
            operation();
            times.push(u64::try_from((watch.now() - start).as_nanos()).unwrap_or(u64::MAX));
        }
        if involuntary_switches() != before {
            times.truncate(kept);
        }
    }
    times.sort_unstable();
    times
        .get(times.len() - times.len() / 10_000 - 1)
        .map_or(0.0, |time| *time as f64)
}
