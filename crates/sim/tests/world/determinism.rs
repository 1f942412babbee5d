use crate::recorder::{Do, Script, Seen, What, at, byte, ms};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::RandomExt;
use purlin_core::time::Instant;
use purlin_sim::{
    ClientModel, ClockModel, Fault, FaultPlan, Latency, Link, Probability, Schedule, Stats, Turn,
    World,
};

/// All that can be seen of a run.
#[derive(Debug, PartialEq)]
struct Run {
    trace: String,
    stats: Stats,
    history: String,
    seen: Vec<Seen>,
}

/// Nodes that gossip, write and sync on timers, and answer clients.
fn busy(seen: &Seen) -> Vec<Do> {
    let next = Do::At(seen.at + ms(50));
    match seen.what {
        What::Start { .. } => vec![next],
        What::Timeout => {
            let write = Do::Write(1, byte(seen.node, 7));
            vec![Do::Send((seen.node + 1) % 5, 3), write, Do::Sync(2), next]
        }
        What::Request(_) => vec![Do::Reply(seen.node)],
        _ => Vec::new(),
    }
}

fn build(seed: u64) -> (Script, World<Script>) {
    let script = Script::new(busy);
    let clients = ClientModel {
        think: Latency::Uniform {
            min: ms(1),
            max: ms(100),
        },
        timeout: ms(300),
        active: ms(4_000),
        ..ClientModel::new(3)
    };
    let workload = |turn: Turn<'_, u64>| Some((NodeId(turn.random.below(5)), vec![Do::Send(0, 1)]));
    let world = script
        .world(5, seed)
        .links(Link::wan())
        .clocks(ClockModel {
            skew: ms(100),
            drift_ppm: 500,
        })
        .faults(
            FaultPlan::new(5, Duration::from_secs(4))
                .intensity(500)
                .schedule(seed),
        )
        .clients(clients, workload)
        .trace(usize::MAX)
        .build();
    (script, world)
}

fn outcome(script: &Script, world: &World<Script>) -> Run {
    Run {
        trace: world.trace().to_string(),
        stats: world.stats(),
        history: world.history().to_string(),
        seen: script.seen(),
    }
}

fn run(seed: u64) -> Run {
    let (script, mut world) = build(seed);
    world.run_for(Duration::from_secs(5));
    outcome(&script, &world)
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another_one() {
    for seed in 0..5 {
        let first = run(seed);
        assert!(first.stats.steps > 500 && first.stats.lost > 0 && !first.history.is_empty());
        assert_eq!(first, run(seed));
        let other = run(seed + 100);
        assert_ne!(first.trace, other.trace);
        assert_ne!(first.history, other.history);
    }
}

#[test]
fn worlds_in_one_process_do_not_disturb_each_other() {
    let ((first, mut one), (second, mut two)) = (build(7), build(7));
    while one.now() < at(5_000) {
        one.step();
        two.step();
    }
    assert_eq!(outcome(&first, &one), outcome(&second, &two));
}

#[test]
fn worlds_in_two_threads_run_alike() {
    let there = || {
        let Run { trace, history, .. } = run(3);
        (trace, history)
    };
    let (one, two) = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(there), scope.spawn(there));
        (one.join().expect("it ends"), two.join().expect("it ends"))
    });
    assert_eq!(one, two);
}

/// Running event by event, in many short pieces or at one go makes no difference.
#[test]
fn it_does_not_matter_how_a_world_is_driven() {
    let at_once = run(11);
    let (script, mut world) = build(11);
    for _ in 0..500 {
        world.run_for(ms(10));
    }
    assert_eq!(at_once, outcome(&script, &world));
    let (script, mut world) = build(11);
    world
        .run_checked(Duration::from_secs(5), |_| {
            Ok::<_, purlin_sim::Violation>(())
        })
        .expect("nothing is checked");
    assert_eq!(at_once, outcome(&script, &world));
}

