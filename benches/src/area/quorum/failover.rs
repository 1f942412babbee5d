//! How long a group is without a leader when it crashes.

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::Instant;

use super::cluster::TICK;
use super::ours;
#[cfg(feature = "rivals")]
use super::raft_rs;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

const OURS: &str = "purlin-quorum";
const OURS_TIMERS: &str = "purlin-quorum, timers of its own";
#[cfg(feature = "rivals")]
const RAFT_RS: &str = "raft-rs";

/// How many crashes a figure is made of.
const RUNS: u64 = 2000;

/// A leader lives at least so many ticks, so that all have settled.
const SETTLED: u64 = 30;

/// No group takes so long.
const GIVEN_UP: u32 = 10_000;

/// When a leader crashes: after so many ticks, and this part of one.
#[derive(Debug, Clone, Copy)]
struct Crash {
    ticks: u64,
    phase: f64,
}

/// How long groups were without a leader, in ticks, ascending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outages(Vec<f64>);

impl Outages {
    /// Of so many crashes, each at a uniformly random moment between two heartbeats.
    fn of(runs: u64, seed: u64, outage: impl Fn(u64, Crash) -> f64) -> Self {
        let mut random = SplitMix64::new(seed);
        let mut outages: Vec<f64> = (0..runs)
            .map(|run| {
                let crash = Crash {
                    ticks: SETTLED + random.below(SETTLED),
                    phase: random.f64(),
                };
                outage(seed.wrapping_mul(runs).wrapping_add(run), crash)
            })
            .collect();
        outages.sort_by(f64::total_cmp);
        Self(outages)
    }

    /// Of our own nodes, asked at every tick whether their time has come.
    pub(super) fn ours_ticked(configs: &ours::Configs, runs: u64, seed: u64) -> Self {
        Self::of(runs, seed, |seed, crash| ours_ticked(configs, seed, crash))
    }

    /// Of our own nodes, each asked when its time comes.
    pub(super) fn ours_timed(configs: &ours::Configs, runs: u64, seed: u64) -> Self {
        Self::of(runs, seed, |seed, crash| ours_timed(configs, seed, crash))
    }

    #[cfg(feature = "rivals")]
    fn raft_rs(seed: u64) -> Self {
        let (config, logger) = (raft_rs::config(1), raft_rs::quiet());
        Self::of(RUNS, seed, |_, crash| {
            raft_rs_ticked(&config, &logger, crash)
        })
    }

    pub(super) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// So many of a hundred were shorter, or as long.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.max(1) - 1]
    }

    pub(super) fn longest(&self) -> f64 {
        self.percentile(100)
    }
}

/// A group that has had a leader for a while, who is gone now.
fn ours_without_leader(
    configs: &ours::Configs,
    seed: u64,
    crash: Crash,
) -> (ours::Network, [ours::Node; 3]) {
    // Where there are leases, a node does not vote for an election timeout after its start.
    let mut network = ours::Network::starting(Instant::default() + TICK * 11);
    let mut nodes = ours::group(configs, seed, Instant::default());
    network.elect(&mut nodes);
    for _ in 0..crash.ticks {
        network.now += TICK;
        network.pass(&mut nodes, |_| true);
        network.deliver(&mut nodes, Some);
    }
    assert!(ours::leads(&nodes[0]), "nothing has happened to it");
    (network, nodes)
}

fn ours_ticked(configs: &ours::Configs, seed: u64, crash: Crash) -> f64 {
    let (mut network, mut nodes) = ours_without_leader(configs, seed, crash);
    for ticks in 1..GIVEN_UP {
        network.now += TICK;
        network.pass(&mut nodes, |place| place != 0);
        network.deliver(&mut nodes, |message| {
            (ours::place(message.to) != 0).then_some(message)
        });
        if nodes[1..].iter().any(ours::leads) {
            return f64::from(ticks) - crash.phase;
        }
    }
    unreachable!("two of three elect a leader")
}

