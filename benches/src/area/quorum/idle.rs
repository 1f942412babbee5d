//! What a group costs that has nothing to do.

use alloc::sync::Arc;

use allocation_counter::measure;
use purlin_core::time::Instant;

use super::cluster::TICK;
use super::groups::Machines;
use super::ours;
#[cfg(feature = "rivals")]
use super::raft_rs;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Counted, Samples};

const OURS: &str = "purlin-quorum";
#[cfg(feature = "rivals")]
const RAFT_RS: &str = "raft-rs";

/// As many as need more memory than caches have.
const GROUPS: usize = 10_000;

/// As many as fall silent within a second.
const SILENT: usize = 1000;

/// How many ticks silence is watched for.
const SILENT_TICKS: u64 = 1000;

/// Groups that have a leader each, and one command.
struct Ours {
    groups: Vec<[ours::Node; 3]>,
    network: ours::Network,
}

impl Ours {
    fn new(count: usize, configs: &ours::Configs, seed: u64) -> Self {
        let mut network = ours::Network::starting(Instant::default() + TICK);
        let mut groups = Vec::with_capacity(count);
        for group in 0..count as u64 {
            let mut nodes = ours::group(configs, seed.wrapping_add(group), network.now);
            network.elect(&mut nodes);
            network.propose(&mut nodes[0], &[1; 64], 1);
            network.deliver(&mut nodes, Some);
            groups.push(nodes);
        }
        Self { groups, network }
    }

    /// A tick of one group: whose time has come acts, and messages are carried.
    #[inline]
    fn tick(&mut self, group: usize) {
        let nodes = &mut self.groups[group];
        self.network.pass(nodes, |_| true);
        self.network.deliver(nodes, Some);
    }
}

/// Bytes requested of the allocator a replica, the replica itself included, after an election, a
/// command and a second without anything to do.
pub(super) fn bytes(settings: &Settings) -> Result<Samples, LabError> {
    const IDLE_TICKS: usize = 10;
    let replicas = (3 * GROUPS) as f64;
    let counted = Counted::rounds(settings, 1).ours(OURS, |seed| {
        let mut kept = None;
        let bytes = measure(|| {
            let mut machines = Machines::new(GROUPS, seed);
            (0..IDLE_TICKS).for_each(|_| machines.tick());
            kept = Some(machines.each);
        });
        Ok(bytes.bytes_current as f64 / replicas)
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival(RAFT_RS, |_| {
        let mut kept = Vec::new();
        let bytes = measure(|| {
            let mut raft_rs = RaftRs::new(GROUPS, 2);
            (0..IDLE_TICKS * GROUPS).for_each(|tick| raft_rs.tick(tick % GROUPS));
            let groups = raft_rs.groups.into_iter().flatten();
            kept = Vec::with_capacity(3 * GROUPS);
            kept.extend(groups.map(|node| node.raft));
        });
        Ok(bytes.bytes_current as f64 / replicas)
    })?;
    Ok(counted.samples())
}

/// A tick of all groups, those of ours on three machines that coalesce heartbeats.
pub(super) fn coalesced(settings: &Settings) -> Result<Contest, LabError> {
    let mut ours = Machines::new(GROUPS, settings.seed);
    let contest = Contest::over(vec![()]).ours(OURS, move |()| ours.tick());
    #[cfg(feature = "rivals")]
    let contest = {
        let mut raft_rs = RaftRs::new(GROUPS, 2);
        contest.rival(RAFT_RS, move |()| {
            (0..GROUPS).for_each(|group| raft_rs.tick(group));
        })
    };
    Ok(contest.build())
}

/// A tick of one of many groups: all three replicas, heartbeats every other tick, and their answers.
pub(super) fn tick(settings: &Settings) -> Result<Contest, LabError> {
    let mut ours = Ours::new(GROUPS, &ours::ticked(2), settings.seed);
    let contest = Contest::over((0..GROUPS).collect()).ours(OURS, move |group| {
        if *group == 0 {
            ours.network.now += TICK;
        }
        ours.tick(*group);
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let mut raft_rs = RaftRs::new(GROUPS, 2);
        contest.rival(RAFT_RS, move |group| raft_rs.tick(*group))
    };
    Ok(contest.build())
}

/// How often a group that has fallen silent has something to do, in many ticks.
pub(super) fn quiescent(settings: &Settings) -> Result<Samples, LabError> {
    let counted =
        Counted::rounds(settings, 1).ours(OURS, |seed| Ok(events_when_silent(seed) as f64))?;
    Ok(counted.samples())
}

fn events_when_silent(seed: u64) -> usize {
    use purlin_core::machine::Machine as _;
    let quiet = ours::ticked(2).map(|config| {
        let mut config = Arc::unwrap_or_clone(config);
        config.quiesce = true;
        Arc::new(config)
    });
    let mut ours = Ours::new(SILENT, &quiet, seed);
    let mut events = 0;
    for tick in 0..2 * SILENT_TICKS {
        ours.network.now += TICK;
        for nodes in &mut ours.groups {
            let due = nodes.iter().filter_map(|node| node.raft.poll_timeout());
            // The first half is to fall silent in.
            if tick >= SILENT_TICKS {
                events += due.filter(|due| *due <= ours.network.now).count();
            }
            ours.network.pass(nodes, |_| true);
            ours.network.deliver(nodes, Some);
        }
    }
    // Silent, and not fallen apart.
    for nodes in &ours.groups {
        assert!(ours::leads(&nodes[0]) && nodes.iter().all(|node| node.raft.is_quiesced()));
    }
    events
}

/// The same of raft-rs.
#[cfg(feature = "rivals")]
struct RaftRs {
    groups: Vec<[raft_rs::Node; 3]>,
    network: raft_rs::Network,
}

#[cfg(feature = "rivals")]
impl RaftRs {
    fn new(count: usize, heartbeat: usize) -> Self {
        let mut network = raft_rs::Network::default();
        let (config, logger) = (raft_rs::config(heartbeat), raft_rs::quiet());
        let mut groups = Vec::with_capacity(count);
        for _ in 0..count {
            let mut nodes = raft_rs::group(&config, &logger);
            network.elect(&mut nodes);
            network.propose(&mut nodes[0], &[1; 64], 1);
            network.deliver(&mut nodes, Some);
            groups.push(nodes);
        }
        Self { groups, network }
    }

    #[inline]
    fn tick(&mut self, group: usize) {
        let nodes = &mut self.groups[group];
        self.network.pass(nodes, |_| true);
        self.network.deliver(nodes, Some);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: usize = 100;

    #[test]
    fn groups_that_tick_keep_their_leader() {
        let mut ours = Ours::new(FEW, &ours::ticked(2), 1);
        for _ in 0..50 {
            ours.network.now += TICK;
            (0..FEW).for_each(|group| ours.tick(group));
        }
        assert!(ours.groups.iter().all(|nodes| ours::leads(&nodes[0])));
        assert!(
            ours.groups
                .iter()
                .flatten()
                .all(|node| node.applied.commands == 1)
        );
    }

    #[cfg(feature = "rivals")]
    #[test]
    fn groups_of_raft_rs_that_tick_keep_their_leader() {
        let mut raft_rs = RaftRs::new(FEW, 2);
        for _ in 0..50 {
            (0..FEW).for_each(|group| raft_rs.tick(group));
        }
        assert!(raft_rs.groups.iter().all(|nodes| raft_rs::leads(&nodes[0])));
        assert!(
            raft_rs
                .groups
                .iter()
                .flatten()
                .all(|node| node.applied.commands == 1)
        );
    }
}
