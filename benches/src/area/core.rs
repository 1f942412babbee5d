//! `purlin-core`: what its clocks, generators and hashes cost, and how good the hashes and the
//! generators are.

mod clocks;
mod evenness;
mod generators;
mod hashes;
mod unbiased;

use core::iter;
use core::ops::RangeInclusive;

use crate::area::Area;
use crate::error::LabError;
use crate::plot::{Axis, Bar, Line, Plot, Scale};
use crate::report::Report;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::harness::{self, Effort};
use crate::versus::{Contest, Row, Series};

/// The shared base of all crates.
#[derive(Debug, Clone, Copy)]
pub struct Core;

const ABOUT: &str = "What every other crate stands on, and pays for on its hot paths: reading a clock, drawing a random number, hashing a key. \
    Costs are medians in nanoseconds. Below them: whether each hash spreads consecutive keys as evenly as chance would, and whether a random number below a \
    bound is unbiased.";

/// Key lengths of the tour, in bytes.
const TOUR_LENGTHS: [u64; 5] = [8, 16, 64, 256, 1024];
/// Key lengths of the in-depth run, in bytes: across each change of algorithm inside XXH3 (16, 128,
/// 240).
const LENGTHS: [u64; 10] = [4, 8, 16, 32, 64, 128, 240, 256, 1024, 4096];

static ROWS: [Row; 13] = [
    Row::timed("system-clock", "read the monotonic clock", clocks::system).promised(),
    Row::timed(
        "manual-clock",
        "read a clock that a test moves",
        clocks::manual,
    ),
    Row::timed(
        "xoshiro-next",
        "draw 64 bits from a generator of one's own",
        generators::xoshiro,
    )
    .promised(),
    Row::timed(
        "splitmix-next",
        "draw 64 bits from a generator of one word",
        generators::split_mix,
    ),
    Row::timed(
        "shared-next",
        "draw 64 bits through a shared reference, uncontended",
        generators::shared,
    ),
    Row::timed("xxh3-8", "hash a key of 8 bytes", hashes::xxh3::<8>),
    Row::timed("xxh3-16", "hash a key of 16 bytes", hashes::xxh3::<16>).promised(),
    Row::timed("xxh3-64", "hash a key of 64 bytes", hashes::xxh3::<64>),
    Row::timed(
        "xxh3-1024",
        "hash a key of 1024 bytes",
        hashes::xxh3::<1024>,
    ),
    Row::timed(
        "siphash13-8",
        "hash a key of 8 bytes under a secret",
        hashes::sip_hash_13::<8>,
    ),
    Row::timed(
        "siphash13-16",
        "hash a key of 16 bytes under a secret",
        hashes::sip_hash_13::<16>,
    ),
    Row::timed(
        "siphash13-64",
        "hash a key of 64 bytes under a secret",
        hashes::sip_hash_13::<64>,
    ),
    Row::timed(
        "siphash13-1024",
        "hash a key of 1024 bytes under a secret",
        hashes::sip_hash_13::<1024>,
    ),
];

type Setup = fn(&Settings) -> Result<Contest, LabError>;

/// Variants that are timed with one contest.
const SIMPLE: [(&str, Setup); 5] = [
    ("system-clock", clocks::system),
    ("manual-clock", clocks::manual),
    ("xoshiro256plusplus", generators::xoshiro),
    ("splitmix64", generators::split_mix),
    ("shared-random", generators::shared),
];

impl Area for Core {
    fn name(&self) -> &'static str {
        "core"
    }

    fn about(&self) -> &'static str {
        "Clocks, random generators and hashes: cost and quality"
    }

    fn variants(&self) -> &'static [&'static str] {
        const VARIANTS: [&str; SIMPLE.len() + hashes::VARIANTS.len()] = {
            let [a, b, c, d, e] = SIMPLE;
            let [f, g, h] = hashes::VARIANTS;
            [a.0, b.0, c.0, d.0, e.0, f, g, h]
        };
        &VARIANTS
    }

    fn size(&self) -> &'static str {
        "key lengths in bytes, for the hashes"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=hashes::LENGTH_MAX
    }

    fn tour(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, Effort::TOUR, &TOUR_LENGTHS)
    }

    fn run(&self, settings: &Settings) -> Result<Report, LabError> {
        report(settings, Effort::VERSUS, &LENGTHS)
    }

    fn rows(&self) -> &'static [Row] {
        &ROWS
    }
}

