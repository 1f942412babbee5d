use crate::recorder::{Do, Script, What, at, byte, ms, takes, tell};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{Fault, Latency, Schedule, StorageModel, World};

const NODE: NodeId = NodeId(1);

fn pause(from: u64, until: u64) -> Schedule {
    Schedule::new().with(at(from), ms(until - from), Fault::Pause(NODE))
}

/// Node 1 has a timer at 25 ms, which it sets at its start, and gets the messages it is sent.
fn world(script: &Script, faults: Schedule) -> World<Script> {
    script.world(3, 1).links(takes(1)).faults(faults).build()
}

fn timer_at_25() -> Script {
    Script::new(|seen| match seen.what {
        What::Start { .. } if seen.node == 1 => vec![Do::At(at(25))],
        _ => Vec::new(),
    })
}

fn send_at(world: &mut World<Script>, moments: &[u64]) {
    for moment in moments {
        world.run_until(at(*moment));
        tell(world, 0, &[Do::Send(1, *moment)]);
    }
}

/// All that happened to node 1: messages by their number, timers as 0.
fn happened(script: &Script) -> Vec<(u64, u64)> {
    script.of(1, |seen| match seen.what {
        What::Message { number, .. } => Some((seen.at.as_millis(), number)),
        What::Timeout => Some((seen.at.as_millis(), 0)),
        _ => None,
    })
}

#[test]
fn a_paused_node_handles_everything_late_and_in_order() {
    let script = timer_at_25();
    let mut world = world(&script, pause(10, 50));
    send_at(&mut world, &[5, 15, 30]);
    world.run_until(at(49));
    assert_eq!(happened(&script), [(6, 5)]);
    send_at(&mut world, &[60]);
    world.run_until(at(100));
    assert_eq!(
        happened(&script),
        [(6, 5), (50, 15), (50, 0), (50, 30), (61, 60)]
    );
    assert_eq!(
        script.times(1, |what| matches!(what, What::Start { .. })),
        [0]
    );
    assert_eq!(world.stats().lost, 0);
}

#[test]
fn a_paused_node_keeps_requests_and_its_machine_is_still_there() {
    let script = Script::idle();
    let mut world = world(&script, pause(10, 50));
    world.run_until(at(20));
    tell(&mut world, 1, &[Do::Reply(7)]);
    world.run_until(at(40));
    assert!(world.machine(NODE).is_some());
    assert_eq!(world.history().open(), 1);
    world.run_until(at(50));
    assert_eq!(world.history().open(), 0);
}

#[test]
fn of_two_overlapping_pauses_the_later_end_counts() {
    for (second, end) in [((20, 70), 70), ((20, 30), 50), ((10, 50), 50)] {
        let script = timer_at_25();
        let faults = pause(10, 50).with(at(second.0), ms(second.1 - second.0), Fault::Pause(NODE));
        let mut world = world(&script, faults);
        send_at(&mut world, &[15]);
        world.run_until(at(200));
        assert_eq!(happened(&script), [(end, 15), (end, 0)]);
    }
}

#[test]
fn a_slow_node_takes_that_much_longer_for_everything_and_the_others_do_not() {
    let script = timer_at_25();
    let slow = Schedule::new().with(at(10), ms(90), Fault::Slow(NODE, ms(10)));
    let mut world = world(&script, slow);
    world.run_until(at(20));
    let burst = [
        Do::Send(1, 1),
        Do::Send(1, 2),
        Do::Send(1, 3),
        Do::Send(2, 4),
        Do::Send(2, 5),
    ];
    tell(&mut world, 0, &burst);
    world.run_until(at(95));
    assert_eq!(happened(&script), [(31, 1), (41, 2), (51, 3), (61, 0)]);
    assert_eq!(script.messages(2), [(21, 4), (21, 5)]);
    world.run_until(at(120));
    tell(&mut world, 0, &burst[..2]);
    world.run_until(at(150));
    assert_eq!(happened(&script)[4..], [(121, 1), (121, 2)]);
}

#[test]
fn two_causes_of_slowness_add_up() {
    let script = Script::idle();
    let slow = Schedule::new()
        .with(at(0), ms(100), Fault::Slow(NODE, ms(10)))
        .with(at(0), ms(100), Fault::Slow(NODE, ms(5)));
    let mut world = world(&script, slow);
    tell(
        &mut world,
        0,
        &[Do::Send(1, 1), Do::Send(1, 2), Do::Send(1, 3)],
    );
    world.run_until(at(90));
    assert_eq!(script.messages(1), [(16, 1), (31, 2), (46, 3)]);
}

