//! Rows about a simulation: latencies and errors, beside those of others and of an oracle.

use core::ops::Range;

use super::arena::Arena;
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::shares;
use super::variants::{BY_CAPACITY, DEFAULT, ORACLE, PREQUAL, TOWER, Variant};
use super::work::Work;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Direction, Measure, Row, Samples};

/// All of them.
pub(super) const QUALITY: [Row; 11] = [
    row(
        "slow-p99",
        "99th percentile of latency: 20 servers of which 2 are 10 times as slow, 90 % load, 10 clients that know of their own requests only",
        "ms",
        |settings| of_default(settings, "a-90", |outcome| outcome.quantile(0.99)),
    ),
    row(
        "slow-p999",
        "the same, 99.9th percentile",
        "ms",
        |settings| of_default(settings, "a-90", |outcome| outcome.quantile(0.999)),
    ),
    row(
        "equal-p99",
        "99th percentile of latency: 20 equal servers, 90 % load, 10 clients",
        "ms",
        |settings| of_default(settings, "b-90", |outcome| outcome.quantile(0.99)),
    ),
    row(
        "slow-down-p999",
        "99.9th percentile of latency: one of 20 servers is 50 times as slow for 10 s of 30, 70 % load, 10 clients",
        "ms",
        |settings| of_default(settings, "e", |outcome| outcome.quantile(0.999)),
    ),
    row(
        "black-hole-first",
        "requests that fail in the first second after one of 20 servers begins to fail everything at once, 70 % load, 10 clients; the oracle sees queues and speeds but no failures, so it is no floor here",
        "%",
        |settings| errors(settings, 10..11),
    ),
    row(
        "black-hole",
        "the same, from the 5th second after it began; the oracle is as blind to it",
        "%",
        |settings| errors(settings, 15..25),
    ),
    row(
        "many-clients-p99",
        "99th percentile of latency: as slow-p99, but 100 clients; Prequal, whose probes take no time",
        "ms",
        |settings| of_prequal(settings, |outcome| outcome.quantile(0.99)),
    ),
    row(
        "many-clients-p999",
        "the same, 99.9th percentile",
        "ms",
        |settings| of_prequal(settings, |outcome| outcome.quantile(0.999)),
    ),
    row(
        "churn",
        "by how much the lighter of two endpoints, weights 99 and 1, misses its 1 % when a third one comes or goes every 10 picks, of 100,000",
        "pp",
        shares::churn,
    ),
    row(
        "smoothness",
        "how many requests any of 100 endpoints, weights 1 to 10, is ahead or behind at most, after any of 3,000 picks; smooth weighted round robin",
        "picks",
        shares::smooth,
    ),
    row(
        "smoothness-default",
        "the same; weighted round robin",
        "picks",
        shares::default,
    ),
];

const fn row(
    id: &'static str,
    what: &'static str,
    unit: &'static str,
    measure: fn(&Settings) -> Result<Samples, LabError>,
) -> Row {
    Row {
        unit,
        better: Direction::Max,
        measure: Measure::Counted(measure),
        ..Row::timed(id, what, |_| unreachable!("it is counted")).promised()
    }
}

/// As many as the scenarios are meant for.
const SERVERS: usize = 20;

type Figure = fn(&Outcome) -> f64;

fn of_default(settings: &Settings, scenario: &str, figure: Figure) -> Result<Samples, LabError> {
    let of = |variant| played(variant, scenario, figure);
    let counted = Counted::over_seeds(settings)
        .ours(DEFAULT.name, of(DEFAULT))?
        .rival(TOWER.name, of(TOWER))?
        .floor(ORACLE.name, of(ORACLE))?;
    Ok(counted.samples())
}

fn of_prequal(settings: &Settings, figure: Figure) -> Result<Samples, LabError> {
    let of = |variant| played(variant, "h", figure);
    let counted = Counted::over_seeds(settings)
        .ours(PREQUAL.name, of(PREQUAL))?
        .rival(BY_CAPACITY.name, of(BY_CAPACITY))?
        .floor(ORACLE.name, of(ORACLE))?;
    Ok(counted.samples())
}

/// Figures of a variant, by seed.
fn played(
    variant: Variant,
    scenario: &str,
    figure: impl Fn(&Outcome) -> f64,
) -> impl Fn(u64) -> Result<f64, LabError> {
    let scenario = Scenario::named(scenario).unwrap_or_else(|| unreachable!("it is one of them"));
    move |seed| {
        let arena = Arena::new(scenario, SERVERS, &Work::LogNormal, seed)?;
        Ok(figure(&(variant.play)(&arena)?))
    }
}

/// What part of the requests of these seconds fails, in percent.
fn errors(settings: &Settings, seconds: Range<u32>) -> Result<Samples, LabError> {
    let of = |variant: Variant| {
        let seconds = seconds.clone();
        played(variant, "f", move |outcome| {
            100.0 * outcome.errors(seconds.clone())
        })
    };
    let counted = Counted::over_seeds(settings)
        .ours(DEFAULT.name, of(DEFAULT))?
        .rival(TOWER.name, of(TOWER))?
        .floor(ORACLE.name, of(ORACLE))?;
    Ok(counted.samples())
}
