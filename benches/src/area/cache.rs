//! `purlin-cache`: what caches hold, how often they hit, and what a lookup costs.

mod memory;
pub mod opt;
mod ratio;
mod recommend;
mod throughput;
mod trace;
mod versus;
mod workload;

use core::ops::RangeInclusive;
use std::sync::LazyLock;

use purlin_cache::registry::{Algorithm, VARIANTS};

use self::ratio::Ratios;
use self::trace::Recorded;
use self::workload::{WORKLOADS, Workload};
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::Row;
use crate::versus::harness::Effort;

/// Caching.
#[derive(Debug, Clone, Copy)]
pub struct Cache;

const ABOUT: &str = "Which entries stay where there is no room for all. How often every eviction policy hits, against the size of the cache, on requests of several kinds, beside opt, who knows \
    the future; how long a request takes, and what an entry takes in memory. `adaptive` is the default.";

const ABOUT_TRACE: &str = "Your own requests: how often every eviction policy hits, against the size of the cache, beside opt, who knows the future; and which one to take; \
    how long a request takes, and what an entry takes in memory. `adaptive` is the default.";

/// From one that is all or nothing to one that fits a few of the longest traces.
const SIZES: RangeInclusive<u64> = 1..=10_000_000;

/// How much a run shows.
struct Extent {
    kinds: &'static [Workload],
    requests: usize,
    sizes: &'static [u64],
    effort: Effort,
    /// A table for each kind of requests too, and throughput of two threads.
    details: bool,
}

const TOUR: Extent = Extent {
    kinds: WORKLOADS.split_at(workload::TOUR).0,
    requests: 200_000,
    sizes: &[1_000, 5_000, 20_000],
    effort: Effort {
        rounds: 31,
        ..Effort::TOUR
    },
    details: false,
};

const IN_DEPTH: Extent = Extent {
    kinds: &WORKLOADS,
    requests: 1_000_000,
    sizes: &[1_000, 2_000, 5_000, 10_000, 20_000, 50_000],
    effort: Effort::TOUR,
    details: true,
};

/// As the registry has them.
static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| VARIANTS.iter().map(|variant| variant.name).collect());

impl Area for Cache {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn about(&self) -> &'static str {
        "Caches: hit ratio of every policy against size, on made and recorded requests"
    }

    fn variants(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn size(&self) -> &'static str {
        "capacities, in entries"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        SIZES
    }

    fn arguments(&self, command: clap::Command) -> clap::Command {
        trace::augment_args(command)
    }

    fn reads_traces(&self) -> bool {
        true
    }

    fn tour(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &TOUR)
    }

    fn run(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &IN_DEPTH)
    }

    fn rows(&self) -> &'static [Row] {
        &versus::ROWS
    }
}

fn report(settings: &Settings, extent: &Extent) -> Result<Report, LabError> {
    if let Some(size) = settings.sizes.iter().find(|size| !SIZES.contains(size)) {
        let [least, most] = [SIZES.start(), SIZES.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "{size} entries: from {least} to {most} are possible"
        )));
    }
    let wanted = VARIANTS
        .iter()
        .filter(|variant| settings.wants(variant.name));
    let algorithms: Vec<Algorithm> = wanted.map(|variant| variant.algorithm).collect();
    match Recorded::of(settings)? {
        Some(recorded) => Ok(recorded_report(settings, &algorithms, &recorded)),
        None => made_report(settings, &algorithms, extent),
    }
}

/// On the user's requests.
fn recorded_report(settings: &Settings, algorithms: &[Algorithm], recorded: &Recorded) -> Report {
    let sizes = settings.sizes_or(&recorded.sizes());
    let mut progress = settings.progress("cache", sizes.len() + 2);
    let mut ratios = Ratios::new(algorithms);
    for size in &sizes {
        progress.step(&format!("{} entries", Cell::count(*size)));
        ratios.measure(&recorded.requests, *size, settings.seed);
    }
    // In the middle of what was asked for; there is one at least.
    let capacity = sizes[sizes.len() / 2];
    progress.step("throughput");
    let throughput = throughput::recorded(
        algorithms,
        &recorded.requests,
        capacity,
        settings,
        IN_DEPTH.effort,
    );
    progress.step("memory");
    let capacity = capacity.min(memory::CAPACITY);
    let memory = memory::table(algorithms, capacity, settings.seed);
    let report = Report::new("cache", ABOUT_TRACE)
        .table(recorded.table())
        .table(ratios.table("Hit ratio"))
        .table(recommend::table(&ratios));
    let title = format!("Hit ratio on {}", recorded.name);
    let report = ratios.plots(&title).fold(report, Report::plot);
    report.table(throughput).table(memory)
}

/// On requests of every kind.
fn made_report(
    settings: &Settings,
    algorithms: &[Algorithm],
    extent: &Extent,
) -> Result<Report, LabError> {
    let sizes = settings.sizes_or(extent.sizes);
    let mut progress = settings.progress("cache", extent.kinds.len() * sizes.len() + 2);
    let mut kinds = Vec::with_capacity(extent.kinds.len());
    for kind in extent.kinds {
        let requests = kind.requests(extent.requests, settings.seed)?;
        let mut ratios = Ratios::new(algorithms);
        for size in &sizes {
            progress.step(&format!("{}, {} entries", kind.name, Cell::count(*size)));
            ratios.measure(&requests, *size, settings.seed);
        }
        kinds.push((kind.name, ratios));
    }
    progress.step("throughput");
    let throughput = throughput::table(algorithms, settings, extent.effort, extent.details)?;
    progress.step("memory");
    let memory = memory::table(algorithms, memory::CAPACITY, settings.seed);

    let mut report =
        Report::new("cache", ABOUT).table(ratio::summary(&kinds).note(note(extent, &sizes)));
    for (name, ratios) in &kinds {
        let title = format!("Hit ratio, {name}");
        if extent.details {
            report = report.table(ratios.table(&title));
        }
        report = ratios.plots(&title).fold(report, Report::plot);
    }
    Ok(report.table(throughput).table(memory))
}

fn note(extent: &Extent, sizes: &[u64]) -> String {
    let kinds = extent.kinds.iter();
    let kinds: Vec<_> = kinds
        .map(|kind| format!("{}: {}", kind.name, kind.about))
        .collect();
    let sizes: Vec<_> = sizes
        .iter()
        .map(|size| Cell::count(*size).to_string())
        .collect();
    format!(
        "{} requests of each kind for {} keys, by a cache of one shard with {} entries. opt is Belady's, who knows the future: nobody hits more often. Kinds: {}.",
        Cell::count(extent.requests as u64),
        Cell::count(workload::KEYS),
        sizes.join("; "),
        kinds.join("; ")
    )
}

#[cfg(test)]
mod tests;
