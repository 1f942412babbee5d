//! What a seed stands for: the cluster, its limits, its network and disks, what goes wrong, and
//! what is asked of it.
//!
//! Each seed leaves some kinds of faults out altogether, so that the others can go further (Groce
//! et al., "Swarm testing", 2012).

mod faults;
mod workload;

use super::host::RaftHost;
use core::time::Duration;
use faults::faults;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt as _, SplitMix64, Xoshiro256PlusPlus};
use purlin_quorum::raft::{Config, Raft};
use purlin_sim::{
    ClientModel, ClockModel, FaultKind, FaultPlan, Latency, Link, Probability, Schedule,
    StorageModel, World,
};
use workload::workload;

/// How the nodes of one world are set up.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Nodes `0..voters` found the cluster.
    pub(crate) voters: usize,
    /// The others can be added.
    pub(crate) nodes: usize,
    /// For all nodes, but for what tells them apart.
    pub(crate) config: Config,
    pub(crate) priorities: Vec<u32>,
    /// From the commit of an entry to its application, and for reading parts of a snapshot.
    pub(crate) apply_delay: Duration,
    /// Applied entries between two snapshots.
    pub(crate) compact_every: u64,
    /// Applied entries between two times that the state machine is saved.
    pub(crate) save_every: u64,
    /// Several writes share a sync.
    pub(crate) one_sync_at_a_time: bool,
    pub(crate) witnesses: bool,
    /// Whether disks may be replaced.
    pub(crate) wipes: bool,
    /// So long there are faults and clients.
    pub(crate) trouble: Duration,
}

impl Plan {
    /// How much the node is preferred as leader.
    pub(crate) fn priority(&self, node: NodeId) -> u32 {
        let place = usize::try_from(node.0).unwrap_or(0) % self.priorities.len();
        self.priorities[place]
    }

    /// What the longest election takes, without faults.
    pub(crate) fn election(&self) -> Duration {
        self.config.election_timeout + self.config.election_jitter
    }
}

const MS: Duration = Duration::from_millis(1);

/// The clocks of two nodes differ in rate by no more than this in worlds with leases: a drift of
/// 5 % is injected into one node at a time, on top of 0.1 % everywhere.
const LEASE_DRIFT_PPM: u32 = 120_000;

/// A world by its seed.
pub(crate) fn world(seed: u64) -> World<RaftHost> {
    world_of(seed, |_| ())
}

/// The same, of nodes to which something is done before they start: they are given a bug.
pub(crate) fn world_of(seed: u64, prepare: impl Fn(&mut Raft) + 'static) -> World<RaftHost> {
    let random = &mut Xoshiro256PlusPlus::from_seed(SplitMix64::mix(seed));
    let plan = plan(random);
    let faults = faults(random, &plan);
    build(random, RaftHost::new(plan, prepare), faults, seed)
}

/// A world in which disks get lost, one at a time, and nothing else goes wrong at that time.
pub(crate) fn world_of_lost_disks(seed: u64) -> World<RaftHost> {
    let random = &mut Xoshiro256PlusPlus::from_seed(SplitMix64::mix(seed));
    let plan = Plan {
        voters: 5,
        wipes: true,
        ..plan(random)
    };
    let wipes = FaultPlan::new(plan.nodes, plan.trouble)
        .kinds(&[FaultKind::Wipe])
        .max_down(1)
        .intensity(100)
        .schedule(random.next_u64());
    // A quorum must survive: one disk is lost in a world, and nobody changes the members.
    let faults = wipes.incidents().iter().take(1).cloned().collect();
    build(random, RaftHost::new(plan, |_| ()), faults, seed)
}

