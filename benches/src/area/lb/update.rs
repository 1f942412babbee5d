//! One endpoint of 10,000 changes.

use core::hint::black_box;

use purlin_core::time::{Clock as _, SystemClock};
use purlin_lb::policy::WeightedRoundRobin;
use purlin_lb::{Health, Identity as _, Upstream};

use super::fleet::{START, address, weight, weighted};
#[cfg(purlin_native_rivals)]
use super::pingora;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Counted, Samples};

const ENDPOINTS: u32 = 10_000;

/// How many updates a figure is the median of.
const UPDATES: u64 = 51;

/// An endpoint that turns unhealthy and healthy again: two flips.
pub(super) fn health(settings: &Settings) -> Result<Contest, LabError> {
    let cluster = weighted(WeightedRoundRobin::seeded(settings.seed), ENDPOINTS)?;
    // Not two in a row that are neighbours.
    let endpoints = (0..ENDPOINTS).map(|number| address(number * 7919 % ENDPOINTS).id());
    let contest = Contest::over(endpoints.collect()).ours("set_health_at", move |id| {
        let down = cluster.set_health_at(START, *id, Health::Unhealthy);
        (down, cluster.set_health_at(START, *id, Health::Healthy))
    });
    Ok(contest.build())
}

/// Microseconds, of which two flips took as many nanoseconds.
pub(super) fn per_flip(nanoseconds: f64) -> f64 {
    nanoseconds / 2e3
}

fn microseconds<T>(clock: &SystemClock, call: impl FnOnce() -> T) -> (T, f64) {
    let start = clock.now();
    let answer = black_box(call());
    let took = clock.now().saturating_duration_since(start);
    (answer, took.as_secs_f64() * 1e6)
}

/// An endpoint goes and another comes: two updates of ours, half of their time each; pingora gets
/// both in one.
pub(super) fn membership(settings: &Settings) -> Result<Samples, LabError> {
    let cluster = weighted(WeightedRoundRobin::seeded(settings.seed), ENDPOINTS)?;
    let clock = SystemClock::new();
    let mut new = ENDPOINTS;
    let counted = Counted::rounds(settings, UPDATES).ours("WeightedRoundRobin", |_| {
        let gone = new - ENDPOINTS;
        let (removed, removing) = microseconds(&clock, || cluster.remove(address(gone).id()));
        removed?;
        let upstream = Upstream::new(address(new)).weight(weight(new));
        let (added, adding) = microseconds(&clock, || cluster.insert_at(START, upstream));
        added.map_err(|refused| refused.error)?;
        new += 1;
        Ok((removing + adding) / 2.0)
    })?;
    #[cfg(purlin_native_rivals)]
    let counted = {
        let following = pingora::Following::<pingora::RoundRobin>::new(ENDPOINTS, weight)?;
        let mut new = ENDPOINTS;
        counted.rival("pingora", |_| {
            let gone = new - ENDPOINTS;
            following.replace((gone, weight(gone)), (new, weight(new)))?;
            new += 1;
            let (updated, took) = microseconds(&clock, || following.update());
            updated?;
            Ok(took)
        })?
    };
    Ok(counted.samples())
}

/// An endpoint gets another weight.
pub(super) fn reweight(settings: &Settings) -> Result<Samples, LabError> {
    let cluster = weighted(WeightedRoundRobin::seeded(settings.seed), ENDPOINTS)?;
    let clock = SystemClock::new();
    let mut at = 0;
    let counted = Counted::rounds(settings, UPDATES).ours("WeightedRoundRobin", |_| {
        let id = address(at).id();
        let (set, took) = microseconds(&clock, || cluster.set_weight(id, weight(at) + 1));
        set?;
        at += 1;
        Ok(took)
    })?;
    #[cfg(purlin_native_rivals)]
    let counted = {
        let following = pingora::Following::<pingora::RoundRobin>::new(ENDPOINTS, weight)?;
        let mut at = 0;
        counted.rival("pingora", |_| {
            following.replace((at, weight(at)), (at, weight(at) + 1))?;
            at += 1;
            let (updated, took) = microseconds(&clock, || following.update());
            updated?;
            Ok(took)
        })?
    };
    Ok(counted.samples())
}
