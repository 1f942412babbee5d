//! Clients behind a network: requests and replies take time, get lost, arrive twice.

use crate::recorder::{Do, Script, What, at, ms, tell};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{ClientModel, Fault, Latency, Link, NodeSet, Probability, Schedule, Turn, World};

const NODE: NodeId = NodeId(0);

/// Nodes that answer every request at once, with what number of request it was.
fn answers() -> Script {
    Script::new(|seen| match seen.what {
        What::Request(id) => vec![Do::Reply(id.0)],
        _ => Vec::new(),
    })
}

/// One client that asks node 0 ten milliseconds after each answer, for a second.
fn model(one_way: Latency) -> ClientModel {
    behind(Link {
        latency: one_way,
        ..Link::perfect()
    })
}

fn behind(link: Link) -> ClientModel {
    ClientModel {
        think: Latency::Constant(ms(10)),
        timeout: ms(100),
        active: ms(1_000),
        link: Some(link),
        ..ClientModel::new(1)
    }
}

/// Everything arrives twice, somewhen in the next 30 ms.
const TWICE: Link = Link {
    duplicate: Probability::ALWAYS,
    latency: Latency::Uniform {
        min: ms(1),
        max: ms(30),
    },
    ..Link::perfect()
};

fn world(script: &Script, model: ClientModel, faults: Schedule) -> World<Script> {
    let workload = |_: Turn<'_, u64>| Some((NODE, Vec::new()));
    let builder = script.world(2, 1).faults(faults).clients(model, workload);
    builder.build()
}

fn run(model: ClientModel, faults: Schedule) -> (Script, World<Script>) {
    let script = answers();
    let mut world = world(&script, model, faults);
    world.run_until(at(5_000));
    (script, world)
}

fn call_times(world: &World<Script>) -> Vec<u64> {
    let calls = world.calls().iter();
    calls.map(|call| call.at.as_millis()).collect()
}

fn asked(script: &Script) -> Vec<u64> {
    script.times(0, |what| matches!(what, What::Request(_)))
}

fn constant(millis: u64) -> Latency {
    Latency::Constant(ms(millis))
}

#[test]
fn requests_and_replies_are_under_way_for_the_latency_each() {
    let (script, world) = run(model(constant(7)), Schedule::new());
    let times = call_times(&world);
    let expected: Vec<u64> = (0..42).map(|round| 10 + 24 * round).collect();
    assert_eq!(times, expected, "10 ms of thought, 7 ms there, 7 ms back");
    let arrivals: Vec<u64> = times.iter().map(|time| time + 7).collect();
    assert_eq!(asked(&script), arrivals);
    assert_eq!((world.history().len(), world.history().open()), (42, 0));
}

#[test]
fn an_answer_that_takes_longer_than_the_clients_patience_comes_too_late() {
    let (script, world) = run(model(constant(60)), Schedule::new());
    assert_eq!(
        call_times(&world),
        [10, 120, 230, 340, 450, 560, 670, 780, 890, 1_000]
    );
    assert_eq!(asked(&script).len(), 10);
    assert_eq!((world.history().len(), world.history().open()), (10, 10));
}

#[test]
fn requests_and_replies_are_lost_as_often_as_they_say() {
    let outcome = |loss, timeout: u64| {
        let model = ClientModel {
            timeout: ms(timeout),
            active: Duration::from_secs(60),
            ..behind(Link {
                loss,
                ..Link::perfect()
            })
        };
        let script = answers();
        let mut world = world(&script, model, Schedule::new());
        world.run_for(Duration::from_secs(61));
        let made = world.calls().len();
        assert_eq!(world.history().len(), made);
        (made, asked(&script).len(), made - world.history().open())
    };
    let (made, arrived, answered) = outcome(Probability::NEVER, 100);
    assert_eq!((made, arrived, answered), (6_000, 6_000, 6_000));
    let (made, arrived, _) = outcome(Probability::ALWAYS, 20);
    assert_eq!((made, arrived), (2_000, 0));
    // A quarter of the requests and a quarter of the replies, give or take five standard
    // deviations.
    let (made, arrived, answered) = outcome(Probability::percent(25), 10);
    let near = |part: usize, of: usize| {
        let (part, of) = (
            f64::from(u32::try_from(part).unwrap()),
            f64::from(u32::try_from(of).unwrap()),
        );
        (part - 0.75 * of).abs() < 5.0 * (of * 0.75 * 0.25).sqrt()
    };
    assert!(
        near(arrived, made) && near(answered, arrived),
        "{made} {arrived} {answered}"
    );
}

