//! `purlin-ratelimit`: what its limiters admit, how exactly, and what a check costs.

mod accuracy;
mod admission;
mod breaker;
mod keyed;
mod memory;
mod permits;
mod rate_error;
#[cfg(feature = "rivals")]
mod rivals;
mod rows;
mod single;
mod striped;
mod traffic;
mod variants;
#[cfg(feature = "rivals")]
mod waiting;
mod worst;

use core::ops::RangeInclusive;

use self::variants::{NAMES, Variant};
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::Row;

/// Rate limiting.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit;

const ABOUT: &str = "How many requests pass, and when. What every limiter admits of the same traffic, against time and beside the exact log, which knows of every request: how much \
    more than the limit falls into the fullest window, and how much is refused that need not be. Time is virtual, so that the figures are the same on every machine.";

/// From one that is all or nothing to one that still runs in seconds.
const LIMITS: RangeInclusive<u64> = 1..=100_000;

const TOUR: [u64; 1] = [100];
const IN_DEPTH: [u64; 3] = [10, 100, 1_000];

impl Area for RateLimit {
    fn name(&self) -> &'static str {
        "ratelimit"
    }

    fn about(&self) -> &'static str {
        "Rate limiters: what they admit against time, and how exactly"
    }

    fn variants(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn size(&self) -> &'static str {
        "limits, in requests a second"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        LIMITS
    }

    fn tour(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &TOUR)
    }

    fn run(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &IN_DEPTH)
    }

    fn rows(&self) -> &'static [Row] {
        &rows::ROWS
    }
}

fn report(settings: &Settings, limits: &[u64]) -> Result<Report, LabError> {
    let variants: Vec<Variant> = Variant::all()
        .filter(|variant| settings.wants(variant.name))
        .collect();
    let limits = settings.sizes_or(limits);
    if let Some(limit) = limits.iter().find(|limit| !LIMITS.contains(limit)) {
        let [least, most] = [LIMITS.start(), LIMITS.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "a limit of {limit}: from {least} to {most} are possible"
        )));
    }
    let mut progress = settings.progress("ratelimit", 1 + limits.len());
    progress.step("accuracy");
    let table = accuracy::table(&variants, &limits, settings)?;
    let mut report = Report::new("ratelimit", ABOUT).table(table);
    for limit in limits {
        progress.step("admitted against time");
        for plot in accuracy::plots(&variants, limit, settings)? {
            report = report.plot(plot);
        }
    }
    Ok(report)
}
