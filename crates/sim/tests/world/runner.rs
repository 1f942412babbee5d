use crate::recorder::{Do, Script, What, ms, takes, tell};
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{
    ClientModel, Failure, Fault, FaultKind, FaultPlan, Incident, Latency, Runner, Turn, Violation,
    World, run,
};
use std::panic::catch_unwind;
use std::process::Command;

const LONG: Duration = Duration::from_secs(10);

/// Three nodes that answer their clients, with many crashes.
fn build(seed: u64) -> World<Script> {
    let script = Script::new(|seen| match seen.what {
        What::Request(_) => vec![Do::Reply(seen.life.into()), Do::Send(2, 1)],
        _ => Vec::new(),
    });
    let plan = FaultPlan::new(3, LONG).kinds(&[FaultKind::Crash, FaultKind::Loss]);
    let clients = ClientModel {
        think: Latency::Constant(ms(100)),
        timeout: ms(50),
        active: LONG,
        ..ClientModel::new(2)
    };
    let workload = |turn: Turn<'_, u64>| Some((NodeId(turn.client as u64), Vec::new()));
    script
        .world(3, seed)
        .links(takes(3))
        .faults(plan.intensity(200).schedule(seed))
        .clients(clients, workload)
        .build()
}

/// Fails when a node that was restarted twice has answered.
fn no_third_life(world: &mut World<Script>) -> Result<(), Violation> {
    world.run_checked(LONG, |world| {
        let mut answers = world.history().iter().filter_map(|op| op.completion);
        match answers.any(|answer| *answer.ret >= 2) {
            true => Err(Violation::new("a third life")),
            false => Ok(()),
        }
    })
}

fn failure(runner: Runner) -> Box<Failure<Vec<Do>>> {
    let found = runner.search(0..100, build, no_third_life);
    found.expect_err("nodes crash twice")
}

#[test]
fn a_failure_is_shrunk_to_what_it_needs_and_its_parts_repeat_it() {
    let failure = failure(Runner::new());
    assert_eq!(
        failure.schedule.len(),
        2,
        "two crashes of one node: {failure}"
    );
    let in_step = |incident: &&Incident| matches!(incident.fault, Fault::CrashInStep(_));
    let in_steps = failure.schedule.incidents().iter().filter(in_step).count();
    let calls = failure.calls.clone().expect("a script is enough");
    assert_eq!(
        calls.len(),
        1 + in_steps,
        "one question afterwards, and one for each step to crash in: {failure}"
    );
    assert!(failure.incidents > 5 && failure.all_calls > 1);
    let mut world = build(failure.seed);
    world.set_faults(failure.schedule.clone());
    world.set_calls(calls);
    world.set_variation(failure.variation);
    assert_eq!(no_third_life(&mut world).err(), failure.shrunk_violation);
    assert_eq!(world.now(), failure.at);
    let parsed = failure.schedule.to_string().parse();
    assert_eq!(parsed, Ok(failure.schedule));
}

#[test]
fn the_first_failing_seed_is_reported() {
    let failing = |seed| no_third_life(&mut build(seed)).is_err();
    let first = (0..100).find(|seed| failing(*seed));
    assert_eq!(Some(failure(Runner::new().shrink_effort(0)).seed), first);
    let passing = Runner::new().search(0..10, build, |_| Ok(()));
    assert_eq!(passing.expect("nothing is checked"), 10);
}

#[test]
fn without_runs_for_shrinking_the_failure_is_the_whole_run() {
    let failure = failure(Runner::new().shrink_effort(0).timeline(7));
    assert_eq!((failure.runs, failure.variation), (0, 0));
    assert_eq!(&failure.schedule, build(failure.seed).faults());
    assert_eq!(failure.schedule.len(), failure.incidents);
    assert_eq!(failure.calls, None, "the world's own clients");
    assert!(failure.effort_spent);
    assert!(failure.shrunk_violation.is_some(), "{failure}");
    assert_eq!(failure.timeline.len(), 7, "{}", failure.timeline);
    let lines = failure.timeline.to_string().lines().count();
    assert_eq!(lines, 1 + 7, "{}", failure.timeline);
}

#[test]
fn a_panic_of_a_machine_or_check_is_a_violation() {
    let machine = || {
        Script::new(|seen| match seen.what {
            What::Message { number, .. } => panic!("message {number} is too much"),
            _ => Vec::new(),
        })
    };
    let send = |world: &mut World<Script>| {
        tell(world, 0, &[Do::Send(1, 5)]);
        world.run_for(LONG);
        Ok(())
    };
    let found = Runner::new().search(3..4, |seed| machine().world(2, seed).build(), send);
    let found = found.expect_err("it panics");
    assert_eq!(found.seed, 3);
    assert!(
        found
            .violation
            .to_string()
            .contains("message 5 is too much"),
        "{found}"
    );

    let found = Runner::new().search(4..5, build, |_| panic!("checked"));
    let found = found.expect_err("it panics");
    assert!(
        found.violation.to_string().ends_with(": checked")
            && found.violation.to_string().starts_with("panic at "),
        "{found}"
    );
}

