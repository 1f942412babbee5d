use crate::recorder::{Do, Script, Seen, What, at, ms, takes};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::RandomExt;
use purlin_core::time::Instant;
use purlin_sim::{Call, ClientModel, Fault, Latency, RequestId, Schedule, Turn, World};

/// Whoever is asked asks the next node, which sends the number back; then it answers.
fn by_way_of_the_next(seen: &Seen) -> Vec<Do> {
    let next = (seen.node + 1) % 3;
    match seen.what {
        What::Request(id) => vec![Do::Send(next, id.0)],
        What::Message { from, number } if from == next => {
            vec![Do::ReplyTo(RequestId(number), number)]
        }
        What::Message { from, number } => vec![Do::Send(from, number)],
        _ => Vec::new(),
    }
}

fn model(clients: usize, think: u64, timeout: u64, active: u64) -> ClientModel {
    ClientModel {
        think: Latency::Constant(ms(think)),
        timeout: ms(timeout),
        active: ms(active),
        ..ClientModel::new(clients)
    }
}

fn node_0(_: Turn<'_, u64>) -> Option<(NodeId, Vec<Do>)> {
    Some((NodeId(0), Vec::new()))
}

fn world(script: &Script, one_way: u64, clients: ClientModel, faults: Schedule) -> World<Script> {
    let builder = script.world(3, 1).links(takes(one_way)).faults(faults);
    builder.clients(clients, node_0).build()
}

/// When calls were made, in milliseconds.
fn call_times(world: &World<Script>) -> Vec<u64> {
    world
        .calls()
        .iter()
        .map(|call| call.at.as_millis())
        .collect()
}

#[test]
fn a_client_thinks_asks_waits_and_thinks_again() {
    let script = Script::new(by_way_of_the_next);
    let mut world = world(&script, 5, model(1, 10, 1_000, 70), Schedule::new());
    world.run_until(at(500));
    // 10 ms to think and 10 ms for the answer; the last moment to begin is included.
    assert_eq!(call_times(&world), [10, 30, 50, 70]);
    assert_eq!((world.history().len(), world.history().open()), (4, 0));
    let asked = script.times(0, |what| matches!(what, What::Request(_)));
    assert_eq!(
        asked,
        [10, 30, 50, 70],
        "a request reaches its node at once"
    );
}

#[test]
fn a_client_that_loses_patience_asks_again_and_the_late_answer_is_ignored() {
    let script = Script::new(by_way_of_the_next);
    let mut world = world(&script, 50, model(1, 10, 30, 60), Schedule::new());
    world.run_until(at(500));
    assert_eq!(call_times(&world), [10, 50]);
    assert_eq!(
        script.times(0, |what| matches!(what, What::Message { .. })),
        [110, 150]
    );
    assert_eq!((world.history().len(), world.history().open()), (2, 2));
}

#[test]
fn a_request_to_a_node_that_is_down_is_refused_and_not_in_the_history() {
    let script = Script::new(by_way_of_the_next);
    let faults = Schedule::new().with(at(5), ms(50), Fault::Wipe(NodeId(0)));
    let mut world = world(&script, 1, model(1, 20, 1_000, 100), faults);
    world.run_until(at(500));
    // Refused at 20 and 40, answered after 2 ms from 60 on.
    assert_eq!(call_times(&world), [20, 40, 60, 82]);
    assert_eq!((world.history().len(), world.history().open()), (2, 0));
}

#[test]
fn what_a_node_was_asked_before_it_crashed_is_unknown_for_ever() {
    let script = Script::new(by_way_of_the_next);
    let faults = Schedule::new().with(at(12), ms(10), Fault::Wipe(NodeId(0)));
    let mut world = world(&script, 5, model(1, 10, 30, 20), faults);
    world.run_until(at(500));
    assert_eq!((world.history().len(), world.history().open()), (1, 1));
}

#[test]
fn of_two_answers_the_first_counts_and_answers_to_nobody_are_ignored() {
    let script = Script::new(|seen| match seen.what {
        What::Request(id) => vec![
            Do::ReplyTo(RequestId(id.0 + 1), 9),
            Do::ReplyTo(RequestId(u64::MAX), 9),
            Do::Reply(1),
            Do::Reply(2),
        ],
        _ => Vec::new(),
    });
    let mut world = world(&script, 5, model(1, 10, 1_000, 40), Schedule::new());
    world.run_until(at(500));
    let answers: Vec<u64> = world
        .history()
        .iter()
        .filter_map(|operation| Some(*operation.completion?.ret))
        .collect();
    assert_eq!(answers, [1, 1, 1, 1]);
}

#[test]
fn a_workload_that_ends_ends_for_that_client_only() {
    let script = Script::new(by_way_of_the_next);
    let mut asked = [0; 3];
    let workload = move |turn: Turn<'_, u64>| {
        let client = turn.client;
        asked[client] += 1;
        (asked[client] <= 1 + 2 * client).then(|| (NodeId(client as u64), Vec::new()))
    };
    let mut world = script
        .world(3, 1)
        .clients(model(3, 10, 1_000, 5_000), workload)
        .build();
    world.run_until(at(5_000));
    let processes: Vec<u64> = world.history().iter().map(|op| op.process).collect();
    let of = |process| processes.iter().filter(|other| **other == process).count();
    assert_eq!([0, 1, 2].map(of), [1, 3, 5]);
    let clients: Vec<u64> = world
        .calls()
        .iter()
        .map(|call| call.client as u64)
        .collect();
    assert_eq!(clients, processes, "a client is a process of the history");
}

