//! Which kinds of faults a protocol feels.

use core::iter;
use core::time::Duration;

use purlin_sim::{FaultKind, FaultPlan, Probability, Schedule};

use super::gossip::{cluster, converge};
use crate::plot::{Axis, Bar, Plot, Scale};
use crate::settings::Progress;
use crate::table::{Cell, Table};

const NODES: usize = 20;
/// Incidents begin within this time, two a second, and last a second on average.
const FAULTS_UNTIL: Duration = Duration::from_secs(20);
const INCIDENTS_PER_100_SECONDS: u32 = 200;
const STEP: Duration = Duration::from_millis(1);
/// All faults are over by then, and there was time to recover.
const WITHIN: Duration = Duration::from_secs(60);

const KINDS: [(FaultKind, &str); FaultKind::USUAL.len()] = [
    (FaultKind::Crash, "a node crashes and restarts"),
    (FaultKind::Pause, "a node pauses"),
    (FaultKind::Slow, "a node is slow"),
    (FaultKind::Cut, "messages one way are lost"),
    (FaultKind::Split, "a minority is split off"),
    (FaultKind::Loss, "messages are lost everywhere"),
    (FaultKind::Delay, "messages are late everywhere"),
    (FaultKind::SyncErrors, "a node's disk fails to sync"),
    (FaultKind::SlowDisk, "a node's disk is slow"),
    (FaultKind::ClockStep, "a node's clock jumps"),
    (FaultKind::WallClockStep, "a node's civil time jumps"),
    (FaultKind::ClockDrift, "a node's clock drifts"),
];

/// The same seeds without faults, under each kind of faults, and under all of them.
pub(super) fn table(seeds: u64, first: u64, progress: &mut Progress) -> (Table, Plot) {
    let seeds: Vec<u64> = (0..seeds).map(|index| first.wrapping_add(index)).collect();
    let calm: Vec<Duration> = seeds.iter().map(|seed| took(&[], *seed)).collect();

    let columns = [
        "what goes wrong",
        "runs slower than without",
        "of those, median delay",
        "median of all runs",
        "slowest run",
    ];
    let title = format!(
        "Which faults a protocol feels: {} runs of {NODES} gossiping nodes for each kind",
        seeds.len()
    );
    let mut table = Table::new(title, columns);
    let mut bars = Vec::with_capacity(KINDS.len() + 2);
    let kinds = KINDS.map(|(kind, name)| (vec![kind], name));
    let all = (FaultKind::USUAL.to_vec(), "all of these");
    for (kinds, name) in iter::once((Vec::new(), "nothing"))
        .chain(kinds)
        .chain([all])
    {
        progress.step(name);
        let runs: Vec<Duration> = seeds.iter().map(|seed| took(&kinds, *seed)).collect();
        let delays = iter::zip(&runs, &calm).filter_map(|(run, calm)| run.checked_sub(*calm));
        let delays: Vec<Duration> = delays.filter(|delay| !delay.is_zero()).collect();
        let slowest = runs.iter().max().copied().unwrap_or_default();
        table.push([
            Cell::text(name),
            Cell::count(delays.len() as u64),
            Cell::maybe_number(median(delays).map(|delay| delay.as_secs_f64() * 1e3), "ms"),
            Cell::maybe_number(median(runs).map(|took| took.as_secs_f64()), "s"),
            Cell::number(slowest.as_secs_f64(), "s"),
        ]);
        bars.push(Bar::new(name, slowest.as_secs_f64()).in_group(usize::from(!kinds.is_empty())));
    }
    let note = format!(
        "Simulated time until all nodes have a rumour on disk. About {} incidents a second, of a second on average, from the start on; every run is \
         compared with the same seed without faults. A run can be faster, too: another order of messages is another draw of luck.",
        INCIDENTS_PER_100_SECONDS / 100
    );
    let axis = Axis::new(
        "simulated seconds until all know, slowest run",
        Scale::Linear,
    );
    let plot = Plot::bars("What the worst run took, by what went wrong", axis, bars);
    (table.note(note), plot)
}

/// How long a seed takes to converge, at most [`WITHIN`].
fn took(kinds: &[FaultKind], seed: u64) -> Duration {
    let plan = FaultPlan::new(NODES, FAULTS_UNTIL)
        .kinds(kinds)
        .intensity(INCIDENTS_PER_100_SECONDS)
        .mean_length(Duration::from_secs(1));
    let faults = if kinds.is_empty() {
        Schedule::new()
    } else {
        plan.schedule(seed)
    };
    let mut world = cluster(NODES, Probability::NEVER, faults, seed);
    converge(&mut world, STEP, WITHIN).unwrap_or(WITHIN)
}

fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_usual_kind_has_its_row() {
        assert_eq!(KINDS.map(|(kind, _)| kind), FaultKind::USUAL);
    }

    #[test]
    fn without_faults_a_seed_takes_as_long_as_ever_and_faults_are_felt() {
        let mut progress = Settings::default().progress("sim", 0);
        let (table, _) = table(20, 1, &mut progress);
        let slower: Vec<f64> = table
            .rows()
            .iter()
            .map(|row| match &row[1] {
                Cell::Number { value, .. } => *value,
                other => panic!("{other:?} is no count"),
            })
            .collect();
        assert!(slower[0] < 0.5, "nothing went wrong: {slower:?}");
        let split = 1 + KINDS
            .iter()
            .position(|(kind, _)| *kind == FaultKind::Split)
            .expect("a kind");
        assert!(
            slower[split] > 10.0,
            "a node on the lonely side waits: {slower:?}"
        );
    }
}
