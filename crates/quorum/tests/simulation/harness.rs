//! Raft in the simulator: replicas of a few registers under everything that can go wrong, held at
//! every step against what nobody in the cluster can see.
//!
//! | file | what |
//! |---|---|
//! | `replica.rs` | what a service makes of the core: state machine, disk, snapshots, clients |
//! | `store.rs` | its disk, as the simulator's faults leave it |
//! | `registers.rs`, `request.rs` | the state machine and what is asked of it |
//! | `host.rs`, `scenario.rs` | what a seed stands for |
//! | `ghost.rs` | what must hold |
//! | `tally.rs` | what happened |

mod ghost;
mod host;
mod registers;
mod replica;
mod request;
mod scenario;
mod store;
mod tally;

pub(crate) use host::RaftHost;
use host::world_id;
pub(crate) use scenario::{world, world_of, world_of_lost_disks};
pub(crate) use tally::Tally;

use core::time::Duration;
use ghost::Ghost;
use purlin_core::node::NodeId;
use purlin_quorum::raft::RoleKind;
use purlin_sim::model::RegisterOp;
use purlin_sim::{Fault, Violation, World, linearizability};
use registers::RegistersModel;
use request::Request;

/// The longest elections that a cluster without faults may take to be at work again, and then again
/// until all members are equal.
const PATIENCE: u32 = 60;

/// A run is not shorter than so many steps of its nodes.
const STEPS: u64 = 2_000;

/// A whole run: trouble, peace, and what must have come of it.
///
/// # Errors
///
/// What is wrong.
pub(crate) fn check(world: &mut World<RaftHost>) -> Result<(), Violation> {
    let plan = world.host().plan.clone();
    let step = plan.trouble / 50;
    for _ in 0..50 {
        world.run_for(step);
        replace_stopped(world);
    }
    recover(world)?;
    converge(world)?;
    while steps(world) < STEPS {
        world.run_for(plan.election());
    }
    linearizability::check(&RegistersModel, world.history())?;
    Ok(())
}

fn steps(world: &World<RaftHost>) -> u64 {
    world.host().ghost.borrow().tally.steps
}

/// What happened in a world.
pub(crate) fn tally(world: &World<RaftHost>) -> Tally {
    let stats = world.stats();
    Tally {
        seeds: 1,
        crashes: stats.crashes,
        sync_failures: stats.sync_failures,
        messages_lost: stats.lost,
        messages_duplicated: stats.duplicated,
        ..world.host().ghost.borrow().tally.clone()
    }
}

/// Somebody restarts what has stopped because its disk failed.
fn replace_stopped(world: &mut World<RaftHost>) {
    let stopped: Vec<NodeId> = world
        .machines()
        .filter(|(_, replica)| replica.is_stopped())
        .map(|(node, _)| node)
        .collect();
    for node in stopped {
        world.inject(Fault::Crash(node), Duration::from_millis(5));
    }
}

/// Who leads in the highest term.
fn leader(world: &World<RaftHost>) -> Option<NodeId> {
    let leaders = world
        .machines()
        .filter(|(_, replica)| replica.raft.role() == RoleKind::Leader);
    let newest = leaders.max_by_key(|(_, replica)| replica.raft.term());
    newest.map(|(node, _)| node)
}

/// The faults are over: soon somebody leads, and a proposal is committed.
fn recover(world: &mut World<RaftHost>) -> Result<(), Violation> {
    let election = world.host().plan.election();
    for _ in 0..PATIENCE {
        replace_stopped(world);
        if let Some(leader) = leader(world) {
            let write = Request::Put(0, RegisterOp::Write(u64::MAX));
            let id = world.request(u64::MAX, leader, write);
            let is_answered = |ghost: &Ghost| ghost.answered == Some(id.0);
            let answered =
                world.run_until_true(election, |world| is_answered(&world.host().ghost.borrow()));
            if answered.is_some() {
                return Ok(());
            }
        } else {
            world.run_for(election);
        }
    }
    Err(Violation::new(format!(
        "nothing is committed in {PATIENCE} elections after the last fault: {}",
        describe(world)
    )))
}

/// Soon all members have applied the same, nobody waits for a read, and no joint configuration is
/// left that was to be left.
fn converge(world: &mut World<RaftHost>) -> Result<(), Violation> {
    let election = world.host().plan.election();
    for _ in 0..PATIENCE {
        if is_settled(world) {
            return Ok(());
        }
        world.run_for(election);
        replace_stopped(world);
    }
    Err(Violation::new(format!(
        "the members are not equal {PATIENCE} elections after the last fault: {}",
        describe(world)
    )))
}

fn is_settled(world: &World<RaftHost>) -> bool {
    let Some(leader) = leader(world).and_then(|leader| world.machine(leader)) else {
        return false;
    };
    let configuration = leader.raft.configuration();
    let is_left = !(configuration.is_joint() && configuration.auto_leave());
    let nobody_waits = world
        .machines()
        .all(|(_, replica)| replica.open_reads() == 0);
    let all_applied = leader.state().0 == leader.raft.last_position().index;
    let is_equal = |id: NodeId| {
        let ghost = world.host().ghost.borrow();
        let is_exempt = ghost.is_hollow(id) || ghost.is_wiped(id);
        let replica = world.machine(world_id(id));
        replica.is_some_and(|replica| is_exempt || replica.state() == leader.state())
    };
    is_left && nobody_waits && all_applied && configuration.members().into_iter().all(is_equal)
}

fn describe(world: &World<RaftHost>) -> String {
    let committed = world.host().ghost.borrow().committed_len();
    let nodes = world.machines().map(|(node, replica)| {
        let reads = replica.open_reads();
        let state = replica.state();
        let configuration = replica.raft.configuration();
        let status = replica.raft.status();
        format!("\n{node}: {reads} reads open, applied {state:?}, {status:?}, {configuration:?}")
    });
    format!("{committed} are committed{}", nodes.collect::<String>())
}
