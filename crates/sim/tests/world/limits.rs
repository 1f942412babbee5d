//! What a user can do through the public interface and must not be able to break: nothing hangs,
//! grows without bound or panics without saying why.

use crate::recorder::{Do, Script, What, at, byte, ms, takes, tell};
use core::num::NonZeroU64;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{
    ClientModel, ClockStep, Fault, FaultPlan, Latency, Link, Probability, StorageModel, Turn, World,
};
use std::panic::catch_unwind;

const NODE: NodeId = NodeId(0);

/// The message of the panic that ends a run.
fn panic_of(mut world: World<Script>) -> String {
    let run = AssertUnwindSafe(move || world.run_for(Duration::from_secs(10)));
    let payload = catch_unwind(run).expect_err("it must not go on for ever");
    *payload.downcast::<String>().expect("it has a message")
}

/// A lease far away, which every message moves on, and a retransmission near by: the pattern of
/// most protocols.
#[test]
fn deadlines_that_come_and_go_leave_nothing_behind() {
    let script = Script::new(|seen| match seen.what {
        What::Message { .. } => vec![Do::At(seen.at + ms(1))],
        What::Timeout => vec![Do::Disarm, Do::At(seen.at + ms(1_000_000))],
        _ => Vec::new(),
    });
    let mut world = script.world(2, 1).links(takes(0)).build();
    for _ in 0..1_000 {
        tell(&mut world, 0, &[Do::Send(1, 1)]);
        world.run_for(ms(10));
    }
    let timeouts = script.times(1, |what| *what == What::Timeout);
    assert_eq!(timeouts.len(), 1_000);
    let mut events = 0;
    world.run_until_true(ms(1_005_000), |_| {
        events += 1;
        false
    });
    assert!(events < 10, "{events} events for one deadline");
}

#[test]
fn a_machine_that_spins_is_found_out_by_name() {
    let script = Script::new(|seen| match seen.what {
        What::Message { .. } | What::Timeout => vec![Do::At(at(3))],
        _ => Vec::new(),
    });
    let mut world = script.world(2, 1).links(takes(5)).build();
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    let message = panic_of(world);
    assert!(message.contains("machine of n1 spins"), "{message}");
    assert!(
        message.contains("0.003"),
        "it names the deadline: {message}"
    );
}

#[test]
fn messages_that_never_take_time_do_not_hang_the_run() {
    let script = Script::new(|seen| match seen.what {
        What::Message { from, .. } => vec![Do::Send(from, 1)],
        _ => Vec::new(),
    });
    let mut world = script.world(2, 1).links(Link::perfect()).build();
    world.run_until(at(7));
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    let message = panic_of(world);
    assert!(message.contains("time stands still at 0.007"), "{message}");
}

#[test]
fn clients_that_never_think_do_not_hang_the_run() {
    for replies in [true, false] {
        let script = Script::new(move |seen| match seen.what {
            What::Request(_) if replies => vec![Do::Reply(1)],
            _ => Vec::new(),
        });
        let model = ClientModel {
            think: Latency::ZERO,
            timeout: Duration::ZERO,
            active: Duration::MAX,
            ..ClientModel::new(1)
        };
        let clients = |_: Turn<'_, u64>| Some((NODE, Vec::new()));
        let world = script.world(1, 1).clients(model, clients).build();
        let message = panic_of(world);
        assert!(message.contains("time stands still"), "{message}");
    }
}

#[test]
fn many_events_at_one_instant_are_fine() {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(Link::perfect()).build();
    for _ in 0..200_000 {
        tell(&mut world, 0, &[Do::Send(1, 1)]);
        world.run_for(Duration::ZERO);
    }
    assert_eq!(world.stats().delivered, 200_000);
}

/// As endless as its outputs: each one asks for another.
struct Endless;

