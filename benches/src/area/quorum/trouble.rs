//! Throughput and latency of commits while something goes wrong.

use core::time::Duration;

use purlin_core::time::Instant;

use super::configurations::Variant;
use super::load::{Load, Operation, Target, Wish};
use super::scenario::Scenario;
use super::server::Request;
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::table::{Cell, Table};

/// Proposals a second.
const RATE: f64 = 1000.0;

/// All is well for so long, then something is wrong, then all is well again.
const BEFORE: Duration = Duration::from_secs(2);
const WRONG: Duration = Duration::from_secs(4);
const AFTER: Duration = Duration::from_secs(4);

/// Commands that were proposed so long after it may still suffer.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Nobody proposes any more; who waits is answered.
const LAST: Duration = Duration::from_secs(10);

/// Of the charts.
const BUCKET: Duration = Duration::from_millis(200);
const BUCKETS: usize =
    ((BEFORE.as_millis() + WRONG.as_millis() + AFTER.as_millis()) / BUCKET.as_millis()) as usize;

/// One run of a scenario.
struct Run {
    /// When clients began.
    start: Instant,
    operations: Vec<Operation>,
    without_leader: Duration,
}

impl Run {
    fn of(
        scenario: &Scenario,
        variant: &Variant,
        nodes: usize,
        seed: u64,
    ) -> Result<Self, LabError> {
        let propose = Wish {
            request: Request::Propose,
            target: Target::Leader,
        };
        let mut load = Load::new(variant.config(), nodes, vec![propose], RATE, seed)?;
        let start = load.world.now();
        load.run_for(BEFORE);
        scenario.begin(&mut load, WRONG);
        load.run_for(WRONG + AFTER);
        load.close();
        load.run_for(LAST);
        let end = start + BEFORE + WRONG + AFTER;
        let without_leader = load.record().without_leader(start + BEFORE, end);
        Ok(Self {
            start,
            operations: load.operations,
            without_leader,
        })
    }

    /// Those begun since something went wrong.
    fn concerned(&self) -> impl Iterator<Item = &Operation> {
        let from = self.start + BEFORE;
        self.operations
            .iter()
            .filter(move |operation| operation.begun >= from)
    }

    /// The longest time in which nothing was committed, since then.
    fn longest_pause(&self) -> Duration {
        let [from, until] = [BEFORE, BEFORE + WRONG + AFTER].map(|after| self.start + after);
        let done = self
            .operations
            .iter()
            .filter_map(|operation| operation.done);
        let mut times: Vec<Instant> = done.chain([from, until]).collect();
        times.retain(|at| (from..=until).contains(at));
        times.sort_unstable();
        let pauses = times
            .windows(2)
            .map(|pair| pair[1].saturating_duration_since(pair[0]));
        pauses.max().unwrap_or_default()
    }

    fn bucket(&self, at: Instant) -> usize {
        let since = at.saturating_duration_since(self.start);
        usize::try_from(since.as_nanos() / BUCKET.as_nanos()).unwrap_or(usize::MAX)
    }
}

/// What is found out, scenario by scenario.
pub(super) struct Findings {
    nodes: usize,
    seeds: u64,
    table: Table,
    throughput: Vec<Line>,
    latency: Vec<Line>,
}

impl Findings {
    pub(super) fn new(nodes: usize, seeds: u64) -> Self {
        let columns = [
            "scenario",
            "configuration",
            "committed",
            "p50",
            "p99",
            "worst",
            "asked again",
            "longest pause",
            "without a leader",
        ];
        Self {
            nodes,
            seeds,
            table: Table::new(format!("Commits under faults, {nodes} nodes"), columns),
            throughput: Vec::new(),
            latency: Vec::new(),
        }
    }

    /// A scenario with a configuration. The first configuration that is added is drawn.
    ///
    /// # Errors
    ///
    /// None that depends on the user.
    pub(super) fn add(
        &mut self,
        scenario: &Scenario,
        variant: &Variant,
        is_drawn: bool,
        first_seed: u64,
    ) -> Result<(), LabError> {
        let seeds = (0..self.seeds).map(|index| first_seed.wrapping_add(index));
        let runs = seeds
            .map(|seed| Run::of(scenario, variant, self.nodes, seed))
            .collect::<Result<Vec<_>, _>>()?;
        let concerned = || runs.iter().flat_map(Run::concerned);
        let mut latencies: Vec<Duration> = concerned().filter_map(Operation::latency).collect();
        latencies.sort_unstable();
        let all = concerned().count() as f64;
        let again = concerned().filter(|operation| operation.asked > 1).count() as f64;
        let without: Duration = runs.iter().map(|run| run.without_leader).sum();
        let pause = runs
            .iter()
            .map(Run::longest_pause)
            .max()
            .unwrap_or_default();
        self.table.push([
            Cell::text(scenario.name),
            Cell::text(variant.name),
            Cell::number(100.0 * latencies.len() as f64 / all, "%"),
            milliseconds(percentile(&latencies, 50)),
            milliseconds(percentile(&latencies, 99)),
            milliseconds(percentile(&latencies, 100)),
            Cell::number(100.0 * again / all, "%"),
            milliseconds(Some(pause)),
            milliseconds(Some(without / u32::try_from(runs.len()).unwrap_or(1))),
        ]);
        if is_drawn && let Some(run) = runs.first() {
            self.draw(scenario.name, run);
        }
        Ok(())
    }