#[test]
fn a_panic_at_the_start_of_a_node_names_the_seed() {
    let build = |seed| {
        let script = Script::new(move |seen| match (&seen.what, seed) {
            (What::Start { .. }, 7) => panic!("cannot start"),
            _ => Vec::new(),
        });
        script.world(2, seed).build()
    };
    let found = Runner::new().search(0..10, build, |_| Ok(()));
    let found = found.expect_err("seed 7 panics");
    assert_eq!(found.seed, 7);
    let report = found.to_string();
    assert!(
        report.contains("seed 7 fails: panic at ") && report.contains(": cannot start\n"),
        "{report}"
    );
}

#[test]
fn a_check_that_depends_on_something_else_is_reported_as_such() {
    let runs = AtomicU64::new(0);
    let flaky = |_: &mut World<Script>| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Violation::new("the first run fails")),
        _ => Ok(()),
    };
    let found = Runner::new().search(0..1, build, flaky).expect_err("once");
    assert_eq!(found.shrunk_violation, None);
    assert!(
        found
            .to_string()
            .contains("depends on something beside the world")
    );
}

/// Requests that were given up count in the script too: nobody is accused in vain.
#[test]
fn a_check_that_depends_on_nothing_else_is_not_accused() {
    let slow = |seed| {
        let script = Script::new(|seen| match seen.what {
            What::Request(id) => vec![Do::Send(1, id.0)],
            What::Message { from: 0, number } => vec![Do::Send(0, number)],
            What::Message { number, .. } => {
                vec![Do::ReplyTo(purlin_sim::RequestId(number), 1)]
            }
            _ => Vec::new(),
        });
        let clients = ClientModel {
            think: Latency::Constant(ms(100)),
            timeout: ms(50),
            active: ms(3_000),
            ..ClientModel::new(1)
        };
        let workload = |_: Turn<'_, u64>| Some((NodeId(0), Vec::new()));
        let world = script.world(2, seed).links(takes(40));
        world.clients(clients, workload).build()
    };
    let nothing_unknown = |world: &mut World<Script>| {
        world.run_for(LONG);
        match world.history().open() {
            0 => Ok(()),
            open => Err(Violation::new(format!("{open} open"))),
        }
    };
    let found = Runner::new().search(0..1, slow, nothing_unknown);
    let found = found.expect_err("answers are late");
    let there = found.shrunk_violation.as_ref().map(ToString::to_string);
    assert_eq!(there.as_deref(), Some("1 open"), "{found}");
    assert_eq!(found.calls.as_ref().map(Vec::len), Some(1), "{found}");
}

#[test]
fn a_report_can_be_read() {
    let checked = AssertUnwindSafe(|| run(0..100, build, no_third_life));
    let payload = catch_unwind(checked).expect_err("it panics with the report");
    let report = payload.downcast::<String>().expect("it is text");
    let seed = failure(Runner::new().shrink_effort(0)).seed;
    for part in [
        format!("seed {seed} fails: a third life\n"),
        format!("replay: PURLIN_SEED={seed} cargo test -p purlin-sim runner::a_report_can_be_read"),
        "there: a third life\n".to_owned(),
        ": crash".to_owned(),
        format!("as a test, in a world built with seed {seed}:\n"),
        "    world.set_faults(\"\n        at ".to_owned(),
        "    world.set_calls([\n        Call { at: Instant::from_nanos(".to_owned(),
        "  request ".to_owned(),
        "starts\n".to_owned(),
    ] {
        assert!(report.contains(&part), "{part:?} is missing in {report}");
    }
    assert!(report.lines().count() < 80, "{report}");
}

/// Prints the seeds that it runs; the test below runs it again with another environment.
#[test]
fn seeds_of_a_run() {
    let seeds = core::cell::RefCell::new(Vec::new());
    let build = |seed| {
        seeds.borrow_mut().push(seed);
        Script::idle().world(1, seed).build()
    };
    let checked = run(40..43, build, |_| Ok(()));
    assert_eq!(checked, seeds.borrow().len() as u64);
    println!("seeds {:?}", seeds.borrow());
}

#[test]
fn the_environment_chooses_other_seeds() {
    let output = |seeds: Option<&str>| {
        let binary = std::env::current_exe().expect("a test has a binary");
        let mut command = Command::new(binary);
        command.args(["runner::seeds_of_a_run", "--exact", "--nocapture"]);
        command.env_remove("PURLIN_SEED");
        command.envs(seeds.map(|seeds| ("PURLIN_SEED", seeds)));
        let output = command.output().expect("it runs");
        let printed = [output.stdout, output.stderr].concat();
        String::from_utf8(printed).expect("it is text")
    };
    assert!(output(None).contains("seeds [40, 41, 42]"));
    assert!(output(Some("7")).contains("seeds [7]"));
    assert!(output(Some("0x10..19")).contains("seeds [16, 17, 18]"));
    let refused = output(Some("seven"));
    assert!(
        refused.contains("FAILED") && refused.contains("\"seven\""),
        "{refused}"
    );
}
