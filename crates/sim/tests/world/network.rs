use crate::recorder::{Do, Script, Seen, What, at, ms, takes, tell};
use core::num::NonZeroU64;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{Fault, Latency, Link, NodeSet, Order, Probability, Schedule, World};

const RANDOM: Latency = Latency::Uniform {
    min: ms(1),
    max: ms(100),
};

/// Sends the numbers from 0, one every millisecond.
fn send_spaced(world: &mut World<Script>, count: u64) {
    for number in 0..count {
        tell(world, 0, &[Do::Send(1, number)]);
        world.run_for(ms(1));
    }
    world.run_for(Duration::from_secs(60));
}

fn spaced(link: Link, count: u64) -> (Script, World<Script>) {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(link).build();
    send_spaced(&mut world, count);
    (script, world)
}

#[test]
fn a_constant_latency_is_exact() {
    let (script, _) = spaced(takes(30), 5);
    let expected: Vec<(u64, u64)> = (0..5).map(|number| (30 + number, number)).collect();
    assert_eq!(script.messages(1), expected);
}

#[test]
fn datagrams_overtake_each_other_and_streams_do_not() {
    let link = |order| Link {
        latency: RANDOM,
        order,
        ..Link::perfect()
    };
    let (datagrams, _) = spaced(link(Order::Any), 300);
    let (stream, _) = spaced(link(Order::Fifo), 300);
    let (datagrams, stream) = (datagrams.numbers(1), stream.numbers(1));
    assert_eq!(stream, (0..300).collect::<Vec<_>>());
    assert!(!datagrams.is_sorted());
    assert_eq!(datagrams.len(), 300);
}

#[test]
fn a_stream_stays_in_order_when_messages_arrive_twice() {
    let link = Link {
        latency: RANDOM,
        duplicate: Probability::percent(50),
        ..Link::perfect()
    };
    let (script, _) = spaced(link, 300);
    assert!(script.numbers(1).len() > 400);
    let mut first_arrivals = script.numbers(1);
    let mut known = std::collections::HashSet::new();
    first_arrivals.retain(|number| known.insert(*number));
    assert_eq!(first_arrivals, (0..300).collect::<Vec<_>>());
}

#[test]
fn loss_and_duplication_happen_as_often_as_they_say() {
    let outcome = |loss, duplicate| {
        let link = Link {
            loss,
            duplicate,
            ..takes(1)
        };
        let (script, world) = spaced(link, 2_000);
        let stats = world.stats();
        assert_eq!(stats.sent, 2_000);
        assert_eq!(stats.delivered, script.numbers(1).len() as u64);
        assert_eq!(stats.sent + stats.duplicated, stats.delivered + stats.lost);
        (stats.lost, stats.duplicated)
    };
    let (never, always) = (Probability::NEVER, Probability::ALWAYS);
    assert_eq!(outcome(never, never), (0, 0));
    assert_eq!(outcome(always, never), (2_000, 0));
    assert_eq!(outcome(never, always), (0, 2_000));
    // Five standard deviations of a binomial distribution with n = 2,000 and p = 0.25 are 97.
    let quarter = Probability::percent(25);
    let (lost, _) = outcome(quarter, never);
    assert!((403..597).contains(&lost), "{lost}");
    let (_, duplicated) = outcome(never, quarter);
    assert!((403..597).contains(&duplicated), "{duplicated}");
}

#[test]
fn the_second_arrival_takes_a_latency_of_its_own() {
    let link = Link {
        latency: RANDOM,
        duplicate: Probability::ALWAYS,
        order: Order::Any,
        ..Link::perfect()
    };
    let (script, _) = spaced(link, 50);
    let arrivals = |number| {
        let matches = |what: &What| matches!(what, What::Message { number: n, .. } if *n == number);
        script.times(1, matches)
    };
    let apart = (0..50).filter(|number| arrivals(*number)[0] != arrivals(*number)[1]);
    assert!(apart.count() > 40);
}

#[test]
fn later_messages_overtake_one_that_is_held_up_even_on_a_stream() {
    let link = Link {
        reorder: Probability::percent(20),
        reorder_delay: Latency::Constant(ms(50)),
        ..takes(10)
    };
    let (script, _) = spaced(link, 200);
    let held_up = script
        .messages(1)
        .iter()
        .filter(|(arrived, number)| arrived - number == 60)
        .count();
    assert!((20..60).contains(&held_up), "{held_up}");
    let on_time = script
        .messages(1)
        .iter()
        .filter(|(arrived, number)| arrived - number == 10)
        .count();
    assert_eq!(held_up + on_time, 200);
    assert!(!script.numbers(1).is_sorted());
}