impl purlin_core::machine::Machine for Endless {
    type Input = ();
    type Output = ();
    type Error = core::convert::Infallible;
    fn handle(&mut self, _: Instant, (): ()) -> Result<(), Self::Error> {
        Ok(())
    }
    fn handle_timeout(&mut self, _: Instant) {}
    fn poll_output(&mut self) -> Option<()> {
        Some(())
    }
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

struct EndlessHost;

impl purlin_sim::Host for EndlessHost {
    type Machine = Endless;
    type Message = ();
    type Store = ();
    type Request = ();
    type Reply = ();
    fn start(&self, _: purlin_sim::Boot<'_, ()>) -> Endless {
        Endless
    }
    fn input(&self, _: purlin_sim::Moment, _: purlin_sim::Event<'_, Self>) -> Option<()> {
        Some(())
    }
    fn output(&self, _: purlin_sim::Moment, (): (), _: &mut purlin_sim::Effects<Self>) {}
}

#[test]
#[should_panic(expected = "machine of n0 has no end of outputs")]
fn a_machine_without_end_of_outputs_is_found_out() {
    let _world = World::builder(EndlessHost, 1, 1).build();
}

#[test]
fn a_world_without_timers_ends() {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(takes(5)).build();
    assert!(!world.step(), "nothing was asked for");
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    assert!(world.step() && world.step() && !world.step());
    assert_eq!(world.now(), at(5));
}

#[test]
fn a_world_may_be_empty_or_of_one_node() {
    let script = Script::idle();
    let mut world = script
        .world(0, 1)
        .faults(FaultPlan::new(0, ms(1_000)).schedule(1))
        .build();
    assert!(world.is_empty() && !world.step());
    world.inject(Fault::Split([].into_iter().collect()), ms(5));
    world.set_calls([]);
    world.run_for(ms(100));
    assert!(world.history().is_empty() && world.machines().next().is_none());
    assert!(world.run_until_converged(ms(5), ms(1), |_| 0).is_err());

    let plan = FaultPlan::new(1, Duration::from_secs(100)).max_down(1);
    let mut world = script.world(1, 1).faults(plan.schedule(3)).build();
    world.run_for(Duration::from_secs(200));
    assert!(world.machine(NODE).is_some() && world.stats().crashes > 0);
}

#[test]
fn running_into_the_past_changes_nothing() {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(takes(5)).build();
    world.run_until(at(100));
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    let before = script.seen().len();
    world.run_until(at(50));
    assert_eq!((world.now(), script.seen().len()), (at(100), before));
    world.run_until(at(105));
    assert_eq!(script.messages(1), [(105, 1)]);
}

#[test]
fn never_is_a_time_like_any_other() {
    let script = Script::new(|seen| match seen.what {
        What::Start { .. } => vec![Do::At(Instant::MAX)],
        What::Message { from, .. } => vec![Do::Send(from, 2)],
        _ => Vec::new(),
    });
    let never = Latency::Constant(Duration::MAX);
    let storage = StorageModel {
        write_latency: never,
        sync_latency: never,
        ..StorageModel::disk()
    };
    let link = Link {
        latency: never,
        reorder: Probability::percent(50),
        reorder_delay: never,
        bandwidth: NonZeroU64::new(1),
        ..Link::perfect()
    };
    let mut world = script.world(2, 1).links(link).storage(storage).build();
    for fault in [
        Fault::Delay(Duration::MAX),
        Fault::Delay(Duration::MAX),
        Fault::SlowDisk(NODE, Duration::MAX),
        Fault::SlowDisk(NODE, Duration::MAX),
        Fault::ClockDrift(NODE, i32::MAX),
        Fault::ClockStep(NODE, ClockStep::Forward(Duration::MAX)),
        Fault::ClockStep(NODE, ClockStep::Back(Duration::MAX)),
        Fault::Pause(NodeId(1)),
        Fault::Crash(NodeId(1)),
    ] {
        world.inject(fault, Duration::MAX);
        let told = [
            Do::Send(1, u64::MAX),
            Do::Write(1, byte(1, 1)),
            Do::Sync(1),
            Do::Read(1),
        ];
        tell(&mut world, 0, &told);
        world.run_for(Duration::from_secs(1 << 30));
    }
    world.inject(Fault::Slow(NODE, Duration::MAX), Duration::MAX);
    tell(&mut world, 0, &[]);
    world.run_until(Instant::from_nanos(u64::MAX - 1));
    assert!(script.messages(1).is_empty());
    world.run_until(Instant::MAX);
    assert_eq!(world.now(), Instant::MAX);
}

#[test]
fn waiting_for_nodes_that_never_agree_costs_nothing_while_nothing_happens() {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(takes(1_000)).build();
    let nanosecond = Duration::from_nanos(1);
    tell(&mut world, 0, &[Do::Send(1, 1)]);
    let states = core::cell::Cell::new(0_u64);
    let differ = |_: &_| {
        states.set(states.get() + 1);
        states.get()
    };
    assert!(
        world
            .run_until_converged(Duration::MAX, nanosecond, differ)
            .is_err()
    );
    assert_eq!(world.now(), Instant::MAX);
    assert_eq!(script.messages(1), [(1_000, 1)]);
}
