use crate::recorder::at;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{Fault, FaultKind, FaultPlan, Incident, Probability, Schedule};

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
