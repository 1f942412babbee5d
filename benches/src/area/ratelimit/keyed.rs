//! A limiter per key, for a million keys that are all there.
//!
//! Time is given, and stands still: every key has been used and none has filled again. Every request
//! is admitted. Keys are random words; both sides hash them, ours by SipHash with a random key as it
//! does by default, governor by its default (the same) and by foldhash, its cheapest.

use core::time::Duration;

use purlin_core::random::{Random as _, SplitMix64};
use purlin_ratelimit::{Clock as _, Denied, Gcra, Keyed, ManualClock, Quota};

#[cfg(feature = "rivals")]
use super::rivals;
use super::single::DAY;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Samples, Together};
use crate::workload::{Keys, Uniform, Zipf};

pub(super) const KEYS: u64 = 1_000_000;

/// Every key's quota: more than a row asks of the most popular one.
const RATE: u32 = 1_000;
const BURST: u32 = u32::MAX;

/// So long a batch reads from a table that is larger than the caches.
const BATCH: Duration = Duration::from_millis(4);

/// How many requests a thread goes over: enough to ask for nearly every key.
const REQUESTS: usize = 1 << 21;

/// Which keys are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice {
    Uniform,
    Zipf,
}

impl Choice {
    /// Requests for one thread.
    fn requests(self, seed: u64) -> Result<Vec<u64>, LabError> {
        let random = SplitMix64::new(seed);
        let mut keys = match self {
            Self::Uniform => Uniform::new(KEYS, random)?.take_keys(REQUESTS),
            Self::Zipf => Zipf::new(KEYS, 0.99, random)?.take_keys(REQUESTS),
        };
        for key in &mut keys {
            *key = name(*key);
        }
        Ok(keys)
    }
}

/// What the key of that number is called: neighbours in popularity are none in a table.
pub(super) fn name(key: u64) -> u64 {
    SplitMix64::mix(key)
}

fn quota() -> Result<Quota, LabError> {
    Ok(Quota::per_second(u64::from(RATE))?.with_burst(u64::from(BURST))?)
}

/// All keys have been here.
fn filled() -> Result<impl Fn(&u64) -> Result<(), Denied> + Send + Sync + 'static, LabError> {
    let clock = ManualClock::new();
    clock.advance(DAY);
    let capacity = usize::try_from(KEYS).unwrap_or(usize::MAX);
    let limiter = Keyed::new(Gcra::new(quota()?)?, capacity)?;
    let ask = move |key: &u64| limiter.try_acquire_at(key, clock.now(), 1);
    expect_all("ours", |key| ask(key).is_ok())?;
    Ok(ask)
}

fn expect_all(contender: &'static str, admits: impl Fn(&u64) -> bool) -> Result<(), LabError> {
    let admitted = (0..KEYS).map(name).filter(|key| admits(key)).count() as u64;
    if admitted == KEYS {
        return Ok(());
    }
    Err(LabError::Unlike {
        contender,
        asked: KEYS,
        admitted,
        expected: KEYS,
    })
}

#[cfg(feature = "rivals")]
fn governor<const ROW: usize, S>()
-> Result<impl Fn(&u64) -> Result<(), rivals::Refused<ROW>> + Send + Sync + 'static, LabError>
where
    S: core::hash::BuildHasher + Default + Clone + Send + Sync + 'static,
{
    let (limiter, _) = rivals::governor_keyed::<ROW, S>(rivals::quota(RATE, BURST));
    let ask = move |key: &u64| limiter.check_key(key);
    expect_all("governor", |key| ask(key).is_ok())?;
    Ok(ask)
}

fn one_thread(choice: Choice, settings: &Settings) -> Result<Contest, LabError> {
    let requests = choice.requests(settings.seed)?;
    let contest = Contest::over(requests).ours("Keyed<Gcra>", filled()?);
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival("governor", governor::<20, std::hash::RandomState>()?)
        .rival(
            "governor (foldhash)",
            governor::<21, foldhash::fast::RandomState>()?,
        );
    Ok(contest.build())
}

fn two_threads(choice: Choice, settings: &Settings) -> Result<Samples, LabError> {
    let mut seeds = SplitMix64::new(settings.seed);
    let requests = [
        choice.requests(seeds.next_u64())?,
        choice.requests(seeds.next_u64())?,
    ];
    let contest = Together::over(requests)
        .in_batches_of(BATCH)
        .ours("Keyed<Gcra>", filled()?);
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival("governor", governor::<22, std::hash::RandomState>()?)
        .rival(
            "governor (foldhash)",
            governor::<23, foldhash::fast::RandomState>()?,
        );
    Ok(contest.measure(settings))
}

pub(super) fn uniform(settings: &Settings) -> Result<Contest, LabError> {
    one_thread(Choice::Uniform, settings)
}

pub(super) fn zipf(settings: &Settings) -> Result<Contest, LabError> {
    one_thread(Choice::Zipf, settings)
}

pub(super) fn uniform_two_threads(settings: &Settings) -> Result<Samples, LabError> {
    two_threads(Choice::Uniform, settings)
}

pub(super) fn zipf_two_threads(settings: &Settings) -> Result<Samples, LabError> {
    two_threads(Choice::Zipf, settings)
}
