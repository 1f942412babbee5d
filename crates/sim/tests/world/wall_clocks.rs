//! Civil time: what hosts are told of it, and its jumps.

use crate::recorder::{Do, Script, What, at, ms, tell};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::{Instant, UnixTime};
use purlin_sim::{ClockModel, ClockStep, Fault, Schedule, World};

const NODE: NodeId = NodeId(0);
/// The beginning of 2025: `date -u -d 2025-01-01 +%s`.
const START: UnixTime = UnixTime::from_secs(1_735_689_600);

fn wall(by: ClockStep) -> Fault {
    Fault::WallClockStep(NODE, by)
}

/// The civil time that goes with a time of the clock when nobody has touched it.
fn civil(local: Instant) -> UnixTime {
    START + (local - Instant::ORIGIN)
}

/// Nodes that do something at each of these times of their clock.
fn ticking(moments: &'static [u64]) -> Script {
    Script::new(move |seen| match seen.what {
        What::Start { .. } => moments.iter().map(|moment| Do::At(at(*moment))).collect(),
        What::Timeout => vec![Do::Send(seen.node, 1)],
        _ => Vec::new(),
    })
}

/// The civil times that a node's host was told, with those of its clock in milliseconds.
fn told(script: &Script, node: NodeId) -> Vec<(u64, UnixTime)> {
    let times = script.told_times().into_iter();
    let own = times.filter(|time| time.0 == node);
    own.map(|(_, now, unix_now)| (now.as_millis(), unix_now))
        .collect()
}

#[test]
fn hosts_are_told_the_node_and_both_its_times() {
    let script = ticking(&[500, 900]);
    let model = ClockModel {
        skew: ms(400),
        drift_ppm: 100_000,
    };
    let mut world = script.world(3, 1).clocks(model).build();
    world.run_until(at(2_000));
    let times = script.told_times();
    // A start, and two timers with an output and a message each.
    assert_eq!(times.len(), 3 * (1 + 2 * 2));
    for (node, now, unix_now) in times {
        assert_eq!(unix_now, civil(now));
        let at_that_time = script.of(node.0, |seen| (seen.at == now).then_some(()));
        assert!(!at_that_time.is_empty(), "{node} at {now}");
    }
}

#[test]
fn a_step_of_civil_time_is_for_one_node_for_good_and_for_nothing_else() {
    for (by, shift) in [
        (ClockStep::Forward(ms(3_000)), 3_000_i64),
        (ClockStep::Back(ms(3_000)), -3_000),
    ] {
        let script = ticking(&[10, 60, 200]);
        let faults = Schedule::new().with(at(50), ms(20), wall(by));
        let mut world = script.world(2, 1).faults(faults).build();
        world.run_until(at(1_000));
        let shifted = |local: u64| match u64::try_from(shift) {
            Ok(ahead) => civil(at(local)) + ms(ahead),
            Err(_) => civil(at(local)) - ms(shift.unsigned_abs()),
        };
        // At each time: the output, then its message.
        let (before, after) = ((10, civil(at(10))), [60, 200].map(|at| (at, shifted(at))));
        let expected = [
            (0, START),
            before,
            before,
            after[0],
            after[0],
            after[1],
            after[1],
        ];
        assert_eq!(told(&script, NODE), expected);
        let others = told(&script, NodeId(1));
        assert!(
            others
                .iter()
                .all(|(local, unix)| *unix == civil(at(*local)))
        );
        for node in [0, 1] {
            assert_eq!(
                script.times(node, |what| *what == What::Timeout),
                [10, 60, 200]
            );
            assert_eq!(world.local_time(NodeId(node)), Some(at(1_000)));
        }
    }
}

#[test]
fn steps_add_up_and_outlive_a_restart() {
    let script = Script::idle();
    let faults = Schedule::new()
        .with(at(10), ms(0), wall(ClockStep::Forward(ms(5_000))))
        .with(at(20), ms(40), Fault::Wipe(NODE))
        .with(at(30), ms(0), wall(ClockStep::Back(ms(7_000))));
    let mut world = script.world(1, 1).faults(faults).build();
    world.run_until(at(15));
    tell(&mut world, 0, &[]);
    world.run_until(at(70));
    let seen = told(&script, NODE);
    let expected = [
        (0, START),
        (15, START + ms(5_015)),
        (60, START + ms(60) - ms(2_000)),
    ];
    assert_eq!(seen, expected, "the start of the second life is told too");
}

#[test]
fn a_step_of_the_monotonic_clock_takes_civil_time_with_it() {
    let script = Script::idle();
    let ahead = Fault::ClockStep(NODE, ClockStep::Forward(ms(1_000)));
    let faults = Schedule::new().with(at(10), ms(0), ahead).with(
        at(20),
        ms(0),
        wall(ClockStep::Back(ms(300))),
    );
    let mut world = script.world(1, 1).faults(faults).build();
    for moment in [15, 25] {
        world.run_until(at(moment));
        tell(&mut world, 0, &[]);
    }
    world.run_until(at(30));
    let expected = [
        (0, START),
        (1_015, START + ms(1_015)),
        (1_025, START + ms(725)),
    ];
    assert_eq!(told(&script, NODE), expected);
}

fn civil_after(steps: &[ClockStep]) -> UnixTime {
    let script = Script::idle();
    let mut world: World<Script> = script.world(1, 1).build();
    for by in steps {
        world.inject(wall(*by), Duration::MAX);
    }
    tell(&mut world, 0, &[]);
    world.run_for(ms(1));
    script.told_times().last().expect("it was asked").2
}

/// Civil time cannot be before 1970 nor beyond the year 2554, but a clock that was set there finds
/// back.
#[test]
fn civil_time_may_step_by_any_length() {
    let (ever, half) = (Duration::MAX, Duration::MAX / 2);
    use ClockStep::{Back, Forward};
    assert_eq!(civil_after(&[Back(ever)]), UnixTime::from_nanos(0));
    assert_eq!(
        civil_after(&[Forward(ever)]),
        UnixTime::from_nanos(u64::MAX)
    );
    assert_eq!(civil_after(&[Forward(half), Back(half)]), START);
    assert_eq!(civil_after(&[Back(half), Forward(half)]), START);
    assert_eq!(
        civil_after(&[Forward(ever), Forward(ever), Back(ever), Back(ever)]),
        START
    );
}
