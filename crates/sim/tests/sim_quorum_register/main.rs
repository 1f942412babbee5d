//! A toy replicated register under every fault the simulator knows: with quorums that meet, all
//! histories are linearizable; with quorums that do not, or with acknowledgements before
//! durability, the simulator finds out and shrinks what it found.

extern crate alloc;

mod machine;

use core::time::Duration;
use machine::{Config, RegisterHost};
use purlin_core::node::NodeId;
use purlin_core::random::RandomExt;
use purlin_sim::model::{Register, RegisterOp, RegisterRet};
use purlin_sim::{
    Call, ClientModel, ClockModel, Failure, FaultKind, FaultPlan, Latency, Link, Probability,
    Runner, Stats, StorageModel, Turn, Violation, World, linearizability,
};

const NODES: usize = 3;
const TROUBLE: Duration = Duration::from_secs(2);
const CORRECT: Config = Config {
    read_quorum: 2,
    write_quorum: 2,
    acknowledge_early: false,
};

/// Three nodes and four clients in two seconds of trouble of every kind.
fn world(config: Config, seed: u64) -> World<RegisterHost> {
    let plan = FaultPlan::new(NODES, TROUBLE).mean_length(Duration::from_millis(200));
    let storage = StorageModel {
        sync_failure: Probability::percent(1),
        ..StorageModel::disk()
    };
    build(config, storage, &plan.intensity(400), seed)
}

/// The same where disks are slow and the power often fails everywhere at once.
fn world_of_power_cuts(config: Config, seed: u64) -> World<RegisterHost> {
    let plan = FaultPlan::new(NODES, TROUBLE).mean_length(Duration::from_millis(50));
    let storage = StorageModel {
        sync_latency: Latency::Uniform {
            min: Duration::from_millis(20),
            max: Duration::from_millis(80),
        },
        ..StorageModel::disk()
    };
    let plan = plan.kinds(&[FaultKind::Crash]).max_down(NODES);
    build(config, storage, &plan.intensity(1_000), seed)
}

fn build(
    config: Config,
    storage: StorageModel,
    plan: &FaultPlan,
    seed: u64,
) -> World<RegisterHost> {
    let clients = ClientModel {
        think: Latency::Exponential {
            min: Duration::from_millis(1),
            mean: Duration::from_millis(60),
        },
        timeout: Duration::from_millis(400),
        active: TROUBLE,
        ..ClientModel::new(4)
    };
    let mut next_value = 0;
    let workload = move |turn: Turn<'_, RegisterRet<u64>>| {
        next_value += 1;
        let op = match turn.random.below(2) {
            0 => RegisterOp::Read,
            _ => RegisterOp::Write(next_value),
        };
        Some((NodeId(turn.random.below(NODES as u64)), op))
    };
    let lossy = Link {
        loss: Probability::percent(1),
        duplicate: Probability::percent(1),
        ..Link::lan()
    };
    let clocks = ClockModel {
        skew: Duration::from_secs(1),
        drift_ppm: 1_000,
    };
    World::builder(RegisterHost(config), NODES, seed)
        .links(lossy)
        .storage(storage)
        .clocks(clocks)
        .faults(plan.schedule(seed))
        .clients(clients, workload)
        .build()
}

fn check(world: &mut World<RegisterHost>) -> Result<(), Violation> {
    world.run_for(Duration::from_secs(3));
    linearizability::check(&Register::new(None), world.history())?;
    Ok(())
}

fn failure_of(build: impl Fn(u64) -> World<RegisterHost>) -> Box<Failure<RegisterOp<u64>>> {
    let found = Runner::new().search(0..1_000, build, check);
    found.expect_err("a thousand seeds show the bug")
}

#[test]
fn with_quorums_that_meet_a_thousand_seeds_are_linearizable() {
    let checked = purlin_sim::run(0..1_000, |seed| world(CORRECT, seed), check);
    assert!(checked > 0);
}

/// The test above proves nothing if nothing goes wrong in it, or if nobody gets an answer.
#[test]
fn the_trouble_is_real() {
    let (mut completed, mut unknown, mut stats) = (0, 0, Stats::default());
    for seed in 0..50 {
        let mut world = world(CORRECT, seed);
        check(&mut world).expect("the register is correct");
        unknown += world.history().open();
        completed += world.history().len() - world.history().open();
        stats.crashes += world.stats().crashes;
        stats.lost += world.stats().lost;
        stats.duplicated += world.stats().duplicated;
        stats.sync_failures += world.stats().sync_failures;
    }
    assert!(completed > 2_000, "{completed} requests were answered");
    assert!(unknown > 50, "{unknown} requests were not");
    assert!(stats.crashes > 10 && stats.lost > 500, "{stats:?}");
    assert!(
        stats.duplicated > 100 && stats.sync_failures > 100,
        "{stats:?}"
    );
}

#[test]
fn quorums_that_do_not_meet_are_found_out_and_shrunk() {
    let config = Config {
        read_quorum: 1,
        ..CORRECT
    };
    let failure = failure_of(|seed| world(config, seed));
    assert!(
        failure.violation.to_string().contains("not linearizable"),
        "{failure}"
    );
    assert!(failure.schedule.len() < failure.incidents, "{failure}");
    let calls = failure.calls.as_ref().expect("a script of calls is enough");
    assert!(
        calls.len() <= 4 && failure.all_calls > 50,
        "a write and two reads are enough: {failure}"
    );

    // The failure can be repeated from what it says: the seed, the schedule, the calls and the
    // luck.
    let replay = |calls: &[Call<RegisterOp<u64>>]| {
        let mut again = world(config, failure.seed);
        again.set_faults(failure.schedule.clone());
        again.set_calls(calls.iter().copied());
        again.set_variation(failure.variation);
        check(&mut again).err()
    };
    assert!(failure.shrunk_violation.is_some());
    assert_eq!(replay(calls), failure.shrunk_violation);
    for left_out in 0..calls.len() {
        let mut fewer = calls.clone();
        fewer.remove(left_out);
        assert_eq!(replay(&fewer), None, "it was shrunk as far as it goes");
    }
}

/// What the world looks like with syncs that often fail and crashes, and nothing else: no write
/// that a sync has promised is ever undone.
#[test]
fn no_failed_sync_undoes_a_later_one() {
    let storage = StorageModel {
        sync_failure: Probability::percent(10),
        ..StorageModel::disk()
    };
    let plan = FaultPlan::new(NODES, TROUBLE)
        .kinds(&[FaultKind::Crash])
        .intensity(400);
    let checked = purlin_sim::run(0..500, |seed| build(CORRECT, storage, &plan, seed), check);
    assert!(checked > 0);
}

/// One bug, one kind of fault: power cuts find the early acknowledgement, and do no harm to the
/// correct register.
#[test]
fn acknowledging_before_durability_needs_crashes_to_show() {
    let early = Config {
        acknowledge_early: true,
        ..CORRECT
    };
    let failure = failure_of(|seed| world_of_power_cuts(early, seed));
    assert!(
        !failure.schedule.is_empty(),
        "without a crash nothing is lost: {failure}"
    );
    let report = failure.to_string();
    for part in ["replay: ", "crash n", "crashes", "<- n", "not linearizable"] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    let checked = purlin_sim::run(0..200, |seed| world_of_power_cuts(CORRECT, seed), check);
    assert!(checked > 0);
}