/// Each node but the last sends to the last one, which only listens.
fn arrivals_from(node: u64, faults: Schedule) -> Vec<(Instant, u64)> {
    let script = Script::new(|seen| {
        let next = Do::At(seen.at + ms(5));
        match seen.what {
            What::Start { .. } if seen.node < 3 => vec![next],
            What::Timeout => vec![Do::Send(3, 1), Do::Write(1, byte(1, 1)), Do::Sync(1), next],
            _ => Vec::new(),
        }
    });
    let mut world = script.world(4, 1).links(Link::wan()).faults(faults).build();
    world.run_for(Duration::from_secs(2));
    script.of(3, |seen| match seen.what {
        What::Message { from, number } if from == node => Some((seen.at, number)),
        _ => None,
    })
}

#[test]
fn a_fault_of_one_node_does_not_change_the_luck_of_the_others() {
    let second = NodeId(1);
    let none = |node| arrivals_from(node, Schedule::new());
    for fault in [
        Fault::Crash(second),
        Fault::CrashInStep(second),
        Fault::Wipe(second),
        Fault::Pause(second),
        Fault::Slow(second, ms(7)),
        Fault::SyncErrors(second),
        Fault::SlowDisk(second, ms(100)),
        Fault::ClockDrift(second, 50_000),
    ] {
        let faults = Schedule::new().with(at(500), ms(700), fault.clone());
        for other in [0, 2] {
            let arrivals = arrivals_from(other, faults.clone());
            assert!(arrivals.len() > 300);
            assert_eq!(arrivals, none(other), "{fault} touches node {other}");
        }
        if !matches!(fault, Fault::SyncErrors(_) | Fault::SlowDisk(..)) {
            assert_ne!(arrivals_from(1, faults), none(1), "{fault} does nothing");
        }
    }
}

#[test]
fn a_variation_changes_the_luck_of_links_and_leaves_clients_and_faults_alone() {
    let varied = |variation| {
        let (script, mut world) = build(5);
        world.set_variation(variation);
        world.run_for(Duration::from_secs(5));
        let calls: Vec<Instant> = world.calls().iter().map(|call| call.at).collect();
        (
            world.faults().clone(),
            calls[..3].to_vec(),
            outcome(&script, &world).trace,
        )
    };
    let (original, first, second) = (varied(0), varied(1), varied(2));
    assert_eq!(original.2, run(5).trace);
    assert_eq!(first, varied(1));
    assert_eq!((&original.0, &original.1), (&first.0, &first.1));
    assert_ne!(original.2, first.2);
    assert_ne!(first.2, second.2);
}

/// The seed of each start, by node and number of restarts.
fn boot_seeds(faults: Schedule, link: Link, variation: u64) -> BTreeMap<(u64, u32), u64> {
    let script = Script::idle();
    let mut world = script.world(3, 1).links(link).faults(faults).build();
    world.set_variation(variation);
    for moment in 0..20 {
        world.run_until(at(5 * moment));
        world.request(1, NodeId(2), vec![Do::Send(0, 1), Do::Send(1, 1)]);
    }
    let seeds = script
        .seen()
        .into_iter()
        .filter_map(|seen| match seen.what {
            What::Start { seed, restarts, .. } => Some(((seen.node, restarts), seed)),
            _ => None,
        });
    seeds.collect()
}

#[test]
fn each_start_of_each_node_has_a_seed_of_its_own_whatever_else_happens() {
    let wipe = |node| Fault::Wipe(NodeId(node));
    let faults = Schedule::new()
        .with(at(10), ms(10), wipe(0))
        .with(at(50), ms(10), wipe(0))
        .with(at(50), ms(10), wipe(1));
    let seeds = boot_seeds(faults.clone(), Link::lan(), 0);
    assert_eq!(seeds.len(), 6);
    let different: BTreeSet<u64> = seeds.values().copied().collect();
    assert_eq!(different.len(), 6);
    for variation in 1..5 {
        assert_eq!(boot_seeds(faults.clone(), Link::lan(), variation), seeds);
    }
    let worse = faults.with(at(5), ms(50), Fault::Pause(NodeId(1))).with(
        at(12),
        ms(20),
        Fault::Loss(Probability::percent(50)),
    );
    let others = boot_seeds(worse, Link::wan(), 3);
    assert_eq!(others, seeds);
}