#[test]
fn a_request_may_arrive_twice_under_the_same_number_and_happens_once_for_the_client() {
    let model = behind(TWICE);
    let (script, world) = run(model, Schedule::new());
    let mut arrivals = script.of(0, |seen| match seen.what {
        What::Request(id) => Some(id.0),
        _ => None,
    });
    arrivals.sort_unstable();
    let made = world.calls().len() as u64;
    let twice: Vec<u64> = (0..made).flat_map(|id| [id, id]).collect();
    assert!(made > 15);
    assert_eq!(arrivals, twice);
    assert_eq!(
        (world.history().len() as u64, world.history().open()),
        (made, 0)
    );
    let kinds = world.history().iter().zip(0..);
    for (operation, number) in kinds {
        assert_eq!(
            operation.completion.map(|completion| *completion.ret),
            Some(number)
        );
    }
}

#[test]
fn loss_and_delay_of_the_network_befall_clients_behind_it_and_cuts_do_not() {
    let everybody: NodeSet = [0, 1].map(NodeId).into_iter().collect();
    let second = Duration::from_secs(1);
    let delayed = Schedule::new().with(at(100), second, Fault::Delay(ms(20)));
    let (_, world) = run(model(constant(5)), delayed);
    let times = call_times(&world);
    let expected: Vec<u64> = (0..5).map(|round| 10 + 20 * round).collect();
    assert_eq!(times[..5], expected, "not yet");
    assert_eq!(times[5..8], [110, 170, 230], "20 ms more each way");

    let lost = Schedule::new().with(at(100), second, Fault::Loss(Probability::ALWAYS));
    let (script, world) = run(model(constant(5)), lost);
    assert_eq!(asked(&script).len(), 5);
    assert_eq!(world.history().open(), world.calls().len() - 5);

    let split = Fault::Split([NODE].into_iter().collect());
    let cut = Fault::Cut {
        from: everybody.clone(),
        to: everybody,
    };
    let cuts = Schedule::new()
        .with(at(0), second, cut)
        .with(at(0), second, split);
    let (script, world) = run(model(constant(5)), cuts);
    assert_eq!(
        call_times(&world),
        call_times(&run(model(constant(5)), Schedule::new()).1)
    );
    assert_eq!(
        (asked(&script).len(), world.history().open()),
        (world.calls().len(), 0)
    );
}

/// "Only a crash, a pause or a slow node stands between a client and its answer."
#[test]
fn without_a_network_of_their_own_clients_are_out_of_its_reach() {
    let second = Duration::from_secs(1);
    for fault in [Fault::Delay(ms(20)), Fault::Loss(Probability::ALWAYS)] {
        let beside = ClientModel {
            link: None,
            ..model(constant(0))
        };
        let (_, world) = run(beside, Schedule::new().with(at(0), second, fault));
        let expected: Vec<u64> = (1..=100).map(|round| 10 * round).collect();
        assert_eq!(call_times(&world), expected);
        assert_eq!(world.history().open(), 0);
    }
}

#[test]
fn a_request_of_a_script_arrives_at_once_whatever_befalls_the_network() {
    for fault in [Fault::Delay(ms(20)), Fault::Loss(Probability::ALWAYS)] {
        let script = Script::idle();
        let mut world = script.world(1, 1).build();
        world.inject(fault, ms(100));
        tell(&mut world, 0, &[Do::Reply(1)]);
        world.run_for(ms(0));
        assert_eq!(asked(&script), [0]);
        assert_eq!(world.history().open(), 0);
    }
}

#[test]
fn a_down_node_refuses_what_arrives_while_it_is_down_and_not_what_is_sent_then() {
    let faults = Schedule::new().with(at(12), ms(10), Fault::Wipe(NODE));
    // Sent before the crash, arrives in it: refused. Sent in it, arrives after: answered.
    for (one_way, refused) in [(5, true), (1, false), (13, false)] {
        let script = answers();
        let model = ClientModel {
            active: ms(10),
            ..model(constant(one_way))
        };
        let mut world = world(&script, model, faults.clone());
        world.run_until(at(11));
        assert_eq!((world.calls().len(), world.history().len()), (1, 1));
        world.run_until(at(500));
        assert_eq!(world.history().is_empty(), refused, "{one_way}");
        assert_eq!(world.history().open(), 0);
    }
}

/// Of a request that arrives twice one copy may find the node up and the other one down: it may
/// have happened.
#[test]
fn a_request_is_refused_only_when_no_copy_of_it_was_taken() {
    let (mut both, mut one, mut none) = (0, 0, 0);
    for seed in 0..300 {
        let script = Script::idle();
        let model = ClientModel {
            clients: 0,
            ..behind(TWICE)
        };
        let faults = Schedule::new().with(at(10), ms(10), Fault::Wipe(NODE));
        let builder = script.world(1, seed).faults(faults);
        let mut world = builder.clients(model, |_| None).build();
        tell(&mut world, 0, &[]);
        world.run_until(at(100));
        let copies = asked(&script).len();
        let refused = world.history().is_empty();
        assert_eq!(
            refused,
            copies == 0,
            "seed {seed}: {copies} copies were taken"
        );
        match copies {
            0 => none += 1,
            1 => one += 1,
            _ => both += 1,
        }
    }
    assert!(both > 30 && one > 30 && none > 10, "{both} {one} {none}");
}
