//! `purlin-quorum`: what agreement costs, what it withstands, and how long a group is without a
//! leader.

mod arguments;
mod cluster;
mod commit;
mod configurations;
mod failover;
mod floor;
mod groups;
mod idle;
mod load;
mod log_memory;
#[cfg(feature = "rivals")]
mod omnipaxos;
mod ours;
mod outages;
#[cfg(feature = "rivals")]
mod raft_rs;
mod read;
mod reads;
mod record;
mod rows;
mod scenario;
mod server;
mod simulate;
mod timeline;
mod trouble;

use core::ops::RangeInclusive;

use self::arguments::Arguments;
use self::configurations::{LEASES, NAMES, VARIANTS, Variant};
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::Row;

/// Raft.
#[derive(Debug, Clone, Copy)]
pub struct Quorum;

const ABOUT: &str = "Raft: nodes that agree on a log. Elections, faults and what clients feel of them, under the control of one seed. Time is virtual, so that the figures are the same on \
    every machine.";

/// Fewer say nothing about the hundredth part of them.
const CRASHES: RangeInclusive<u64> = 100..=1_000_000;

/// How much a run shows.
struct Extent {
    crashes: &'static [u64],
    /// Runs of each scenario.
    trouble_seeds: u64,
    /// Where none is asked for.
    variants: usize,
    /// Seeds of the crate's own simulation.
    simulated: u64,
}

const TOUR: Extent = Extent {
    crashes: &[2000],
    trouble_seeds: 2,
    variants: 1,
    simulated: 100,
};

const IN_DEPTH: Extent = Extent {
    crashes: &[20_000],
    trouble_seeds: 10,
    variants: VARIANTS.len(),
    simulated: 500,
};

impl Area for Quorum {
    fn name(&self) -> &'static str {
        "quorum"
    }

    fn about(&self) -> &'static str {
        "Raft: an election as a picture, commits and reads under faults, and the crate's own simulation"
    }

    fn variants(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn size(&self) -> &'static str {
        "numbers of crashes"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        CRASHES
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
    let arguments = Arguments::of(settings)?;
    let report = Report::new("quorum", ABOUT);
    if let Some((seeds, first)) = arguments.simulate {
        return Ok(report.table(simulate::table(settings, seeds, first)?));
    }
    let crashes = settings.sizes_or(extent.crashes);
    if let Some(size) = crashes.iter().find(|size| !CRASHES.contains(size)) {
        let [least, most] = [CRASHES.start(), CRASHES.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "{size} crashes: from {least} to {most} are possible"
        )));
    }
    let variants: Vec<&Variant> = if settings.variants.is_empty() {
        VARIANTS.iter().take(extent.variants).collect()
    } else {
        let wanted = VARIANTS
            .iter()
            .filter(|variant| settings.wants(variant.name));
        wanted.collect()
    };
    let (nodes, seed) = (arguments.nodes, settings.seed);
    let mut progress = settings.progress("quorum", 3 + arguments.scenarios.len());
    progress.step("an election");
    let (table, pictures) = timeline::run(variants[0].config(), nodes, seed)?;
    let mut report = pictures.into_iter().fold(report.table(table), Report::plot);
    let mut trouble = trouble::Findings::new(nodes, extent.trouble_seeds);
    for scenario in &arguments.scenarios {
        progress.step(scenario.name);
        for (place, variant) in variants.iter().enumerate() {
            trouble.add(scenario, variant, place == 0, seed)?;
        }
    }
    report = report.table(scenario::table(&arguments.scenarios));
    let (table, plots) = trouble.report();
    report = plots.into_iter().fold(report.table(table), Report::plot);
    if settings.wants(LEASES.name) {
        progress.step("reads");
        report = report.table(reads::table(nodes, seed)?);
    }
    progress.step("crashes");
    report = report.table(outages::table(&variants, &crashes, seed));
    drop(progress);
    if settings.variants.is_empty() {
        report = report.table(simulate::table(settings, extent.simulated, seed)?);
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versus::Measure;

    /// What a user would have typed after `lab quorum`.
    fn typed(arguments: &[&str]) -> Settings {
        let command = Quorum.arguments(clap::Command::new("quorum"));
        let arguments = [&["quorum"], arguments].concat();
        Settings {
            arguments: command.get_matches_from(arguments),
            ..Settings::default()
        }
    }

    #[test]
    fn a_variant_shows_its_own_rows_and_bad_sizes_are_refused() {
        let settings = |crashes: u64| Settings {
            variants: vec!["no-pre-vote".to_owned()],
            sizes: vec![crashes],
            ..typed(&["--scenario", "calm", "--nodes", "5"])
        };
        let report = Quorum.run(&settings(100)).expect("few crashes");
        let [timeline, _, trouble, outages] = &report.tables().collect::<Vec<_>>()[..] else {
            panic!("{report:?}");
        };
        assert!(timeline.title().contains("5 nodes") && trouble.title().contains("5 nodes"));
        assert_eq!((trouble.rows().len(), outages.rows().len()), (1, 2));
        assert_eq!(trouble.rows()[0][1], Cell::text("no-pre-vote"));
        assert_eq!(outages.rows()[0][2], Cell::count(100));
        for size in [CRASHES.start() - 1, CRASHES.end() + 1] {
            let refused = Quorum.run(&settings(size)).expect_err("out of range");
            assert!(refused.to_string().contains(&size.to_string()), "{refused}");
        }
    }

    #[test]
    fn a_scenario_that_does_not_exist_is_refused_with_those_that_do() {
        let refused = Quorum.run(&typed(&["--scenario", "earthquake"]));
        let message = refused.expect_err("no such scenario").to_string();
        assert!(
            message.contains("earthquake") && message.contains("partition"),
            "{message}"
        );
    }

    #[test]
    fn the_simulation_runs_the_seeds_asked_for_and_nothing_else() {
        let report = Quorum.run(&typed(&["--simulate", "3", "--from", "100"]));
        let report = report.expect("no violation");
        let tables: Vec<_> = report.tables().collect();
        assert_eq!(tables.len(), 1);
        assert!(tables[0].title().contains("100 to 102"));
        let counts: Vec<_> = tables[0].rows().iter().map(|row| &row[..2]).collect();
        assert!(
            counts.contains(&&[Cell::text("seeds"), Cell::count(3)][..]),
            "{counts:?}"
        );
    }

    #[test]
    fn the_timed_rows_set_up_and_run() {
        for row in &rows::ROWS {
            if let Measure::Timed(setup) = row.measure {
                let contest = setup(&Settings::default());
                contest.expect("nothing can fail").into_ours().run(3);
            }
        }
    }
}