/// The recorder's messages have as many bytes as their number says.
#[test]
fn a_bandwidth_spaces_messages_exactly_and_each_link_has_its_own() {
    let link = Link {
        bandwidth: NonZeroU64::new(1_000),
        ..takes(5)
    };
    let script = Script::idle();
    let mut world = script.world(3, 1).links(link).build();
    let bursts = [Do::Send(1, 100), Do::Send(1, 50), Do::Send(2, 10)];
    tell(&mut world, 0, &bursts);
    tell(&mut world, 2, &[Do::Send(1, 20)]);
    world.run_until(at(400));
    tell(&mut world, 0, &[Do::Send(1, 30)]);
    world.run_until(at(1_000));
    // 100 bytes take 100 ms, 50 more another 50; the line is idle again at 400 ms. The other links
    // are not in the way.
    assert_eq!(
        script.messages(1),
        [(25, 20), (105, 100), (155, 50), (435, 30)]
    );
    assert_eq!(script.messages(2), [(15, 10)]);
}

#[test]
fn each_direction_of_each_link_is_as_the_topology_says() {
    let script = Script::idle();
    let mut world = script
        .world(3, 1)
        .topology(|from, to| takes(10 * from.0 + to.0))
        .build();
    for from in 0..3 {
        let others = (0..3).filter(|to| *to != from);
        let sends: Vec<Do> = others.map(|to| Do::Send(to, from)).collect();
        tell(&mut world, from, &sends);
    }
    world.run_for(ms(100));
    assert_eq!(script.messages(0), [(10, 1), (20, 2)]);
    assert_eq!(script.messages(1), [(1, 0), (21, 2)]);
    assert_eq!(script.messages(2), [(2, 0), (12, 1)]);
}

/// Node 0 does something at these times by itself: timers are beyond the reach of the network's
/// faults.
fn node_0_at(moments: &[u64], does: impl Fn(&Seen) -> Vec<Do> + 'static) -> Script {
    let timers: Vec<Do> = moments.iter().map(|moment| Do::At(at(*moment))).collect();
    Script::new(move |seen| match seen.what {
        What::Start { .. } if seen.node == 0 => timers.clone(),
        What::Timeout => does(seen),
        _ => Vec::new(),
    })
}

#[test]
fn messages_to_oneself_arrive_at_once_whatever_is_cut_or_lost() {
    let script = node_0_at(&[20], |_| vec![Do::Send(0, 5), Do::Send(1, 6)]);
    let all: NodeSet = [0, 1].map(NodeId).into_iter().collect();
    let link = Link {
        loss: Probability::ALWAYS,
        duplicate: Probability::ALWAYS,
        bandwidth: NonZeroU64::new(1),
        ..takes(50)
    };
    let cut = Fault::Cut {
        from: all.clone(),
        to: all,
    };
    let second = Duration::from_secs(1);
    let faults = Schedule::new()
        .with(at(0), second, cut)
        .with(at(0), second, Fault::Loss(Probability::ALWAYS))
        .with(at(0), second, Fault::Delay(ms(100)));
    let mut world = script.world(2, 1).links(link).faults(faults).build();
    world.run_until(at(5_000));
    assert_eq!(script.messages(0), [(20, 5)]);
    assert!(script.messages(1).is_empty());
}

#[test]
fn messages_to_nodes_that_do_not_exist_are_lost_and_counted() {
    let script = Script::idle();
    let mut world = script.world(2, 1).links(takes(1)).build();
    tell(
        &mut world,
        0,
        &[Do::Send(2, 1), Do::Send(u64::MAX, 2), Do::Send(1, 3)],
    );
    world.run_for(ms(10));
    let stats = world.stats();
    assert_eq!((stats.sent, stats.lost, stats.delivered), (3, 2, 1));
}

#[test]
fn incidents_add_loss_and_delay_and_take_them_away_again() {
    let moments = [50, 120, 160, 220, 270, 320, 360];
    let script = node_0_at(&moments, |seen| vec![Do::Send(1, seen.at.as_millis())]);
    let faults = Schedule::new()
        .with(at(100), ms(100), Fault::Delay(ms(30)))
        .with(at(150), ms(100), Fault::Delay(ms(7)))
        .with(at(300), ms(50), Fault::Loss(Probability::ALWAYS));
    let link = Link {
        order: Order::Any,
        ..takes(1)
    };
    let mut world = script.world(2, 1).links(link).faults(faults).build();
    world.run_until(at(1_000));
    let delays: Vec<(u64, u64)> = script
        .messages(1)
        .iter()
        .map(|(arrived, sent)| (*sent, arrived - sent))
        .collect();
    assert_eq!(
        delays,
        [(50, 1), (120, 31), (160, 38), (220, 8), (270, 1), (360, 1)]
    );
    assert_eq!(world.stats().lost, 1);
}
