use crate::recorder::{Do, Script, What, at, ms, tell};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{ClockModel, ClockStep, Fault, Schedule, World};

const NODE: NodeId = NodeId(0);

/// When, in true time, a timer for this time of the node's clock fires; and what the clock shows
/// then.
fn fires(deadline: Instant, faults: Schedule) -> Vec<(Instant, Instant)> {
    let script = Script::new(move |seen| match seen.what {
        What::Start { .. } => vec![Do::At(deadline)],
        _ => Vec::new(),
    });
    let mut world = script.world(1, 1).faults(faults).build();
    let mut fired = Vec::new();
    while world.step() {
        let shown = script.of(0, |seen| (seen.what == What::Timeout).then_some(seen.at));
        if shown.len() > fired.len() {
            assert_eq!(world.local_time(NODE), shown.last().copied());
            fired.push((world.now(), shown[fired.len()]));
        }
    }
    fired
}

fn drift(ppm: i32) -> Fault {
    Fault::ClockDrift(NODE, ppm)
}

fn step(by: ClockStep) -> Fault {
    Fault::ClockStep(NODE, by)
}

fn near(actual: Instant, expected: Instant) -> bool {
    actual - expected <= Duration::from_nanos(5) && expected - actual <= Duration::from_nanos(5)
}

#[test]
fn clocks_are_exact_unless_told_otherwise() {
    let mut world = Script::idle().world(3, 1).build();
    for moment in [0, 1, 1_000, 86_400_000] {
        world.run_until(at(moment));
        for node in 0..3 {
            assert_eq!(world.local_time(NodeId(node)), Some(at(moment)));
        }
    }
    assert_eq!(world.local_time(NodeId(3)), None);
    assert_eq!(world.local_time(NodeId(u64::MAX)), None);
}

fn clocks(model: ClockModel, seed: u64, moment: Instant) -> Vec<Instant> {
    let script = Script::idle();
    let mut world = script.world(20, seed).clocks(model).build();
    let shown = |world: &World<Script>| -> Vec<Instant> {
        (0..20)
            .filter_map(|node| world.local_time(NodeId(node)))
            .collect()
    };
    let starts: Vec<Instant> = script.seen().iter().map(|seen| seen.at).collect();
    assert_eq!(
        starts,
        shown(&world),
        "nodes are started with their own time"
    );
    world.run_until(moment);
    shown(&world)
}

#[test]
fn each_clock_is_ahead_by_less_than_the_skew_and_stays_so() {
    let model = ClockModel {
        skew: ms(1_000),
        drift_ppm: 0,
    };
    let start = clocks(model, 1, Instant::ORIGIN);
    assert!(start.iter().all(|shown| *shown <= at(1_000)));
    let (least, most) = (start.iter().min(), start.iter().max());
    assert!(least < Some(&at(300)) && most > Some(&at(700)), "{start:?}");
    let later = clocks(model, 1, at(5_000));
    let expected: Vec<Instant> = start.iter().map(|shown| *shown + ms(5_000)).collect();
    assert_eq!(later, expected);
    assert_ne!(start, clocks(model, 2, Instant::ORIGIN));
}

#[test]
fn each_clock_drifts_by_at_most_so_many_parts_per_million() {
    let model = ClockModel {
        skew: Duration::ZERO,
        drift_ppm: 1_000,
    };
    let day = at(86_400_000);
    let shown = clocks(model, 1, day);
    let most = ms(86_400);
    assert!(
        shown
            .iter()
            .all(|shown| *shown <= day + most && *shown >= day - most)
    );
    assert!(shown.iter().any(|shown| *shown > day + most / 3));
    assert!(shown.iter().any(|shown| *shown < day - most / 3));
}

#[test]
fn a_timer_fires_when_the_drifting_clock_shows_its_time() {
    let always = |ppm| Schedule::new().with(at(0), Duration::from_secs(10), drift(ppm));
    for (deadline, ppm, expected) in [
        (100, 0, 100),
        (125, 250_000, 100),
        (80, -200_000, 100),
        (2_000, 1_000_000, 1_000),
    ] {
        let fired = fires(at(deadline), always(ppm));
        assert_eq!(fired.len(), 1);
        assert!(near(fired[0].0, at(expected)), "{ppm}: {fired:?}");
        assert!(fired[0].1 >= at(deadline), "early by its own clock");
    }
}