    fn draw(&mut self, name: &str, run: &Run) {
        let mut committed = vec![0_u32; BUCKETS];
        let mut latencies = vec![Vec::new(); BUCKETS];
        for operation in &run.operations {
            if let Some(count) = operation
                .done
                .and_then(|at| committed.get_mut(run.bucket(at)))
            {
                *count += 1;
            }
            if let Some((bucket, latency)) = latencies
                .get_mut(run.bucket(operation.begun))
                .zip(operation.latency())
            {
                bucket.push(latency);
            }
        }
        let at = |bucket: usize| (bucket as f64 + 0.5) * BUCKET.as_secs_f64();
        let per_second = committed.into_iter().enumerate();
        let per_second =
            per_second.map(|(bucket, count)| (at(bucket), f64::from(count) / BUCKET.as_secs_f64()));
        self.throughput.push(Line::new(name, per_second.collect()));
        let p99 = latencies
            .into_iter()
            .enumerate()
            .filter_map(|(bucket, mut latencies)| {
                latencies.sort_unstable();
                let p99 = percentile(&latencies, 99)?;
                Some((at(bucket), p99.as_secs_f64() * 1e3))
            });
        self.latency.push(Line::new(name, p99.collect()));
    }

    pub(super) fn report(self) -> (Table, [Plot; 2]) {
        let note = format!(
            "The machine in virtual time, network and disks simulated: messages take 0.25 ms (p99 2 ms), a node does one sync at a time, of 1 ms (p99 5 ms). {RATE} commands of 64 B a second arrive whether or not \
             earlier ones are answered; a client that is sent away asks the next node after 20 ms, one that gets no answer after 500 ms. From {BEFORE:?} on something is wrong for {WRONG:?}; \
             latencies are of commands first proposed from then to {AFTERMATH:?} after it, of {} seeds together, until the leader has applied them, which it does when they are durable on its own \
             disk, too; the longest pause without a commit is the worst seed's, the time without a leader (that hears of a quorum) their mean, of all the time from then on. Defaults but for what the configuration says: election timeout 1 s and up to 1 s more, heartbeats every 100 ms. Charts: \
             one seed, the first configuration.",
            self.seeds
        );
        let seconds = || Axis::new("simulated seconds", Scale::Linear);
        let [from, until] = [BEFORE, BEFORE + WRONG].map(|time| time.as_secs());
        let wrong = format!("faults from {from} s to {until} s");
        let throughput = Plot::lines(
            &format!("Commits a second; {wrong}"),
            seconds(),
            Axis::new("commits a second", Scale::Linear),
            self.throughput,
        );
        let latency = Plot::lines(
            &format!("Commit latency by time of proposal, 99th percentile; {wrong}"),
            seconds(),
            Axis::new("ms", Scale::Log10),
            self.latency,
        );
        (self.table.note(note), [throughput, latency])
    }
}

/// So many of a hundred are shorter, or as long.
pub(super) fn percentile(ascending: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending.get(rank.saturating_sub(1)).copied()
}

pub(super) fn milliseconds(time: Option<Duration>) -> Cell {
    Cell::maybe_number(time.map(|time| time.as_secs_f64() * 1e3), "ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::quorum::configurations::VARIANTS;

    fn run(scenario: &str, variant: &str) -> Run {
        let scenario = Scenario::named(scenario).expect("a scenario");
        let mut variants = VARIANTS.iter();
        let variant = variants.find(|known| known.name == variant);
        Run::of(scenario, variant.expect("a variant"), 3, 1).expect("a valid rate")
    }

    #[test]
    fn without_faults_there_is_always_a_leader_and_everything_is_committed_once() {
        let run = run("calm", "default");
        assert_eq!(run.without_leader, Duration::ZERO);
        assert!(run.longest_pause() < Duration::from_millis(200));
        let asked_once = |operation: &Operation| operation.asked == 1 && operation.done.is_some();
        assert!(run.operations.iter().all(asked_once));
        let expected = RATE * (BEFORE + WRONG + AFTER).as_secs_f64();
        // Five standard deviations of a Poisson process.
        let spread = 5.0 * expected.sqrt();
        assert!((run.operations.len() as f64 - expected).abs() < spread);
    }

    #[test]
    fn a_crash_is_felt_for_an_election_and_nothing_stays_uncommitted() {
        let run = run("crash", "default");
        // The heartbeat is up to 0.1 s old; the timeout is 1 s and up to 1 s more.
        let outage = Duration::from_millis(900)..Duration::from_millis(2_200);
        assert!(
            outage.contains(&run.without_leader),
            "{:?}",
            run.without_leader
        );
        assert!(run.longest_pause() >= run.without_leader);
        assert!(
            run.operations
                .iter()
                .all(|operation| operation.done.is_some())
        );
    }

    #[test]
    fn a_leader_that_hears_nobody_steps_down_only_if_it_checks_for_a_quorum() {
        let deaf = |variant| run("deaf", variant).without_leader;
        assert!(
            deaf("default") < Duration::from_secs(3),
            "a timeout and an election"
        );
        assert_eq!(deaf("no-check-quorum"), WRONG, "until it hears again");
    }

    #[test]
    fn who_was_away_deposes_the_leader_only_without_pre_vote() {
        let rejoin = |variant| run("rejoin", variant).without_leader;
        assert_eq!(rejoin("default"), Duration::ZERO);
        assert!(rejoin("no-pre-vote") > Duration::ZERO);
    }

    #[test]
    fn percentiles_are_of_those_there_are() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let of = |percent| percentile(&times, percent).map(|time| time.as_millis());
        assert_eq!([of(50), of(99), of(100)], [Some(100), Some(198), Some(200)]);
        assert_eq!(percentile(&[], 50), None);
    }
}
