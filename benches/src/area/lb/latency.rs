//! The table and the charts: latencies, errors, and who got how much.

use super::arena::Arena;
use super::arguments::Arguments;
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::variants::{ORACLE, Variant};
use super::work::Work;
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, SERIES, Scale};
use crate::report::Report;
use crate::table::{Cell, Table};

/// The quantiles of the table.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The points of a curve: how many requests there are for one that takes longer, in tenths of a
/// decade from 1 to 1,000.
const POINTS: u32 = 30;

/// What a run, or the middle of several, comes to.
struct Summary {
    mean: f64,
    quantiles: [f64; QUANTILES.len()],
    errors: f64,
    /// The part of requests that went to the servers with which something is wrong, if there are
    /// some.
    troubled: Option<f64>,
    curve: Vec<f64>,
    /// The part of requests that went to each server.
    shares: Vec<f64>,
}

impl Summary {
    fn of(outcome: &Outcome, scenario: &Scenario, servers: usize) -> Self {
        let shares: Vec<f64> = (0..servers).map(|server| outcome.share(server)).collect();
        let troubled = |server: &usize| scenario.is_troubled(*server, servers);
        Self {
            mean: outcome.mean(),
            quantiles: QUANTILES.map(|part| outcome.quantile(part)),
            errors: outcome.errors(..),
            troubled: (0..servers)
                .filter(troubled)
                .map(|server| shares[server])
                .reduce(|sum, share| sum + share),
            curve: (0..=POINTS)
                .map(|point| outcome.quantile(1.0 - 1.0 / one_in(point)))
                .collect(),
            shares,
        }
    }

    /// The middle of each figure by itself.
    fn median(runs: &[Self]) -> Self {
        let of = |figure: &dyn Fn(&Self) -> f64| median(runs.iter().map(figure).collect());
        let (points, servers) = (runs[0].curve.len(), runs[0].shares.len());
        Self {
            mean: of(&|run| run.mean),
            quantiles: core::array::from_fn(|at| of(&|run| run.quantiles[at])),
            errors: of(&|run| run.errors),
            troubled: runs[0]
                .troubled
                .is_some()
                .then(|| of(&|run| run.troubled.unwrap_or_default())),
            curve: (0..points).map(|at| of(&|run| run.curve[at])).collect(),
            shares: (0..servers).map(|at| of(&|run| run.shares[at])).collect(),
        }
    }
}

/// One in so many takes longer.
fn one_in(point: u32) -> f64 {
    libm::pow(10.0, f64::from(point) / 10.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// All that was found so far.
pub(super) struct Findings {
    seeds: u64,
    work: Work,
    /// The work, in words.
    described: String,
    /// Those of the table, in words.
    scenarios: Vec<String>,
    table: Table,
    plots: Vec<Plot>,
}

impl Findings {
    pub(super) fn new(seeds: u64, arguments: &Arguments) -> Self {
        let columns = [
            "scenario",
            "servers",
            "variant",
            "mean",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "errors",
            "to troubled",
        ];
        Self {
            seeds,
            work: arguments.work.clone(),
            described: arguments.described.clone(),
            scenarios: Vec::new(),
            table: Table::new("Latency", columns),
            plots: Vec::new(),
        }
    }

    /// Runs every variant through a scenario.
    pub(super) fn add(
        &mut self,
        scenario: &'static Scenario,
        servers: usize,
        variants: &[Variant],
        seed: u64,
    ) -> Result<(), LabError> {
        let mut runs: Vec<Vec<Summary>> = variants.iter().map(|_| Vec::new()).collect();
        for seed in (0..self.seeds).map(|run| seed.wrapping_add(run)) {
            let arena = Arena::new(scenario, servers, &self.work, seed)?;
            for (variant, runs) in variants.iter().zip(&mut runs) {
                let outcome = (variant.play)(&arena)?;
                runs.push(Summary::of(&outcome, scenario, servers));
            }
        }
        let described = described(scenario);
        if !self.scenarios.contains(&described) {
            self.scenarios.push(described);
        }
        let found: Vec<(&str, Summary)> = variants
            .iter()
            .zip(runs)
            .map(|(variant, runs)| (variant.name, Summary::median(&runs)))
            .collect();
        for (name, summary) in &found {
            self.push(scenario, servers, name, summary);
        }
        // An oracle is in every chart.
        let (oracle, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|(name, _)| *name == ORACLE.name);
        let charts = match others.len() {
            0 => vec![oracle],
            _ => others
                .chunks(SERIES - 1)
                .map(|others| [others, &oracle].concat())
                .collect(),
        };
        for found in charts {
            self.plots.push(percentiles(scenario, servers, &found));
            self.plots.push(shares(scenario, servers, &found));
        }
        Ok(())
    }

    fn push(&mut self, scenario: &Scenario, servers: usize, name: &str, summary: &Summary) {
        let percent = |part: f64| Cell::number(100.0 * part, "%");
        let [p50, p90, p99, p999] = summary.quantiles.map(|latency| Cell::number(latency, "ms"));
        self.table.push([
            Cell::text(scenario.name),
            Cell::count(servers as u64),
            Cell::text(name),
            Cell::number(summary.mean, "ms"),
            p50,
            p90,
            p99,
            p999,
            percent(summary.errors),
            summary.troubled.map_or(Cell::Empty, percent),
        ]);
    }

    pub(super) fn report(self, report: Report) -> Report {
        let (work, seeds, scenarios) = (self.described, self.seeds, self.scenarios.join("; "));
        let note = format!(
            "Latencies of requests that succeed, in ms, from the client and back; nobody waits longer than 500 times the mean work, and what has no answer at the end has \
             waited that long. Work is {work}. Policies with weights are told what each server can do when nothing comes and goes. To troubled: what went to the servers with which something is wrong. Each figure is the median of {seeds} runs. {scenarios}."
        );
        let report = report.table(self.table.note(note));
        self.plots.into_iter().fold(report, Report::plot)
    }
}

fn percentiles(scenario: &Scenario, servers: usize, found: &[&(&str, Summary)]) -> Plot {
    let line = |(name, summary): &&(&str, Summary)| {
        let points = (0..).zip(&summary.curve);
        let points = points.map(|(point, latency)| (one_in(point), *latency));
        Line::new(name, points.skip(1).collect())
    };
    Plot::lines(
        &title("Latency", scenario, servers),
        Axis::new("one request in so many takes longer", Scale::Log10),
        Axis::new("than this (ms)", Scale::Log10),
        found.iter().map(line).collect(),
    )
}

fn shares(scenario: &Scenario, servers: usize, found: &[&(&str, Summary)]) -> Plot {
    let line = |(name, summary): &&(&str, Summary)| {
        let points = (1..).zip(&summary.shares);
        let points = points.map(|(server, share): (u32, _)| (f64::from(server), 100.0 * share));
        Line::new(name, points.collect())
    };
    Plot::lines(
        &title("Share of each server", scenario, servers),
        Axis::new("server", Scale::Linear),
        Axis::new("requests (%)", Scale::Linear),
        found.iter().map(line).collect(),
    )
}

fn title(what: &str, scenario: &Scenario, servers: usize) -> String {
    format!("{what}: {} ({servers} servers)", described(scenario))
}

fn described(scenario: &Scenario) -> String {
    let (load, clients) = (100.0 * scenario.load, scenario.clients);
    let clients = if clients == 1 {
        "1 client".to_owned()
    } else {
        format!("{clients} clients")
    };
    format!(
        "{}, {}, {load:.0} % load, {clients}",
        scenario.name, scenario.about
    )
}
