//! What a workload is told at its turn, and requests that nodes refuse.

use crate::recorder::{Do, Script, What, at, ms, takes, tell};
use alloc::rc::Rc;
use core::cell::RefCell;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{
    ClientModel, Fault, Latency, Link, Outcome, Probability, RequestId, Schedule, Turn, World,
};

const NODE: NodeId = NodeId(0);

fn model(clients: usize) -> ClientModel {
    ClientModel {
        think: Latency::Constant(ms(10)),
        timeout: ms(50),
        ..ClientModel::new(clients)
    }
}

/// A turn as it was seen: the time in milliseconds, what became of the last request, and a number
/// from the client's stream.
type Seen = (usize, u64, Option<Outcome<u64>>, u64);

/// A world whose clients ask as they are told, and what they saw.
fn world(
    seed: u64,
    model: ClientModel,
    faults: Schedule,
    asks: impl Fn(u64) -> Vec<Do> + 'static,
) -> (World<Script>, Rc<RefCell<Vec<Seen>>>) {
    let turns = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&turns);
    let workload = move |turn: Turn<'_, u64>| {
        let millis = turn.now.as_millis();
        let luck = turn.random.next_u64();
        seen.borrow_mut()
            .push((turn.client, millis, turn.last, luck));
        Some((NODE, asks(millis)))
    };
    let builder = Script::idle().world(1, seed).faults(faults);
    (builder.clients(model, workload).build(), turns)
}

#[test]
fn a_turn_says_what_became_of_the_last_request() {
    let faults = Schedule::new().with(at(15), ms(10), Fault::Wipe(NODE));
    let asks = |millis| match millis {
        10 => vec![Do::Reply(7)],
        20 => vec![Do::Reply(8)],
        30 => Vec::new(),
        90 => vec![Do::Refuse],
        _ => vec![Do::Reply(millis)],
    };
    let (mut world, turns) = world(1, model(1), faults, asks);
    world.run_until(at(125));
    let expected = [
        (10, None),
        (20, Some(Outcome::Replied(7))),
        (30, Some(Outcome::Refused)),
        (90, Some(Outcome::TimedOut)),
        (100, Some(Outcome::Refused)),
        (110, Some(Outcome::Replied(100))),
        (120, Some(Outcome::Replied(110))),
    ];
    let seen: Vec<_> = turns.borrow().iter().map(|turn| (turn.1, turn.2)).collect();
    assert_eq!(seen, expected);
    // Neither of the refused ones is in the history; the one that nobody answered is.
    assert_eq!((world.history().len(), world.history().open()), (5, 1));
    assert_eq!(world.calls().len(), 7, "but all were made");
}

#[test]
fn each_client_has_a_stream_of_its_own_that_follows_from_the_seed_alone() {
    let streams = |seed, faults, variation| {
        let (mut world, turns) = world(seed, model(3), faults, |_| vec![Do::Reply(1)]);
        world.set_variation(variation);
        world.run_until(at(500));
        let turns = turns.borrow();
        let of = |client| {
            let own = turns.iter().filter(|turn| turn.0 == client);
            own.map(|turn| turn.3).take(10).collect::<Vec<_>>()
        };
        [of(0), of(1), of(2)]
    };
    let first = streams(1, Schedule::new(), 0);
    assert!(first.iter().all(|stream| stream.len() == 10));
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    let faults = Schedule::new().with(at(20), ms(80), Fault::Wipe(NODE));
    assert_eq!(streams(1, faults, 3), first);
    assert_ne!(streams(2, Schedule::new(), 0), first);
}

/// So many clients, which pause for 100 ms on average, wait for a second, never stop, and sit
/// beside the nodes.
#[test]
fn a_client_model_is_as_its_constructor_says() {
    let model = ClientModel::new(7);
    assert_eq!((model.clients, model.timeout), (7, Duration::from_secs(1)));
    assert_eq!(model.active, Duration::MAX);
    assert_eq!(model.link, None);
    let (mut world, turns) = world(1, ClientModel::new(1), Schedule::new(), |_| {
        vec![Do::Reply(1)]
    });
    world.run_for(Duration::from_secs(100));
    // A Poisson process of 1,000 turns, give or take five standard deviations.
    let count = turns.borrow().len();
    assert!((842..1_158).contains(&count), "{count}");
}

/// The first of the answers that a node gives counts, be it a refusal; refusals of nothing are
/// ignored.
#[test]
fn a_refused_request_has_not_happened_unless_it_was_answered_before() {
    let script = Script::idle();
    let mut world = script.world(1, 1).build();
    let told = [
        vec![Do::Reply(1), Do::Refuse],
        vec![Do::Refuse, Do::Reply(2)],
        vec![
            Do::RefuseTo(RequestId(0)),
            Do::RefuseTo(RequestId(99)),
            Do::Reply(3),
        ],
        vec![],
        vec![
            Do::RefuseTo(RequestId(3)),
            Do::RefuseTo(RequestId(u64::MAX)),
        ],
    ];
    for told in told {
        tell(&mut world, 0, &told);
        world.run_for(ms(1));
    }
    let history = world.history().iter();
    let answers: Vec<Option<u64>> = history
        .map(|op| op.completion.map(|end| *end.ret))
        .collect();
    assert_eq!(answers, [Some(1), Some(3), None]);
    assert_eq!(world.history().open(), 1, "the last one refused another");
}

#[test]
fn a_refusal_travels_as_a_reply_does() {
    let network = ClientModel {
        link: Some(takes(5)),
        active: ms(100),
        ..model(1)
    };
    let (mut over, turns) = world(1, network, Schedule::new(), |_| vec![Do::Refuse]);
    over.run_until(at(1_000));
    let times: Vec<u64> = turns.borrow().iter().map(|turn| turn.1).collect();
    assert_eq!(times, [10, 30, 50, 70, 90]);
    assert!(over.history().is_empty());

    let lossy = ClientModel {
        link: Some(Link {
            loss: Probability::percent(50),
            ..takes(5)
        }),
        ..network
    };
    let script = Script::idle();
    let refuses = |_: Turn<'_, u64>| Some((NODE, vec![Do::Refuse]));
    let mut unsure = script.world(1, 1).clients(lossy, refuses).build();
    unsure.set_calls(over.calls().iter().cycle().take(200).cloned());
    unsure.run_until(at(1_000));
    let asked = script
        .times(0, |what| matches!(what, What::Request(_)))
        .len();
    let unknown = unsure.history().open();
    assert_eq!(unsure.history().len(), unknown);
    // Half of the requests arrive, and half of their refusals.
    assert!((65..135).contains(&asked), "{asked}");
    assert!(
        unknown > 200 - asked && unknown < 200,
        "{unknown} of {asked}"
    );
}

/// What a client had asked before a script took its place is answered to nobody.
#[test]
fn nobody_waits_for_what_replaced_clients_had_asked() {
    let script = Script::new(|seen| match seen.what {
        What::Request(_) => vec![Do::Reply(1)],
        _ => Vec::new(),
    });
    let model = ClientModel {
        think: Latency::Constant(ms(10)),
        link: Some(takes(50)),
        ..ClientModel::new(1)
    };
    let mut world = script
        .world(1, 1)
        .clients(model, |_| Some((NodeId(0), Vec::new())))
        .build();
    world.run_until(at(20)); // asked at 10, to be answered at 110
    world.set_calls([]);
    world.run_until(at(500));
    assert_eq!((world.history().len(), world.history().open()), (1, 1));
}