fn report(settings: &Settings, effort: Effort, lengths: &[u64]) -> Result<Report, LabError> {
    let simple: Vec<_> = SIMPLE
        .into_iter()
        .filter(|(name, _)| settings.wants(name))
        .collect();
    let hashes: Vec<_> = hashes::VARIANTS
        .into_iter()
        .filter(|name| settings.wants(name))
        .collect();
    let lengths = settings.sizes_or(lengths);
    let mut progress = settings.progress("core", 4);

    progress.step("clocks and generators");
    let (costs, cost_plot) = costs(&simple, settings, effort)?;
    progress.step("hashes");
    let (by_length, length_plot) = costs_by_length(&hashes, &lengths, settings, effort)?;
    progress.step("evenness of hashes");
    let evenness = evenness::table(&hashes);
    progress.step("bias of generators");
    let bias = settings
        .wants("xoshiro256plusplus")
        .then(|| unbiased::table(settings.seed));

    let report = Report::new("core", ABOUT)
        .table(costs)
        .plot(cost_plot)
        .table(by_length)
        .plot(length_plot)
        .table(evenness);
    Ok(bias.into_iter().fold(report, Report::table))
}

/// Clocks and generators.
fn costs(
    variants: &[(&str, Setup)],
    settings: &Settings,
    effort: Effort,
) -> Result<(Table, Plot), LabError> {
    let contenders = variants
        .iter()
        .map(|(_, setup)| Ok(setup(settings)?.into_ours()));
    let mut contenders = contenders.collect::<Result<Vec<_>, LabError>>()?;
    let series = harness::interleave(&mut contenders, effort, settings.seed);

    let mut table = Table::new(
        "Clocks and generators",
        ["variant", "median", "20th percentile"],
    );
    let mut bars = Vec::with_capacity(variants.len());
    for ((name, _), ours) in variants.iter().zip(series) {
        table.push([
            Cell::text(*name),
            Cell::maybe_number(ours.median(), "ns"),
            Cell::maybe_number(ours.percentile_20(), "ns"),
        ]);
        let group = usize::from(!name.ends_with("clock"));
        bars.extend(
            ours.median()
                .map(|median| Bar::new(name, median).in_group(group)),
        );
    }
    let axis = Axis::new("nanoseconds (median)", Scale::Linear);
    Ok((
        table,
        Plot::bars("One clock read, one random number", axis, bars),
    ))
}

/// Hashes, at each key length.
fn costs_by_length(
    variants: &[&str],
    lengths: &[u64],
    settings: &Settings,
    effort: Effort,
) -> Result<(Table, Plot), LabError> {
    let cells = variants
        .iter()
        .flat_map(|name| lengths.iter().map(move |length| (*name, *length)));
    let contenders =
        cells.map(|(name, length)| Ok(hashes::ours(name, length, settings)?.into_ours()));
    let mut contenders = contenders.collect::<Result<Vec<_>, LabError>>()?;
    let medians: Vec<Option<f64>> = harness::interleave(&mut contenders, effort, settings.seed)
        .iter()
        .map(Series::median)
        .collect();

    let heads = lengths.iter().map(|length| format!("{length} B"));
    let heads = iter::once("hash".to_owned()).chain(heads);
    let mut table = Table::new("Hashing a key, by its length", heads);
    let mut lines = Vec::with_capacity(variants.len());
    for (name, medians) in variants.iter().zip(medians.chunks(lengths.len())) {
        let cells = medians
            .iter()
            .map(|median| Cell::maybe_number(*median, "ns"));
        table.push(iter::once(Cell::text(*name)).chain(cells));
        let points = lengths.iter().zip(medians);
        let points = points.filter_map(|(length, median)| Some((*length as f64, (*median)?)));
        lines.push(Line::new(name, points.collect()));
    }
    let x = Axis::new("key length (bytes)", Scale::Log2);
    let y = Axis::new("nanoseconds (median)", Scale::Log10);
    Ok((table, Plot::lines("One hash, by key length", x, y, lines)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_shows_its_own_tables_only() {
        let settings = Settings {
            variants: vec!["xxh3".to_owned()],
            sizes: vec![8, 32],
            ..Settings::default()
        };
        let report = Core.tour(&settings).expect("nothing can fail");
        let titles: Vec<_> = report.tables().map(Table::title).collect();
        assert_eq!(titles, ["Hashing a key, by its length", evenness::TITLE]);
        let costs = report.tables().next().expect("just counted");
        assert_eq!(costs.columns(), ["hash", "8 B", "32 B"]);
        assert!(matches!(costs.rows()[0][1], Cell::Number { value, .. } if value > 0.0));
    }

    #[test]
    fn every_row_sets_up_a_contest() {
        for row in &ROWS {
            let crate::versus::Measure::Timed(setup) = row.measure else {
                panic!("{} is timed", row.id)
            };
            let mut contest = setup(&Settings::default()).expect("nothing can fail");
            contest
                .contenders_mut()
                .iter_mut()
                .for_each(|contender| contender.run(3000));
        }
    }
}
