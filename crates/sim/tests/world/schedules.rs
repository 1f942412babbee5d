use crate::recorder::{at, ms};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{ClockStep, Fault, FaultKind, FaultPlan, Incident, Probability, Schedule};

const NODE: NodeId = NodeId(0);

#[test]
fn a_plan_of_any_intensity_comes_to_an_end() {
    let plan = FaultPlan::new(3, Duration::from_micros(50)).kinds(&[FaultKind::Loss]);
    let schedule = plan.intensity(u32::MAX).schedule(1);
    // One in 23 ns on average: 2,147 in 50 us, give or take five standard deviations.
    assert!(
        (1_900..2_400).contains(&schedule.len()),
        "{}",
        schedule.len()
    );
}

/// Ten hours of crashes, twice a second: a plan costs what it gives, not its square.
#[test]
fn a_long_plan_is_made_in_no_time() {
    let plan = FaultPlan::new(5, Duration::from_secs(36_000)).kinds(&[FaultKind::Crash]);
    let schedule = plan.intensity(200).schedule(1);
    assert!(schedule.len() > 50_000, "{}", schedule.len());
    let in_step = |incident: &&Incident| matches!(incident.fault, Fault::CrashInStep(_));
    let in_steps = schedule.incidents().iter().filter(in_step).count();
    // Half of them, give or take five standard deviations and more.
    let half = schedule.len() / 2;
    assert!(
        (half - 1_000..half + 1_000).contains(&in_steps),
        "{in_steps}"
    );
}

#[test]
fn every_schedule_reads_back_from_its_text() {
    for nodes in [1, 2, 3] {
        for seed in 0..100 {
            let plan = FaultPlan::new(nodes, Duration::from_secs(20)).max_down(nodes);
            let schedule = plan.schedule(seed);
            assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }
    }
    let odd = [
        Fault::Split([].into_iter().collect()),
        Fault::Cut {
            from: [].into_iter().collect(),
            to: [NodeId(u64::MAX)].into_iter().collect(),
        },
        Fault::Delay(Duration::from_nanos(u64::MAX)),
        Fault::ClockDrift(NODE, i32::MIN),
        Fault::Loss(Probability::ppm(1)),
    ];
    let schedule: Schedule = odd
        .map(|fault| Incident {
            at: Instant::MAX,
            lasts: Duration::from_nanos(u64::MAX),
            fault,
        })
        .into_iter()
        .collect();
    assert_eq!(schedule.to_string().parse(), Ok(schedule));
    let for_ever = Schedule::new().with(at(1), Duration::MAX, Fault::Delay(Duration::MAX));
    let again: Schedule = for_ever
        .to_string()
        .parse()
        .expect("it prints what it reads");
    assert_eq!(again.incidents()[0].until(), Instant::MAX);
}

#[test]
fn the_new_faults_read_as_they_are_written() {
    let second = Duration::from_secs(1);
    for (text, fault) in [
        ("crash-in-step n1", Fault::CrashInStep(NodeId(1))),
        (
            "wall-clock n1 +1s",
            Fault::WallClockStep(NodeId(1), ClockStep::Forward(second)),
        ),
        (
            "wall-clock n0 -1.5s",
            Fault::WallClockStep(NODE, ClockStep::Back(second * 3 / 2)),
        ),
    ] {
        assert_eq!(fault.to_string(), text);
        let schedule = Schedule::new().with(at(1), ms(2), fault);
        assert_eq!(format!("at 1ms for 2ms {text}\n").parse(), Ok(schedule));
    }
    for wrong in [
        "crash-in-step",
        "crash-in-step 1",
        "wall-clock n1 1s",
        "wall-clock n1",
    ] {
        let error = format!("at 1s for 1s {wrong}").parse::<Schedule>();
        assert!(
            error.is_err_and(|error| error.to_string().contains("line 1")),
            "{wrong}"
        );
    }
}

/// What is longer than 584 years is written as that much, whichever fault it is of.
#[test]
fn faults_of_any_length_read_back() {
    let ever = Duration::MAX;
    for fault in [
        Fault::Slow(NODE, ever),
        Fault::Delay(ever),
        Fault::SlowDisk(NODE, ever),
        Fault::ClockStep(NODE, ClockStep::Forward(ever)),
        Fault::ClockStep(NODE, ClockStep::Back(ever)),
        Fault::WallClockStep(NODE, ClockStep::Forward(ever)),
        Fault::WallClockStep(NODE, ClockStep::Back(ever)),
    ] {
        let text = Schedule::new().with(at(1), ever, fault).to_string();
        let again = text.parse::<Schedule>().map(|again| again.to_string());
        assert_eq!(again.as_deref(), Ok(&*text));
    }
}

#[test]
fn a_plan_draws_steps_of_civil_time_both_ways() {
    let plan = FaultPlan::new(3, Duration::from_secs(100)).kinds(&[FaultKind::WallClockStep]);
    let schedule = plan.intensity(200).schedule(1);
    let steps = |matches: fn(&Fault) -> bool| {
        let faults = schedule.incidents().iter().map(|incident| &incident.fault);
        faults.filter(|fault| matches(fault)).count()
    };
    let forward = steps(|fault| matches!(fault, Fault::WallClockStep(_, ClockStep::Forward(_))));
    let back = steps(|fault| matches!(fault, Fault::WallClockStep(_, ClockStep::Back(_))));
    assert_eq!(forward + back, schedule.len());
    assert!(forward > 50 && back > 50, "{forward} {back}");
    assert!(FaultKind::USUAL.contains(&FaultKind::WallClockStep));
}