/// An incident ends when it says: what the node was at work on is then done.
#[test]
fn a_node_is_no_longer_slow_when_the_incident_is_over() {
    let script = Script::idle();
    let slow = Fault::Slow(NODE, Duration::from_secs(3_600));
    let mut world = world(&script, Schedule::new().with(at(0), ms(50), slow));
    tell(
        &mut world,
        0,
        &[Do::Send(1, 1), Do::Send(1, 2), Do::Send(1, 3)],
    );
    world.run_until(at(100));
    assert_eq!(script.messages(1), [(50, 1), (50, 2), (50, 3)]);
}

#[test]
fn a_paused_node_may_be_slow_afterwards() {
    let script = Script::idle();
    let faults = pause(10, 50).with(at(10), ms(190), Fault::Slow(NODE, ms(20)));
    let mut world = world(&script, faults);
    send_at(&mut world, &[15, 16, 17]);
    world.run_until(at(300));
    assert_eq!(script.messages(1), [(70, 15), (90, 16), (110, 17)]);
}

#[test]
fn what_waits_for_a_paused_node_is_bounded_and_the_rest_is_counted_as_lost() {
    let script = Script::idle();
    let mut world = world(&script, pause(0, 100));
    world.run_until(at(1));
    let hundred: Vec<Do> = (0..100).map(|number| Do::Send(1, number)).collect();
    for _ in 0..700 {
        tell(&mut world, 0, &hundred);
    }
    world.run_until(at(200));
    let stats = world.stats();
    assert_eq!(stats.sent, 70_000);
    assert!(stats.lost > 0 && stats.delivered > 10_000, "{stats:?}");
    assert_eq!(stats.delivered + stats.lost, stats.sent);
}

/// Also a node with nothing to do takes its time, and completions of its disk wait for their turn
/// like everything else.
#[test]
fn a_slow_node_handles_requests_and_completions_one_after_the_other() {
    let script = Script::idle();
    let model = StorageModel {
        write_latency: Latency::Constant(ms(1)),
        sync_latency: Latency::Constant(ms(2)),
        ..StorageModel::perfect()
    };
    let faults = Schedule::new().with(at(5), ms(500), Fault::Slow(NODE, ms(10)));
    let builder = script.world(2, 1).storage(model).faults(faults);
    let mut world = builder.build();
    world.run_until(at(20));
    tell(
        &mut world,
        1,
        &[Do::Write(1, byte(1, 1)), Do::Sync(2), Do::Reply(1)],
    );
    world.run_until(at(100));
    let times = |what: What| script.times(1, |seen| *seen == what);
    let asked = script.times(1, |what| matches!(what, What::Request(_)));
    assert_eq!(asked, [30]);
    // Accepted by the disk at 31 and 32.
    assert_eq!(
        (times(What::Written(1)), times(What::Synced(2))),
        (vec![41], vec![51])
    );
    assert_eq!(world.history().open(), 0);
}

/// Who waits, waits no longer because somebody else comes later.
#[test]
fn a_later_arrival_does_not_delay_an_earlier_one() {
    let first = |later: &[u64]| {
        let script = Script::idle();
        let faults = pause(10, 50).with(at(10), ms(190), Fault::Slow(NODE, ms(20)));
        let mut world = world(&script, faults);
        send_at(&mut world, &[15]);
        send_at(&mut world, later);
        world.run_until(at(300));
        script.messages(1)[0]
    };
    assert_eq!(first(&[]), first(&[40]));
}

/// What waits because of a pause takes a slow node its time as well, whichever of the two began
/// first.
#[test]
fn what_waited_for_a_paused_node_is_handled_slowly_by_a_slow_one() {
    for slow_from in [5, 30] {
        let script = Script::idle();
        let slow = Fault::Slow(NODE, ms(60));
        let faults = pause(10, 50).with(at(slow_from), ms(500), slow);
        let mut world = world(&script, faults);
        send_at(&mut world, &[20]);
        world.run_until(at(400));
        let [(handled, 20)] = script.messages(1)[..] else {
            panic!("one message: {:?}", script.messages(1));
        };
        assert!(
            handled >= 21 + 60,
            "slow since {slow_from}, handled at {handled}"
        );
    }
}