#[test]
fn drift_during_a_part_of_the_wait_counts_for_that_part() {
    let faults = Schedule::new().with(at(100), ms(100), drift(500_000)).with(
        at(150),
        ms(100),
        drift(-250_000),
    );
    // 100 ms at 1, 50 at 1.5, 50 at 1.25, 50 at 0.75, then at 1: 275 ms shown after 250.
    let fired = fires(at(475), faults);
    assert_eq!(fired.len(), 1);
    assert!(near(fired[0].0, at(450)), "{fired:?}");
}

/// A clock may not run backwards, but when the incident is over it runs as before, however extreme
/// it was.
#[test]
fn after_a_drift_the_clock_runs_as_before() {
    for ppm in [-999_999, -1_000_000, -2_000_000, i32::MIN, i32::MAX, 1] {
        let script = Script::idle();
        let faults =
            Schedule::new()
                .with(at(10), ms(20), drift(ppm))
                .with(at(20), ms(20), drift(ppm));
        let mut world = script.world(1, 1).faults(faults).build();
        let mut before = Instant::ORIGIN;
        for moment in 0..60 {
            world.run_until(at(moment));
            let shown = world.local_time(NODE).expect("it exists");
            assert!(shown >= before, "{ppm}: it runs backwards");
            before = shown;
        }
        world.run_for(ms(1_000));
        let elapsed = world.local_time(NODE).expect("it exists") - before;
        assert_eq!(elapsed, ms(1_000), "drift {ppm}");
    }
}

#[test]
fn clocks_may_drift_by_any_number() {
    let model = ClockModel {
        skew: Duration::ZERO,
        drift_ppm: u32::MAX,
    };
    let shown = clocks(model, 1, at(1_000));
    let exact = shown.iter().filter(|shown| **shown == at(1_000)).count();
    assert!(exact < 2, "{shown:?}");
}

#[test]
fn a_step_forward_during_the_wait_makes_the_timer_fire_earlier() {
    let jump = |by| Schedule::new().with(at(50), ms(0), step(ClockStep::Forward(ms(by))));
    assert_eq!(fires(at(100), jump(30)), [(at(70), at(100))]);
    assert_eq!(fires(at(100), jump(50)), [(at(50), at(100))]);
    assert_eq!(fires(at(100), jump(5_000)), [(at(50), at(5_050))]);
}

#[test]
fn a_step_back_during_the_wait_makes_it_fire_later_and_never_early() {
    let jump = |by| Schedule::new().with(at(50), ms(0), step(ClockStep::Back(ms(by))));
    assert_eq!(fires(at(100), jump(20)), [(at(120), at(100))]);
    assert_eq!(fires(at(100), jump(5_000)), [(at(150), at(100))]);
    let there_and_back = jump(20).with(at(60), ms(0), step(ClockStep::Forward(ms(20))));
    assert_eq!(fires(at(100), there_and_back), [(at(100), at(100))]);
    let often = (0..9).fold(Schedule::new(), |faults, step_number| {
        faults.with(
            at(50 + 10 * step_number),
            ms(0),
            step(ClockStep::Back(ms(10))),
        )
    });
    assert_eq!(fires(at(100), often), [(at(190), at(100))]);
}

#[test]
fn a_step_is_for_one_node_and_for_good() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(50), ms(10), step(ClockStep::Forward(ms(1_000))));
    let mut world = script.world(2, 1).faults(faults).build();
    world.run_until(at(100));
    assert_eq!(world.local_time(NODE), Some(at(1_100)));
    assert_eq!(world.local_time(NodeId(1)), Some(at(100)));
    tell(&mut world, 0, &[]);
    world.run_for(ms(0));
    assert_eq!(
        script.times(0, |what| matches!(what, What::Request(_))),
        [1_100]
    );
}

/// A clock goes on while its node is down, and steps then.
#[test]
fn a_restarted_node_learns_the_time_of_its_clock() {
    let script = Script::idle();
    let faults = Schedule::new()
        .with(at(10), ms(40), Fault::Wipe(NODE))
        .with(at(20), ms(0), step(ClockStep::Forward(ms(500))));
    script.world(1, 1).faults(faults).build().run_until(at(100));
    assert_eq!(script.times(0, |_| true), [0, 550]);
}
