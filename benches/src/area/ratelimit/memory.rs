//! What a limiter per key takes in memory, counted at the allocator.

use allocation_counter::measure;
use purlin_ratelimit::{Gcra, Instant, Keyed, Quota};

use super::keyed::{KEYS, name};
#[cfg(feature = "rivals")]
use super::rivals;
use super::single::DAY;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

/// More distinct keys than there is room for, by this factor.
const CROWD: u64 = 10;

const RATE: u32 = 1;
const BURST: u32 = 1_000;

fn table() -> Result<Keyed<Gcra>, LabError> {
    let quota = Quota::per_second(u64::from(RATE))?.with_burst(u64::from(BURST))?;
    let capacity = usize::try_from(KEYS).unwrap_or(usize::MAX);
    Ok(Keyed::new(Gcra::new(quota)?, capacity)?)
}

/// One request each, at one instant: nobody's entry may go.
fn ask_once(limiter: &Keyed<Gcra>, keys: core::ops::Range<u64>) {
    let now = Instant::ORIGIN + DAY;
    for key in keys {
        // Refused when full, maybe: that is an answer too.
        let _answer = limiter.try_acquire_at(&name(key), now, 1);
    }
}

/// Bytes a key, with as many keys as the table is for.
pub(super) fn per_key(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("Keyed<Gcra>", |_| {
        let mut built = None;
        let bytes = measure(|| {
            built = Some(table().inspect(|limiter| ask_once(limiter, 0..KEYS)));
        });
        built.transpose()?;
        Ok(bytes.bytes_current as f64 / KEYS as f64)
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival("governor", |_| {
        let mut built = None;
        let bytes = measure(|| built = Some(governor(0..KEYS)));
        drop(built);
        Ok(bytes.bytes_current as f64 / KEYS as f64)
    })?;
    Ok(counted.samples())
}

/// By how many bytes a table that is full grows when ten times as many other keys come.
pub(super) fn growth(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::rounds(settings, 1).ours("Keyed<Gcra>", |_| {
        let limiter = table()?;
        ask_once(&limiter, 0..KEYS);
        let bytes = measure(|| ask_once(&limiter, KEYS..(1 + CROWD) * KEYS));
        Ok(bytes.bytes_current as f64)
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival("governor", |_| {
        let limiter = governor(0..KEYS);
        let bytes = measure(|| ask_governor(&limiter, KEYS..(1 + CROWD) * KEYS));
        Ok(bytes.bytes_current as f64)
    })?;
    Ok(counted.samples())
}

#[cfg(feature = "rivals")]
type Governor = rivals::GovernorKeyed<24, std::hash::RandomState>;

#[cfg(feature = "rivals")]
fn governor(keys: core::ops::Range<u64>) -> Governor {
    let (limiter, _) = rivals::governor_keyed(rivals::quota(RATE, BURST));
    ask_governor(&limiter, keys);
    limiter
}

#[cfg(feature = "rivals")]
fn ask_governor(limiter: &Governor, keys: core::ops::Range<u64>) {
    for key in keys {
        let _answer = limiter.check_key(&name(key));
    }
}
