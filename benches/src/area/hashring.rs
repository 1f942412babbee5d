//! `purlin-hashring`: how evenly its placements spread keys, how many a change of members moves,
//! what a lookup, a change and the memory cost.

mod balance;
mod keys;
mod lookup;
mod memory;
mod movement;
mod promises;
mod removed;
mod replicas;
#[cfg(feature = "rivals")]
mod rivals;
mod rows;
mod update;
mod variants;

use core::ops::RangeInclusive;

use clap::Args as _;

use self::keys::{Keys, KeysArgument};
use self::variants::{NAMES, VARIANTS, Variant};
use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::Cell;
use crate::versus::Row;
use crate::versus::harness::Effort;

/// Consistent hashing.
#[derive(Debug, Clone, Copy)]
pub struct HashRing;

const ABOUT: &str = "Which node a key belongs to, when every process has to come to the same answer by itself. How evenly keys fall on nodes; how many move when a node \
    comes or leaves, and how many of these without need; how long finding the owner takes; and what it all takes in memory: against the number of nodes, for every placement.";

const ABOUT_KEYS: &str = "Your own keys: how evenly they fall on nodes, how many of them move when a node comes or leaves, and how many of these without need: against the number of \
    nodes, for every placement.";

/// Fewer have nothing to choose from; more take minutes where every node is asked for every key.
const NODES: RangeInclusive<u64> = 2..=20_000;

/// How much a run shows.
struct Extent {
    effort: Effort,
    sizes: &'static [u64],
    /// Made keys, where the user brings none.
    keys: usize,
}

const TOUR: Extent = Extent {
    effort: Effort::TOUR,
    sizes: &[10, 100, 1_000],
    keys: 100_000,
};

const IN_DEPTH: Extent = Extent {
    effort: Effort::VERSUS,
    sizes: &[10, 30, 100, 300, 1_000, 3_000, 10_000],
    keys: 1_000_000,
};

impl Area for HashRing {
    fn name(&self) -> &'static str {
        "hashring"
    }

    fn about(&self) -> &'static str {
        "Consistent hashing: balance, moved keys, lookups and memory of every placement"
    }

    fn variants(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn size(&self) -> &'static str {
        "numbers of nodes"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        NODES
    }

    fn arguments(&self, command: clap::Command) -> clap::Command {
        KeysArgument::augment_args(command)
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
    let sizes = settings.sizes_or(extent.sizes);
    if let Some(size) = sizes.iter().find(|size| !NODES.contains(size)) {
        let [least, most] = [NODES.start(), NODES.end()].map(|bound| Cell::count(*bound));
        return Err(LabError::Usage(format!(
            "{size} nodes: from {least} to {most} are possible"
        )));
    }
    let keys = Keys::of(settings, extent.keys)?;
    let (about, steps) = if keys.brought {
        (ABOUT_KEYS, 2)
    } else {
        (ABOUT, 4)
    };
    let mut progress = settings.progress("hashring", steps);

    progress.step("balance");
    let (balance, balance_plot) = balance::table(&variants, &sizes, &keys, settings)?;
    progress.step("moved keys");
    let (moved, moved_plot) = movement::table(&variants, &sizes, &keys, settings)?;
    let report = Report::new("hashring", about)
        .table(balance)
        .plot(balance_plot)
        .table(moved)
        .plot(moved_plot);
    if keys.brought {
        // What follows is the same whatever the keys.
        return Ok(report);
    }
    progress.step("lookups");
    let (lookup, lookup_plot) = lookup::table(&variants, &sizes, settings, extent.effort)?;
    progress.step("memory");
    let (memory, memory_plot) = memory::table(&variants, &sizes, settings.seed)?;

    Ok(report
        .table(lookup)
        .plot(lookup_plot)
        .table(memory)
        .plot(memory_plot))
}

#[cfg(test)]
mod tests;
