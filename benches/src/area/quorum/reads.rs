//! What linearizable reads take, by the way they go.

use core::time::Duration;

use purlin_quorum::raft::ReadMode;

use super::configurations::LEASES;
use super::load::{Load, Operation, Target, Wish};
use super::scenario::Scenario;
use super::server::Request;
use super::trouble::{milliseconds, percentile};
use crate::error::LabError;
use crate::table::{Cell, Table};

/// Operations a second; reads of each kind and commands take turns.
const RATE: f64 = 2000.0;
const LASTS: Duration = Duration::from_secs(5);
const LAST: Duration = Duration::from_secs(5);

const PATHS: [(&str, Wish); 4] = [
    ("a commit, to compare", leader(Request::Propose)),
    (
        "ReadMode::Index, the leader asked",
        leader(Request::Read(ReadMode::Index)),
    ),
    (
        "ReadMode::Index, a follower asked",
        Wish {
            request: Request::Read(ReadMode::Index),
            target: Target::Follower,
        },
    ),
    (
        "ReadMode::Lease, the leader asked",
        leader(Request::Read(ReadMode::Lease)),
    ),
];

const fn leader(request: Request) -> Wish {
    Wish {
        request,
        target: Target::Leader,
    }
}

/// Under which circumstances.
const SCENARIOS: [&str; 4] = ["calm", "loss", "slow-leader", "crash"];

/// All ways under some kinds of trouble.
///
/// # Errors
///
/// None that depends on the user.
pub(super) fn table(nodes: usize, seed: u64) -> Result<Table, LabError> {
    let columns = ["scenario", "what", "answered", "p50", "p99", "worst"];
    let mut table = Table::new(format!("Linearizable reads, {nodes} nodes"), columns);
    let config = LEASES.config();
    for scenario in SCENARIOS.into_iter().filter_map(Scenario::named) {
        let wishes = PATHS.iter().map(|(_, wish)| *wish).collect();
        let mut load = Load::new(config.clone(), nodes, wishes, RATE, seed)?;
        load.run_for(Duration::from_secs(1));
        scenario.begin(&mut load, LASTS);
        let from = load.world.now();
        load.run_for(LASTS);
        load.close();
        load.run_for(LAST);
        for (name, wish) in PATHS {
            let concerned = || {
                let operations = load.operations.iter();
                operations.filter(|operation| operation.wish == wish && operation.begun >= from)
            };
            let mut latencies: Vec<Duration> = concerned().filter_map(Operation::latency).collect();
            latencies.sort_unstable();
            table.push([
                Cell::text(scenario.name),
                Cell::text(name),
                Cell::number(
                    100.0 * latencies.len() as f64 / concerned().count() as f64,
                    "%",
                ),
                milliseconds(percentile(&latencies, 50)),
                milliseconds(percentile(&latencies, 99)),
                milliseconds(percentile(&latencies, 100)),
            ]);
        }
    }
    Ok(table.note(
        "Network, disks and scenarios as above; 500 commands and 1,500 reads a second. In virtual time what a node computes takes none, so that a read under a lease takes none at all, \
         unless the leader has to apply first what is committed already. (What it takes of a processor is in `lab versus quorum`.) Clocks run alike here; the configuration allows for 1 % of drift.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_saves_the_round_and_a_follower_needs_one_more_message() {
        let table = table(3, 1).expect("a valid rate");
        let median = |scenario: &str, what: &str| {
            let is_it = |row: &&Vec<Cell>| {
                row[0] == Cell::text(scenario)
                    && matches!(&row[1], Cell::Text(text) if text.starts_with(what))
            };
            let row = table.rows().iter().find(is_it).expect("a row");
            match &row[3] {
                Cell::Number { value, .. } => *value,
                other => panic!("{other:?} is no time"),
            }
        };
        let index = median("calm", "ReadMode::Index, the leader");
        assert!(index > 0.0 && median("calm", "ReadMode::Lease") < index);
        assert!(index < median("calm", "ReadMode::Index, a follower"));
        assert!(index < median("calm", "a commit"), "no disk is waited for");
    }
}
