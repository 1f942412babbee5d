//! `purlin-sim`: how fast it simulates, how far it scales, how long its checker takes, and what a
//! simulation tells about a protocol.

mod checker;
mod faults;
mod gossip;
mod register;
mod rumour;
mod tokens;

use core::ops::RangeInclusive;

use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::harness::Effort;
use crate::versus::{Direction, Row};

/// The deterministic simulator.
#[derive(Debug, Clone, Copy)]
pub struct Sim;

const ABOUT: &str = "Whole clusters in one thread, every message, disk and clock under the control of one seed. How fast that is, up to how many nodes; what can be \
    learnt from it about a protocol (here: gossip, under loss and under every kind of fault); and how long a history may get before checking it for \
    linearizability takes noticeable time.";

static ROWS: [Row; 4] = [
    Row::timed(
        "steps",
        "steps of 5 machines that pass tokens over a LAN: random latency, event queue, delivery",
        tokens::steps,
    )
    .shown_in("M steps/s", Direction::Min, |nanoseconds| 1e3 / nanoseconds)
    .promised(),
    Row::timed(
        "gossip-10000",
        "build 10,000 nodes and run until all know a rumour, 10 % of messages lost",
        rumour::ten_thousand,
    )
    .shown_in("s", Direction::Max, |nanoseconds| nanoseconds / 1e9)
    .promised(),
    Row::timed(
        "linearizability-1000",
        "check a linearizable history of one register: 1,000 operations, 8 processes, 5 values",
        checker::beside_rivals,
    )
    .shown_in("ms", Direction::Max, |nanoseconds| nanoseconds / 1e6),
    Row::timed(
        "linearizability-10000",
        "the same with 10,000 operations",
        checker::alone,
    )
    .shown_in("ms", Direction::Max, |nanoseconds| nanoseconds / 1e6),
];

/// The parts of the area, each with its tables.
const STEPS: &str = "steps";
const RUMOUR: &str = "rumour";
const FAULTS: &str = "faults";
const CHECKER: &str = "checker";

/// Beyond this the memory of a machine is what is measured.
const NODES: RangeInclusive<u64> = 2..=1_000_000;

/// How much a run shows.
struct Extent {
    effort: Effort,
    steps: &'static [u64],
    rumour: &'static [u64],
    /// In percent.
    losses: &'static [u32],
    fault_seeds: u64,
    lengths: &'static [usize],
}

const TOUR: Extent = Extent {
    effort: Effort::TOUR,
    steps: &[5, 100, 1_000, 10_000],
    rumour: &[10_000],
    losses: &[0, 20, 50],
    fault_seeds: 200,
    lengths: &[100, 1_000, 10_000, 100_000],
};

const IN_DEPTH: Extent = Extent {
    effort: Effort::VERSUS,
    steps: &[
        2, 5, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000,
    ],
    rumour: &[100, 1_000, 10_000, 100_000],
    losses: &[0, 10, 20, 30, 50, 80],
    fault_seeds: 1_000,
    lengths: &[100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000],
};

impl Area for Sim {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn about(&self) -> &'static str {
        "The simulator: steps a second, ten thousand nodes, faults and what they do, checking histories"
    }

    fn variants(&self) -> &'static [&'static str] {
        &[STEPS, RUMOUR, FAULTS, CHECKER]
    }

    fn size(&self) -> &'static str {
        "numbers of nodes, for steps and rumour"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        NODES
    }

    fn tour(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &TOUR)
    }

    fn run(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, &IN_DEPTH)
    }

    fn rows(&self) -> &'static [Row] {
        &ROWS
    }
}

fn report(settings: &Settings, extent: &Extent) -> Result<Report, LabError> {
    let mut report = Report::new("sim", ABOUT);
    let mut progress = settings.progress("sim", 16);
    if settings.wants(STEPS) {
        progress.step("steps a second");
        let sizes = settings.sizes_or(extent.steps);
        report = report.table(tokens::table(&sizes, settings, extent.effort)?);
    }
    if settings.wants(RUMOUR) {
        progress.step("a rumour");
        for nodes in settings.sizes_or(extent.rumour) {
            let (table, plot) = rumour::spread(nodes, extent.losses, settings)?;
            report = report.table(table).plot(plot);
        }
    }
    if settings.wants(FAULTS) {
        let (table, plot) = faults::table(extent.fault_seeds, settings.seed, &mut progress);
        report = report.table(table).plot(plot);
    }
    if settings.wants(CHECKER) {
        progress.step("checking histories");
        let (table, plot) = checker::by_length(extent.lengths, settings, extent.effort);
        report = report.table(table).plot(plot);
    }
    Ok(report)
}

/// A number of nodes that the user has asked for. At least two: what a node tells itself takes no
/// time, and a token would go round for ever in none.
fn nodes_of(size: u64) -> Result<usize, LabError> {
    let fits = usize::try_from(size).ok();
    fits.filter(|_| NODES.contains(&size)).ok_or_else(|| {
        let [least, most] = [NODES.start(), NODES.end()].map(|bound| Cell::count(*bound));
        LabError::Usage(format!("{size} nodes: from {least} to {most} are possible"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Cell, Table};
    use crate::versus::Measure;

    fn only(variant: &str, sizes: &[u64]) -> Settings {
        Settings {
            variants: vec![variant.to_owned()],
            sizes: sizes.to_vec(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_variant_shows_its_own_tables_at_the_sizes_asked_for() {
        let report = Sim.run(&only(RUMOUR, &[50, 60])).expect("few nodes");
        let titles: Vec<_> = report.tables().map(Table::title).collect();
        assert_eq!(
            titles,
            ["A rumour among 50 nodes", "A rumour among 60 nodes"]
        );

        let report = Sim.tour(&only(STEPS, &[7])).expect("few nodes");
        let tables: Vec<_> = report.tables().collect();
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].rows()[0][0], Cell::count(7));
        assert!(matches!(tables[0].rows()[0][1], Cell::Number { value, .. } if value > 0.0));
    }

    #[test]
    fn too_few_and_too_many_nodes_are_refused() {
        for variant in [STEPS, RUMOUR] {
            for size in [NODES.start() - 1, NODES.end() + 1] {
                let error = Sim.run(&only(variant, &[size])).expect_err("refused");
                let message = error.to_string();
                assert!(message.contains(&format!("{size} nodes")), "{message}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_figures_where_nothing_is_timed() {
        let report = |seed| {
            let settings = Settings {
                seed,
                ..only(RUMOUR, &[100])
            };
            Sim.run(&settings).expect("few nodes")
        };
        assert_eq!(report(1), report(1));
        assert_ne!(report(1), report(2));
    }

    #[test]
    fn the_timed_rows_set_up_and_run() {
        for row in &ROWS {
            let Measure::Timed(setup) = row.measure else {
                panic!("{} is timed", row.id)
            };
            // Ours alone: the rivals are slow without optimisation.
            setup(&Settings::default())
                .expect("nothing can fail")
                .into_ours()
                .run(1);
        }
    }
}
