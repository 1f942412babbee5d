//! An area of the toolkit, as the lab sees it: what adding one takes.

pub mod cache;
pub mod core;
pub mod hashring;
pub mod lb;
pub mod quorum;
pub mod ratelimit;
pub mod sim;

use ::core::ops::RangeInclusive;

use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::versus::Row;

/// Every area there is, in the order of the tour. Adding one is a file `area/<name>.rs` and a line
/// here.
pub static AREAS: &[&dyn Area] = &[
    &core::Core,
    &cache::Cache,
    &hashring::HashRing,
    &lb::Lb,
    &quorum::Quorum,
    &ratelimit::RateLimit,
    &sim::Sim,
];

/// The area of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Area> {
    AREAS.iter().copied().find(|area| area.name() == name)
}

/// One area: a short tour, an in-depth run, and rows to measure beside the rivals.
///
/// # Implementing
///
/// Do derive every random choice from [`Settings::seed`]. Do say in [`about`](Area::about) what a
/// reader can decide with the figures. Do keep the tour to a few seconds. Do not print, and do not
/// write files: return a [`Report`]. Do put a kernel that is timed in a [`Row`], so that `lab
/// versus`, the tour and Criterion run the very same one.
pub trait Area: Sync {
    /// The name on the command line: one lower-case word, as in `purlin-<name>`.
    fn name(&self) -> &'static str;

    /// One line for `lab --help`.
    fn about(&self) -> &'static str;

    /// The names `--variant` takes.
    fn variants(&self) -> &'static [&'static str];

    /// What `--size` means here, with its unit, for the help.
    fn size(&self) -> &'static str;

    /// The sizes that `--size` takes.
    fn sizes(&self) -> RangeInclusive<u64>;

    /// Adds arguments of the area's own to its command; a clap `Args` type does it with
    /// `augment_args`, and reads itself back from [`Settings::arguments`]. None by default.
    fn arguments(&self, command: clap::Command) -> clap::Command {
        command
    }

    /// Whether `--trace` makes sense here.
    fn reads_traces(&self) -> bool {
        false
    }

    /// The short run that is part of `lab` without arguments: a few seconds.
    ///
    /// # Errors
    ///
    /// When an input cannot be used.
    fn tour(&self, settings: &Settings) -> Result<Report, LabError>;

    /// The in-depth run of `lab <area>`.
    ///
    /// # Errors
    ///
    /// When an input cannot be used.
    fn run(&self, settings: &Settings) -> Result<Report, LabError>;

    /// The rows of `lab versus <area>`.
    fn rows(&self) -> &'static [Row];
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::versus::{Bar, Direction};

    #[test]
    fn names_are_words_and_unique() {
        let names: BTreeSet<_> = AREAS.iter().map(|area| area.name()).collect();
        assert_eq!(names.len(), AREAS.len());
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|c| c.is_ascii_lowercase())),
            "{names:?}"
        );
    }

    #[test]
    fn row_ids_are_unique_within_an_area() {
        for area in AREAS {
            let ids: BTreeSet<_> = area.rows().iter().map(|row| row.id).collect();
            assert_eq!(ids.len(), area.rows().len(), "{}", area.name());
        }
    }

    #[test]
    fn promised_rows_and_bars_are_the_same_set() {
        let bars = Bar::all().expect("bars.toml is valid");
        let barred: BTreeSet<_> = bars
            .iter()
            .map(|bar| {
                let costs = bar.direction == Direction::Max;
                (bar.area.as_str(), bar.id.as_str(), bar.unit.as_str(), costs)
            })
            .collect();
        let rows = AREAS
            .iter()
            .flat_map(|area| area.rows().iter().map(move |row| (area.name(), row)));
        let promised: BTreeSet<_> = rows
            .filter(|(_, row)| row.promised)
            .map(|(area, row)| (area, row.id, row.unit, row.better == Direction::Max))
            .collect();
        assert_eq!(
            promised, barred,
            "left: rows that promise something; right: bars.toml"
        );
        assert_eq!(barred.len(), bars.len(), "two bars for one row");
    }
}
