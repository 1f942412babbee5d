//! Whoever names a node that does not exist is told so at once, by name. Only messages to such
//! nodes are lost without a word.

use crate::recorder::{Do, Script, at, ms, tell};
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{
    Call, ClientModel, ClockStep, Fault, NodeSet, Probability, Runner, Schedule, World,
};
use std::panic::catch_unwind;

const NODES: usize = 2;

fn set(nodes: &[u64]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

/// All faults that name nodes, with this one for their victim.
fn faults(of: NodeId) -> Vec<Fault> {
    let cut = |from: &[u64], to: &[u64]| Fault::Cut {
        from: set(from),
        to: set(to),
    };
    vec![
        Fault::Crash(of),
        Fault::CrashInStep(of),
        Fault::Wipe(of),
        Fault::Pause(of),
        Fault::Slow(of, ms(1)),
        cut(&[0, of.0], &[1]),
        cut(&[0], &[1, of.0]),
        Fault::Split(set(&[0, of.0])),
        Fault::SyncErrors(of),
        Fault::SlowDisk(of, ms(1)),
        Fault::ClockStep(of, ClockStep::Back(ms(1))),
        Fault::WallClockStep(of, ClockStep::Back(ms(1))),
        Fault::ClockDrift(of, 5),
    ]
}

fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(run())));
    let payload = outcome.expect_err("it names a node that does not exist");
    *payload.downcast::<String>().expect("it has a message")
}

fn later(fault: Fault) -> Schedule {
    let healthy = Schedule::new().with(at(0), ms(1), Fault::Crash(NodeId(1)));
    healthy.with(at(1_000_000), ms(1), fault)
}

fn call(node: u64) -> Call<Vec<Do>> {
    Call {
        at: at(1),
        client: 4,
        node: NodeId(node),
        request: vec![Do::Reply(1)],
    }
}

#[test]
fn faults_of_nodes_that_do_not_exist_are_refused_however_they_come() {
    for stranger in [2, 7, u64::MAX] {
        for fault in faults(NodeId(stranger)) {
            let builder = || Script::idle().world(NODES, 1);
            let mut world = builder().build();
            let messages = [
                panic_of(|| builder().faults(later(fault.clone())).build()),
                panic_of(|| world.set_faults(later(fault.clone()))),
                panic_of(|| world.inject(fault.clone(), ms(1))),
            ];
            for message in messages {
                assert!(message.contains(&format!(" n{stranger},")), "{message}");
                assert!(message.contains(&fault.to_string()), "{message}");
            }
            assert!(world.faults().is_empty(), "the old schedule is still there");
        }
    }
}

#[test]
fn faults_of_nodes_that_exist_are_not_refused() {
    for node in [0, 1] {
        for fault in faults(NodeId(node)) {
            let mut world = Script::idle()
                .world(NODES, 1)
                .faults(later(fault.clone()))
                .build();
            world.set_faults(later(fault.clone()));
            world.inject(fault, ms(1));
        }
    }
    for fault in [
        Fault::Loss(Probability::ALWAYS),
        Fault::Delay(ms(1)),
        Fault::Split(NodeSet::default()),
    ] {
        let mut world = Script::idle()
            .world(0, 1)
            .faults(Schedule::new().with(at(1), ms(1), fault))
            .build();
        world.run_for(ms(10));
    }
}

#[test]
fn requests_to_nodes_that_do_not_exist_are_refused_however_they_come() {
    let mut world = Script::idle().world(NODES, 1).build();
    for stranger in [2, u64::MAX] {
        let name = format!(" n{stranger},");
        let message = panic_of(|| world.request(1, NodeId(stranger), vec![Do::Reply(5)]));
        assert!(
            message.contains(&name) && message.contains("Reply(5)"),
            "{message}"
        );
        let message = panic_of(|| world.set_calls([call(0), call(stranger)]));
        assert!(
            message.contains(&name) && message.contains("c4 asks"),
            "{message}"
        );
    }
    assert!(world.history().is_empty() && world.calls().is_empty());
    let message = panic_of(|| {
        Script::idle()
            .world(0, 1)
            .build()
            .request(1, NodeId(0), vec![])
    });
    assert!(message.contains(" n0,"), "{message}");
}

#[test]
fn a_workload_that_names_one_is_a_violation() {
    let build = |seed| {
        let builder = Script::idle().world(NODES, seed);
        let workload = |_: purlin_sim::Turn<'_, u64>| Some((NodeId(9), Vec::new()));
        builder.clients(ClientModel::new(1), workload).build()
    };
    let check = |world: &mut World<Script>| {
        world.run_for(Duration::from_secs(10));
        Ok(())
    };
    let found = Runner::new().search(0..1, build, check);
    let found = found.expect_err("there is no n9").violation.to_string();
    assert!(found.contains("n9, but there are 2 nodes"), "{found}");
}

#[test]
fn an_unknown_node_cannot_be_started() {
    let mut world = Script::idle().world(NODES, 1).build();
    let message = panic_of(|| world.start(NodeId(2)));
    assert!(message.contains(" n2,"), "{message}");
}

#[test]
fn messages_to_nodes_that_do_not_exist_are_just_lost() {
    let mut world = Script::idle().world(NODES, 1).build();
    tell(&mut world, 0, &[Do::Send(2, 1), Do::Send(u64::MAX, 1)]);
    world.run_for(ms(1_000));
    assert_eq!((world.stats().sent, world.stats().lost), (2, 2));
}
