//! What a failure keeps to while it shrinks, and what its report says.

use crate::recorder::{Do, Script, What, at, ms, takes, tell};
use core::cell::RefCell;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{
    Call, ClientModel, Failure, FaultKind, FaultPlan, Latency, Runner, Schedule, Turn, Violation,
    World,
};

const LONG: Duration = Duration::from_secs(10);

type Found = Box<Failure<Vec<Do>>>;

/// Three nodes under many faults, with clients that are always answered.
fn build(seed: u64) -> World<Script> {
    let script = Script::new(|seen| match seen.what {
        What::Request(_) => vec![Do::Reply(1)],
        _ => Vec::new(),
    });
    let plan = FaultPlan::new(3, LONG).kinds(&[FaultKind::Wipe]);
    let clients = ClientModel {
        think: Latency::Constant(ms(100)),
        ..ClientModel::new(2)
    };
    let workload = |turn: Turn<'_, u64>| Some((NodeId(turn.client as u64), Vec::new()));
    let builder = script.world(3, seed).links(takes(3));
    let builder = builder.faults(plan.intensity(200).schedule(seed));
    builder.clients(clients, workload).build()
}

/// Runs to the end and judges by the number of crashes; the first run has many.
fn found(runner: Runner, judge: impl Fn(u64) -> Result<(), Violation>) -> Found {
    let check = |world: &mut World<Script>| {
        world.run_for(LONG);
        judge(world.stats().crashes)
    };
    runner.search(1..2, build, check).expect_err("nodes crash")
}

fn there(failure: &Found) -> String {
    let violation = failure.shrunk_violation.as_ref();
    violation
        .expect("it depends on the world alone")
        .to_string()
}

#[test]
fn shrinking_does_not_slide_to_a_violation_of_another_line() {
    let failure = found(Runner::new(), |crashes| match crashes {
        0 => Ok(()),
        1 | 2 => Err(Violation::new("some")),
        _ => Err(Violation::new("many")),
    });
    assert_eq!(
        (there(&failure).as_str(), failure.schedule.len()),
        ("many", 3)
    );
    let failure = found(Runner::new(), |crashes| match crashes {
        0 => Ok(()),
        _ => Err(Violation::new(format!("{crashes} crashes"))),
    });
    let found = (there(&failure), failure.schedule.len());
    assert_eq!(found, ("1 crashes".to_owned(), 1), "whatever the message");
    assert_ne!(failure.violation.to_string(), "1 crashes");
}

#[test]
fn shrinking_does_not_slide_to_an_error_of_another_type() {
    let failure = found(Runner::new(), |crashes| {
        if crashes > 2 {
            "many".parse::<f64>()?;
        } else if crashes > 0 {
            "some".parse::<u64>()?;
        }
        Ok(())
    });
    assert_eq!(failure.schedule.len(), 3);
    let error = "many".parse::<f64>().map_err(|error| error.to_string());
    assert_eq!(Err(there(&failure)), error.map(drop));
}

#[test]
fn shrinking_does_not_slide_to_a_panic_of_another_place_and_the_place_is_told() {
    let failure = found(Runner::new(), |crashes| {
        assert!(crashes <= 2, "many");
        assert!(crashes == 0, "some");
        Ok(())
    });
    assert_eq!(failure.schedule.len(), 3);
    let told = there(&failure);
    let place = told
        .strip_prefix("panic at ")
        .and_then(|rest| rest.strip_suffix(": many"));
    let place = place.unwrap_or_else(|| panic!("{told}"));
    let parts: Vec<&str> = place.rsplitn(3, ':').collect();
    assert!(parts[2].ends_with("report.rs"), "{told}");
    let numbers: Vec<u32> = parts[..2]
        .iter()
        .filter_map(|part| part.parse().ok())
        .collect();
    assert!(
        numbers.len() == 2 && numbers[1] > 60,
        "a line and a column: {told}"
    );
}

/// The text between the quotes of the report's `set_faults`.
fn reported_schedule(report: &str) -> Schedule {
    let (_, after) = report
        .split_once("world.set_faults(\"")
        .expect("a schedule");
    let (text, rest) = after.split_once("\".parse()").expect("its end");
    assert!(rest.starts_with(".expect("), "{rest}");
    text.parse().expect("it reads back")
}