fn plan(random: &mut impl Random) -> Plan {
    let voters = if random.below(3) == 0 { 5 } else { 3 };
    let mut config = Config::new(NodeId(0));
    config.election_timeout = 100 * MS;
    config.election_jitter = 100 * MS;
    config.heartbeat_interval = 20 * MS;
    config.pre_vote = !one_in(random, 5);
    // Without either, a node that was removed and does not know it disturbs the others for ever
    // (§6).
    config.check_quorum = !(config.pre_vote && one_in(random, 8));
    let leases = config.check_quorum && random.below(2) == 0;
    config.lease_drift_ppm = leases.then_some(LEASE_DRIFT_PPM);
    if one_in(random, 2) {
        config.max_message_bytes = between(random, 30, 300);
        config.max_inflight_messages = usize::try_from(between(random, 1, 4)).unwrap_or(1);
        config.max_inflight_bytes = between(random, 30, 600);
    }
    if one_in(random, 3) {
        config.max_uncommitted_bytes = between(random, 100, 1_000);
        config.max_unapplied_bytes = between(random, 50, 500);
    }
    let compact_every = pick(random, &[8, 30, 120]);
    if one_in(random, 3) {
        config.max_log_bytes = 70 * compact_every;
        config.max_entry_bytes = config.max_log_bytes;
    }
    config.trailing_entries = pick(random, &[0, 0, 5, 50]);
    config.max_reads = pick(random, &[4, 1_000]);
    config.snapshot_chunk_bytes = 16;
    Plan {
        voters,
        nodes: voters + 2,
        config,
        priorities: pick(random, &[vec![0], vec![0], vec![2, 1, 0]]),
        apply_delay: pick(random, &[0, 0, 1, 5, 30]) * MS,
        compact_every,
        save_every: pick(random, &[5, u64::MAX, u64::MAX]),
        one_sync_at_a_time: one_in(random, 2),
        witnesses: one_in(random, 4),
        wipes: false,
        trouble: Duration::from_millis(3_000),
    }
}

fn one_in(random: &mut impl Random, count: u64) -> bool {
    random.below(count) == 0
}

fn between(random: &mut impl Random, least: u64, most: u64) -> u64 {
    least + random.below(most - least + 1)
}

fn pick<T: Clone>(random: &mut impl Random, choices: &[T]) -> T {
    let place = random.below(choices.len() as u64);
    choices[usize::try_from(place).unwrap_or(0)].clone()
}

fn build(random: &mut impl Random, host: RaftHost, faults: Schedule, seed: u64) -> World<RaftHost> {
    let plan = &host.plan;
    let storage = StorageModel {
        sync_latency: pick(
            random,
            &[
                Latency::Constant(MS / 10),
                StorageModel::disk().sync_latency,
                Latency::Uniform {
                    min: MS,
                    max: 30 * MS,
                },
            ],
        ),
        sync_failure: Probability::ppm(if plan.wipes {
            0
        } else {
            pick(random, &[0, 0, 500])
        }),
        ..StorageModel::disk()
    };
    let lossy = Link {
        loss: Probability::percent(1),
        duplicate: Probability::percent(2),
        reorder: Probability::percent(2),
        reorder_delay: Latency::Uniform {
            min: MS,
            max: 300 * MS,
        },
        ..Link::lan()
    };
    let link = pick(random, &[Link::lan(), lossy, lossy]);
    let clocks = ClockModel {
        skew: 3_000 * MS,
        drift_ppm: 1_000,
    };
    let clients = ClientModel {
        think: Latency::Exponential {
            min: MS / 10,
            mean: 25 * MS,
        },
        timeout: 400 * MS,
        active: plan.trouble,
        ..ClientModel::new(5)
    };
    let nodes = plan.nodes;
    let orders = if plan.wipes {
        0
    } else {
        pick(random, &[0, 40, 150, 400])
    };
    let campaigns = pick(random, &[10, 10, 80]);
    let workload = workload(nodes, orders, campaigns);
    World::builder(host, nodes, seed)
        .links(link)
        .storage(storage)
        .clocks(clocks)
        .faults(faults)
        .clients(clients, workload)
        .build()
}