fn ours_timed(configs: &ours::Configs, seed: u64, crash: Crash) -> f64 {
    use purlin_core::machine::Machine as _;
    let (mut network, mut nodes) = ours_without_leader(configs, seed, crash);
    let start = network.now;
    for _ in 1..GIVEN_UP {
        let due = nodes[1..]
            .iter()
            .filter_map(|node| node.raft.poll_timeout());
        network.now = due
            .min()
            .unwrap_or_else(|| unreachable!("they wait for a leader"));
        network.pass(&mut nodes, |place| place != 0);
        network.deliver(&mut nodes, |message| {
            (ours::place(message.to) != 0).then_some(message)
        });
        if nodes[1..].iter().any(ours::leads) {
            let waited = network.now.saturating_duration_since(start);
            return waited.div_duration_f64(TICK) - crash.phase;
        }
    }
    unreachable!("two of three elect a leader")
}

#[cfg(feature = "rivals")]
fn raft_rs_ticked(config: &raft::Config, logger: &slog::Logger, crash: Crash) -> f64 {
    let mut network = raft_rs::Network::default();
    let mut nodes = raft_rs::group(config, logger);
    network.elect(&mut nodes);
    for _ in 0..crash.ticks {
        network.pass(&mut nodes, |_| true);
        network.deliver(&mut nodes, Some);
    }
    assert!(raft_rs::leads(&nodes[0]), "nothing has happened to it");
    for ticks in 1..GIVEN_UP {
        network.pass(&mut nodes, |place| place != 0);
        network.deliver(&mut nodes, |message| {
            (raft_rs::place(message.to) != 0).then_some(message)
        });
        if nodes[1..].iter().any(raft_rs::leads) {
            return f64::from(ticks) - crash.phase;
        }
    }
    unreachable!("two of three elect a leader")
}

fn figure(settings: &Settings, figure: impl Fn(&Outages) -> f64) -> Result<Samples, LabError> {
    let configs = ours::ticked(1);
    let counted = Counted::over_seeds(settings)
        .ours(OURS, |seed| {
            Ok(figure(&Outages::ours_ticked(&configs, RUNS, seed)))
        })?
        .floor(OURS_TIMERS, |seed| {
            Ok(figure(&Outages::ours_timed(&configs, RUNS, seed)))
        })?;
    // It draws its timeouts itself, others at each run.
    #[cfg(feature = "rivals")]
    let counted = counted.rival(RAFT_RS, |seed| Ok(figure(&Outages::raft_rs(seed))))?;
    Ok(counted.samples())
}

/// What one in a hundred outages exceeds.
pub(super) fn percentile_99(settings: &Settings) -> Result<Samples, LabError> {
    figure(settings, |outages| outages.percentile(99))
}

/// How long an outage is.
pub(super) fn mean(settings: &Settings) -> Result<Samples, LabError> {
    figure(settings, Outages::mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_those_measured() {
        let outages = Outages::of(RUNS, 1, |_, crash| crash.phase);
        assert_eq!(outages.0.len() as u64, RUNS);
        assert!(outages.0.iter().all(|phase| (0.0..1.0).contains(phase)));
        assert!(
            (outages.mean() - 0.5).abs() < 0.05,
            "uniform: {}",
            outages.mean()
        );
        assert!((outages.percentile(99) - 0.99).abs() < 0.01);
        let above = outages
            .0
            .iter()
            .filter(|phase| **phase > outages.percentile(99));
        assert_eq!(above.count() as u64, RUNS / 100);
    }

    #[test]
    fn nobody_campaigns_before_the_election_timeout() {
        let configs = ours::ticked(1);
        for outages in [
            Outages::ours_ticked(&configs, RUNS, 1),
            Outages::ours_timed(&configs, RUNS, 1),
        ] {
            assert!(
                outages.percentile(0) > 9.0,
                "the heartbeat is up to a tick old"
            );
            assert!(
                outages.mean() > 10.0 && outages.longest() < 100.0,
                "{}",
                outages.mean()
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_outages() {
        let configs = ours::ticked(1);
        let outages = |seed| Outages::ours_ticked(&configs, RUNS, seed);
        assert_eq!(outages(3), outages(3));
        assert_ne!(outages(3), outages(4));
    }
}