fn random_clients(script: &Script, seed: u64) -> World<Script> {
    let model = ClientModel {
        think: Latency::Uniform {
            min: ms(1),
            max: ms(30),
        },
        timeout: ms(60),
        active: ms(1_000),
        ..ClientModel::new(4)
    };
    let workload = |turn: Turn<'_, u64>| Some((NodeId(turn.random.below(3)), Vec::new()));
    let faults = Schedule::new()
        .with(at(300), ms(100), Fault::Wipe(NodeId(1)))
        .with(at(600), ms(100), Fault::Delay(ms(40)));
    script
        .world(3, seed)
        .faults(faults)
        .clients(model, workload)
        .build()
}

/// What lies entirely before something else in true time does so in the history too.
#[test]
fn the_order_of_the_history_is_that_of_true_time() {
    let script = Script::new(by_way_of_the_next);
    let mut world = random_clients(&script, 1);
    let mut ended: Vec<Option<Instant>> = Vec::new();
    while world.now() < at(2_000) && world.step() {
        ended.resize(world.history().len(), None);
        for (place, op) in world.history().iter().enumerate() {
            if op.completion.is_some() && ended[place].is_none() {
                ended[place] = Some(world.now());
            }
        }
    }
    // Without refusals the operations are the calls.
    let calls: Vec<&Call<_>> = world.calls().iter().collect();
    let operations: Vec<_> = world.history().iter().collect();
    assert!(operations.len() > 50);
    let mut begun = calls
        .iter()
        .filter(|call| call.node != NodeId(1) || !(at(300)..at(400)).contains(&call.at));
    let begun: Vec<Instant> = operations
        .iter()
        .map(|_| begun.next().map_or(Instant::MAX, |call| call.at))
        .collect();
    for (first, end) in ended.iter().enumerate() {
        for second in 0..operations.len() {
            let (Some(end), Some(completion)) = (end, operations[first].completion) else {
                continue;
            };
            if *end < begun[second] {
                assert!(completion.at < operations[second].call);
            }
            if begun[second] < *end {
                assert!(operations[second].call < completion.at);
            }
        }
    }
}

/// A script of the same calls is the same run: with the same patience, and the same answers.
#[test]
fn the_calls_of_a_run_repeat_it() {
    for seed in 0..20 {
        let script = Script::new(by_way_of_the_next);
        let mut original = random_clients(&script, seed);
        original.run_until(at(3_000));
        let again = Script::new(by_way_of_the_next);
        let mut scripted = random_clients(&again, seed);
        scripted.set_calls(original.calls().to_vec());
        scripted.run_until(at(3_000));
        assert_eq!(scripted.calls(), original.calls());
        assert_eq!(
            scripted.history().to_string(),
            original.history().to_string()
        );
        assert_eq!(again.seen(), script.seen());
        assert!(original.history().open() > 0);
    }
}

#[test]
fn calls_that_lie_in_the_past_are_made_at_once_and_the_clients_fall_silent() {
    let script = Script::new(by_way_of_the_next);
    let mut world = world(&script, 1, model(2, 10, 1_000, 5_000), Schedule::new());
    world.run_until(at(105));
    let before = world.calls().len();
    let call = |moment, client| Call {
        at: at(moment),
        client,
        node: NodeId(2),
        request: Vec::new(),
    };
    world.set_calls([call(300, 77), call(50, 0), call(200, 1)]);
    world.run_until(at(1_000));
    assert_eq!(call_times(&world)[before..], [105, 200, 300]);
    let asked = script.times(2, |what| matches!(what, What::Request(_)));
    assert_eq!(asked, [105, 200, 300]);
    assert_eq!(world.history().iter().last().map(|op| op.process), Some(77));
    assert_eq!(world.history().open(), 0);
}

#[test]
fn a_script_needs_no_client_model() {
    let script = Script::new(by_way_of_the_next);
    let mut world = script.world(3, 1).links(takes(50)).build();
    world.set_calls([Call {
        at: at(10),
        client: 0,
        node: NodeId(0),
        request: Vec::new(),
    }]);
    world.run_for(Duration::from_secs(1));
    assert_eq!((world.history().len(), world.history().open()), (1, 0));
}

#[test]
fn of_two_scripts_only_the_last_one_plays() {
    let script = Script::new(by_way_of_the_next);
    let mut world = script.world(3, 1).links(takes(1)).build();
    let calls = |moments: [u64; 3], client| {
        moments.map(|moment| Call {
            at: at(moment),
            client,
            node: NodeId(2),
            request: Vec::new(),
        })
    };
    world.set_calls(calls([10, 40, 60], 1));
    world.set_calls(calls([20, 50, 90], 2));
    world.run_until(at(45));
    assert_eq!(call_times(&world), [20], "the first script is silent");
    world.set_calls(calls([30, 70, 80], 3));
    world.run_until(at(500));
    assert_eq!(call_times(&world), [20, 45, 70, 80]);
    let clients: Vec<usize> = world.calls().iter().map(|call| call.client).collect();
    assert_eq!(clients, [2, 3, 3, 3]);
    assert_eq!(world.history().open(), 0);
    world.set_calls([]);
    assert_eq!(world.calls().len(), 4);
}
