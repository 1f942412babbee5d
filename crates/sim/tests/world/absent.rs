//! Nodes that join later.

use crate::recorder::{Do, Script, What, at, ms, takes, tell};
use purlin_core::node::NodeId;
use purlin_sim::{Fault, NodeSet, Schedule, World};

const NODE: NodeId = NodeId(1);

fn set(nodes: &[u64]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

/// Three nodes of which the second is absent.
fn world(script: &Script, faults: Schedule) -> World<Script> {
    let builder = script.world(3, 1).links(takes(1)).faults(faults);
    builder.absent(set(&[1])).build()
}

/// When a node was started, and how often before.
fn starts(script: &Script, node: u64) -> Vec<(u64, u32)> {
    script.of(node, |seen| match seen.what {
        What::Start {
            restarts, nodes: 3, ..
        } => Some((seen.at.as_millis(), restarts)),
        _ => None,
    })
}

#[test]
fn an_absent_node_begins_when_it_is_started_and_only_then() {
    let script = Script::new(|seen| match seen.what {
        What::Start { .. } => vec![Do::Send(0, seen.node), Do::At(seen.at + ms(10))],
        _ => Vec::new(),
    });
    let mut world = world(&script, Schedule::new());
    assert_eq!(world.len(), 3, "it is one of them all the same");
    assert_eq!(
        world.machines().map(|(id, _)| id.0).collect::<Vec<_>>(),
        [0, 2]
    );
    world.run_until(at(70));
    assert!(world.machine(NODE).is_none() && starts(&script, 1).is_empty());
    world.start(NODE);
    assert!(world.machine(NODE).is_some());
    world.run_until(at(200));
    assert_eq!(starts(&script, 1), [(70, 0)]);
    assert_eq!(script.times(1, |what| *what == What::Timeout), [80]);
    assert_eq!(script.messages(0), [(0, 0), (1, 2), (71, 1)]);
    assert_eq!(
        [0, 2].map(|node| starts(&script, node)),
        [[(0, 0)], [(0, 0)]]
    );
    assert_eq!(world.stats().crashes, 0);
}

#[test]
fn what_is_sent_to_an_absent_node_is_lost_and_what_it_is_asked_refused() {
    let script = Script::idle();
    let mut world = world(&script, Schedule::new());
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    tell(&mut world, 1, &[Do::Reply(1)]);
    world.run_until(at(10));
    assert_eq!(world.stats().lost, 1);
    assert_eq!(world.history().len(), 1, "only the one of node 0 is left");
    world.start(NODE);
    tell(&mut world, 0, &[Do::Send(1, 2)]);
    tell(&mut world, 1, &[Do::Reply(1)]);
    world.run_until(at(20));
    assert_eq!(script.numbers(1), [2]);
    let answers = world.history().iter().filter(|op| op.completion.is_some());
    assert_eq!(answers.count(), 1);
}

#[test]
fn a_node_that_was_started_before_is_not_started_again() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(30), ms(20), Fault::Wipe(NODE));
    let mut world = world(&script, faults);
    for moment in [5, 10, 40, 60] {
        world.run_until(at(moment));
        world.start(NODE);
        world.start(NodeId(0));
    }
    world.run_until(at(100));
    assert_eq!(starts(&script, 1), [(5, 0), (50, 1)]);
    assert_eq!(starts(&script, 0), [(0, 0)]);
}

#[test]
fn faults_do_not_start_an_absent_node_nor_crash_it() {
    let script = Script::idle();
    let faults = [
        Fault::Crash(NODE),
        Fault::CrashInStep(NODE),
        Fault::Wipe(NODE),
        Fault::Pause(NODE),
        Fault::Slow(NODE, ms(2)),
        Fault::ClockDrift(NODE, 1_000),
        Fault::SyncErrors(NODE),
    ];
    let faults = (1..)
        .zip(faults)
        .fold(Schedule::new(), |faults, (place, fault)| {
            faults.with(at(10 * place), ms(15), fault)
        });
    let mut world = world(&script, faults);
    world.run_until(at(500));
    assert!(starts(&script, 1).is_empty());
    assert_eq!((world.stats().crashes, world.stats().steps), (0, 0));
    world.start(NODE);
    assert_eq!(starts(&script, 1).len(), 1);
}

#[test]
fn a_node_started_while_a_crash_lasts_begins_when_that_is_over() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(10), ms(40), Fault::Crash(NODE));
    let mut world = world(&script, faults);
    world.run_until(at(20));
    world.start(NODE);
    assert!(world.machine(NODE).is_none());
    world.run_until(at(100));
    assert_eq!(starts(&script, 1), [(50, 0)]);
    assert_eq!(world.stats().crashes, 0);
}

#[test]
fn a_world_may_begin_without_any_node() {
    let script = Script::idle();
    let mut world = script.world(3, 1).absent(set(&[0, 1, 2])).build();
    assert!(!world.step() && script.seen().is_empty());
    for node in [2, 0, 1] {
        world.run_for(ms(5));
        world.start(NodeId(node));
    }
    assert_eq!(
        [0, 1, 2].map(|node| starts(&script, node)[0].0),
        [10, 15, 5]
    );
}

/// A late start changes neither the seed a node starts with nor the luck of the others.
#[test]
fn an_absent_node_starts_with_the_seed_it_would_have_had() {
    let seeds = |absent: &[u64]| {
        let script = Script::idle();
        let mut world = script.world(3, 1).absent(set(absent)).build();
        world.run_until(at(50));
        (0..3).for_each(|node| world.start(NodeId(node)));
        let mut seeds: Vec<(u64, u64)> = Vec::new();
        for seen in script.seen() {
            if let What::Start { seed, .. } = seen.what {
                seeds.push((seen.node, seed));
            }
        }
        seeds.sort_unstable();
        seeds
    };
    assert_eq!(seeds(&[]).len(), 3);
    assert_eq!(seeds(&[]), seeds(&[1]));
    assert_eq!(seeds(&[]), seeds(&[0, 1, 2]));
}