/// The report's `Call { .. }` lines, read as a person would.
fn reported_calls(report: &str) -> Vec<(u64, usize, u64)> {
    let lines = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Call { "));
    let number = |line: &str, before: &str| -> u64 {
        let (_, rest) = line.split_once(before).expect("the field");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    let calls = lines.map(|line| {
        let client = usize::try_from(number(line, "client: ")).expect("it is small");
        (
            number(line, "Instant::from_nanos("),
            client,
            number(line, "NodeId("),
        )
    });
    calls.collect()
}

#[test]
fn the_report_ends_with_a_test_that_repeats_the_failure() {
    // Five answers of a node that has been started twice, by luck of loss as well.
    let lossy = |seed| {
        let mut world = build(seed);
        world.inject(
            purlin_sim::Fault::Loss(purlin_sim::Probability::percent(30)),
            LONG,
        );
        world
    };
    let check = |world: &mut World<Script>| {
        for _ in 0..20 {
            tell(world, 0, &[Do::Send(2, 1), Do::Send(2, 2)]);
            world.run_for(ms(500));
        }
        let stats = world.stats();
        match stats.crashes > 1 && stats.lost > 14 && world.calls().len() > 2 {
            true => Err(Violation::new("unlucky")),
            false => Ok(()),
        }
    };
    let failure = Runner::new().search(0..50, lossy, check);
    let failure = failure.expect_err("one of fifty is unlucky");
    let report = failure.to_string();
    let seed = failure.seed;
    assert!(report.contains(&format!("as a test, in a world built with seed {seed}:")));
    assert_eq!(reported_schedule(&report), failure.schedule);
    let calls = failure.calls.as_deref().unwrap_or_default();
    let expected: Vec<_> = calls
        .iter()
        .map(|call| (call.at.as_nanos(), call.client, call.node.0))
        .collect();
    assert_eq!(reported_calls(&report), expected);
    assert_eq!(
        report.contains("world.set_calls(["),
        failure.calls.is_some()
    );
    let luck = format!("world.set_variation({});", failure.variation);
    assert_eq!(report.contains(&luck), failure.variation > 0, "{report}");

    let mut again = lossy(seed);
    again.set_faults(reported_schedule(&report));
    if failure.calls.is_some() {
        again.set_calls(calls.to_vec());
    }
    again.set_variation(failure.variation);
    assert_eq!(
        check(&mut again).err().map(|found| found.to_string()),
        Some(there(&failure))
    );
}

/// What is documented of the effort: it is in multiples of the failing run, or of 20,000 steps
/// where that is more.
fn assert_effort_kept(build: impl Fn(u64) -> World<Script>, effort: u32) {
    let costs = RefCell::new(Vec::new());
    let check = |world: &mut World<Script>| {
        world.run_for(LONG);
        costs.borrow_mut().push(world.stats().steps);
        match world.stats().crashes {
            0..=2 => Ok(()),
            _ => Err(Violation::new("many")),
        }
    };
    let runner = Runner::new().shrink_effort(effort);
    let failure = runner.search(1..2, build, check).expect_err("nodes crash");
    let costs = costs.borrow();
    // The first run and the last one, with the trace, are not part of it.
    let shrinking = &costs[1..costs.len() - 1];
    assert_eq!(shrinking.len(), failure.runs as usize);
    let but_last: u64 = shrinking.iter().rev().skip(1).sum();
    let budget = u64::from(effort) * (costs[0] + 1_000).max(20_000);
    assert!(but_last <= budget, "{but_last} steps of {budget}");
    assert!(failure.effort_spent, "{failure}");
    assert!(failure.to_string().contains("the effort is spent"));
}

#[test]
fn the_effort_of_shrinking_is_kept_to_and_said_to_be_spent() {
    let ticking = |seed| {
        let script = Script::new(|seen| match seen.what {
            What::Start { .. } | What::Timeout => vec![Do::At(seen.at + ms(1))],
            _ => Vec::new(),
        });
        let plan = FaultPlan::new(3, LONG).kinds(&[FaultKind::Wipe]);
        let faults = plan.intensity(200).schedule(seed);
        script.world(3, seed).faults(faults).build()
    };
    for effort in [0, 1, 2] {
        assert_effort_kept(build, effort);
        assert_effort_kept(ticking, 3 * effort);
    }
    let failure = found(Runner::new(), |crashes| match crashes {
        0 => Ok(()),
        _ => Err(Violation::new("a crash")),
    });
    assert!(!failure.effort_spent && !failure.to_string().contains("effort is spent"));
}

/// Node 0 gossips for ever; a client asks it three times in the beginning.
fn gossips(seed: u64) -> World<Script> {
    let script = Script::new(|seen| match seen.what {
        What::Start { .. } if seen.node == 0 => vec![Do::At(at(10))],
        What::Timeout => vec![Do::Send(1, 1), Do::At(seen.at + ms(10))],
        What::Request(_) => vec![Do::Reply(7)],
        _ => Vec::new(),
    });
    let mut world = script.world(2, seed).links(takes(1)).build();
    world.set_calls([200, 1_000, 1_005].map(|moment| Call {
        at: at(moment),
        client: 0,
        node: NodeId(0),
        request: Vec::new(),
    }));
    world
}

/// A check at rest looks at what clients were told: what nodes gossip about afterwards does not
/// explain it.
#[test]
fn the_timeline_ends_shortly_after_the_last_word_with_a_client_when_it_failed_at_rest() {
    let at_rest = |world: &mut World<Script>| {
        world.run_until(at(10_000) + Duration::from_micros(5_500));
        Err(Violation::new("at rest"))
    };
    let runner = Runner::new().shrink_effort(0).timeline(40);
    let found = runner.search(0..1, gossips, at_rest).expect_err("always");
    assert_eq!(found.timeline.len(), 40);
    let text = found.timeline.to_string();
    let (before, after) = text.rsplit_once("reply").expect("the last word is there");
    assert!(before.contains("request 2"), "{text}");
    assert_eq!(after.lines().count(), 1 + 40 / 10, "{text}");
}

#[test]
fn the_timeline_ends_with_the_event_at_which_an_invariant_broke() {
    let broken = |world: &mut World<Script>| {
        world.run_checked(LONG, |world| match world.stats().delivered {
            0..=149 => Ok(()),
            _ => Err(Violation::new("enough")),
        })
    };
    let runner = Runner::new().shrink_effort(0).timeline(40);
    let found = runner.search(0..1, gossips, broken).expect_err("always");
    assert_eq!((found.at, found.timeline.len()), (at(1_501), 40));
    let text = found.timeline.to_string();
    let last = text.lines().last().expect("forty events");
    assert!(
        last.contains("1.501000000s") && last.contains("<- n0"),
        "{text}"
    );
}
