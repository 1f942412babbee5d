//! `purlin-quorum`: what agreement costs, and how long a group is without a leader.

mod cluster;
mod commit;
mod failover;
mod floor;
mod idle;
mod log_memory;
#[cfg(feature = "rivals")]
mod omnipaxos;
mod ours;
#[cfg(feature = "rivals")]
mod raft_rs;
mod read;
mod rows;

use core::ops::RangeInclusive;

use self::failover::Outages;
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::Row;

/// Raft.
#[derive(Debug, Clone, Copy)]
pub struct Quorum;

const ABOUT: &str = "Three nodes that agree on a log, in one thread. Time is virtual, so that the figures are the same on every machine.";

/// How a host tells nodes the time.
const TICKED: &str = "ticked";
const TIMED: &str = "timed";

/// Fewer say nothing about the hundredth part of them.
const CRASHES: RangeInclusive<u64> = 100..=1_000_000;

const TOUR: [u64; 1] = [2000];
const IN_DEPTH: [u64; 1] = [20_000];

impl Area for Quorum {
    fn name(&self) -> &'static str {
        "quorum"
    }

    fn about(&self) -> &'static str {
        "Raft: how long a group is without a leader when one crashes"
    }

    fn variants(&self) -> &'static [&'static str] {
        &[TICKED, TIMED]
    }

    fn size(&self) -> &'static str {
        "numbers of crashes"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        CRASHES
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

fn report(settings: &Settings, crashes: &[u64]) -> Result<Report, LabError> {
    let crashes = settings.sizes_or(crashes);
    if let Some(size) = crashes.iter().find(|size| !CRASHES.contains(size)) {
        let [least, most] = [CRASHES.start(), CRASHES.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "{size} crashes: from {least} to {most} are possible"
        )));
    }
    let columns = [
        "nodes are asked",
        "crashes",
        "mean",
        "median",
        "99th percentile",
        "longest",
    ];
    let mut table = Table::new("Without a leader", columns);
    let mut progress = settings.progress("quorum", 2 * crashes.len());
    for crashes in crashes {
        type Measured = fn(u64, u64) -> Outages;
        let hosts: [(&str, Measured); 2] =
            [(TICKED, Outages::ours_ticked), (TIMED, Outages::ours_timed)];
        for (host, outages) in hosts.into_iter().filter(|(host, _)| settings.wants(host)) {
            progress.step(host);
            let outages = outages(crashes, settings.seed);
            table.push([
                Cell::text(host),
                Cell::count(crashes),
                Cell::number(outages.mean(), "ticks"),
                Cell::number(outages.percentile(50), "ticks"),
                Cell::number(outages.percentile(99), "ticks"),
                Cell::number(outages.longest(), "ticks"),
            ]);
        }
    }
    let table = table.note(
        "From the crash of a leader, at a random moment between two heartbeats, to the next leader. Election timeout 10 ticks and up to 10 more, a heartbeat each tick; messages take no time. \
         Ticked: nodes are asked at every tick, all at once. Timed: each when it has something to do.",
    );
    Ok(Report::new("quorum", ABOUT).table(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versus::Measure;

    #[test]
    fn a_variant_shows_its_own_rows_and_bad_sizes_are_refused() {
        let settings = |crashes: u64| Settings {
            variants: vec![TIMED.to_owned()],
            sizes: vec![crashes],
            ..Settings::default()
        };
        let report = Quorum.run(&settings(100)).expect("few crashes");
        let tables: Vec<_> = report.tables().collect();
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].rows().len(), 1);
        assert_eq!(tables[0].rows()[0][1], Cell::count(100));
        for size in [CRASHES.start() - 1, CRASHES.end() + 1] {
            let refused = Quorum.run(&settings(size)).expect_err("out of range");
            assert!(refused.to_string().contains(&size.to_string()), "{refused}");
        }
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
