//! `purlin-lb`: what latencies its policies give, beside who knows everything.

mod arena;
mod arguments;
mod baselines;
mod clusters;
mod completions;
mod fleet;
mod floors;
mod latency;
mod memory;
mod oracles;
mod outcome;
mod picks;
#[cfg(purlin_native_rivals)]
mod pingora;
mod probing;
mod quality;
#[cfg(feature = "rivals")]
mod rivals;
mod routes;
mod rows;
mod scaling;
mod scenario;
mod shares;
mod simulate;
mod speed;
mod update;
mod variants;
mod work;

use core::ops::RangeInclusive;

use self::arguments::Arguments;
use self::variants::{NAMES, VARIANTS, Variant};
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::Row;

/// Load balancing.
#[derive(Debug, Clone, Copy)]
pub struct Lb;

const ABOUT: &str = "Who gets a request, when each client knows only of its own. Servers of four workers and a line each; requests come by chance; what is wrong with the servers differs \
    from scenario to scenario. Beside the policies: what others do, and oracles, which see every server as it is. Time is virtual, so that the figures are the same on every machine.";

/// Two have something to choose from; more take minutes.
const SERVERS: RangeInclusive<u64> = 2..=200;

/// How much a run shows.
struct Extent {
    scenarios: &'static [&'static str],
    /// How many runs the figures are medians of.
    seeds: u64,
}

const TOUR: Extent = Extent {
    scenarios: &["a-90"],
    seeds: 1,
};

/// All scenarios.
const IN_DEPTH: Extent = Extent {
    scenarios: &[],
    seeds: 3,
};

impl Area for Lb {
    fn name(&self) -> &'static str {
        "lb"
    }

    fn about(&self) -> &'static str {
        "Load balancing: latencies of every policy when servers are slow, fail or change"
    }

    fn variants(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn size(&self) -> &'static str {
        "numbers of servers"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        SERVERS
    }

    fn arguments(&self, command: clap::Command) -> clap::Command {
        Arguments::augment_args(command)
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

fn report(settings: &Settings, extent: &Extent) -> Result<Report, LabError> {
    let variants: Vec<Variant> = VARIANTS
        .into_iter()
        .filter(|variant| settings.wants(variant.name))
        .collect();
    let sizes = settings.sizes_or(&[20]);
    if let Some(size) = sizes.iter().find(|size| !SERVERS.contains(size)) {
        let [least, most] = [SERVERS.start(), SERVERS.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "{size} servers: from {least} to {most} are possible"
        )));
    }
    let arguments = Arguments::of(settings)?;
    let scenarios = arguments.scenarios_or(extent.scenarios);
    let mut progress = settings.progress("lb", scenarios.len() * sizes.len());
    let mut latency = latency::Findings::new(extent.seeds, &arguments);
    for size in sizes {
        let servers = usize::try_from(size).unwrap_or_else(|_| unreachable!("within SERVERS"));
        for scenario in &scenarios {
            progress.step(scenario.name);
            latency.add(scenario, servers, &variants, settings.seed)?;
        }
    }
    Ok(latency.report(Report::new("lb", ABOUT)))
}
