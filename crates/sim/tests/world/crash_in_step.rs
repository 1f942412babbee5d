//! Crashes in the middle of what a step puts out.

use crate::recorder::{Do, Script, What, at, byte, ms, takes, tell};
use purlin_core::node::NodeId;
use purlin_sim::{Fault, RequestId, Schedule, StorageModel, World};

const NODE: NodeId = NodeId(1);
const SEEDS: u64 = 50;

fn in_step(from: u64, until: u64) -> Schedule {
    Schedule::new().with(at(from), ms(until - from), Fault::CrashInStep(NODE))
}

fn world(script: &Script, seed: u64, faults: Schedule) -> World<Script> {
    let builder = script.world(2, seed).links(takes(1)).faults(faults);
    builder.storage(StorageModel::perfect()).build()
}

fn starts(script: &Script) -> Vec<u64> {
    script.times(1, |what| matches!(what, What::Start { .. }))
}

/// Of what one step sends, a crash leaves the first few: nothing, a part, or everything, and each
/// of these does occur.
#[test]
fn a_crash_may_fall_between_any_two_effects_of_a_step() {
    for count in [2, 4] {
        let mut occurred = [0; 5];
        for seed in 0..200 {
            let script = Script::idle();
            let mut world = world(&script, seed, in_step(10, 50));
            world.run_until(at(20));
            let sends: Vec<Do> = (0..count).map(|number| Do::Send(0, number)).collect();
            tell(&mut world, 1, &sends);
            world.run_until(at(40));
            let arrived = script.numbers(0);
            assert_eq!(arrived, (0..arrived.len() as u64).collect::<Vec<_>>());
            occurred[arrived.len()] += 1;
            assert_eq!(world.stats().crashes, 1);
        }
        let few = usize::try_from(count).unwrap_or(4).min(3);
        assert!(
            occurred[..=few].iter().all(|times| *times > 5),
            "{occurred:?}"
        );
    }
}

#[test]
fn writes_before_the_crash_take_place_and_the_others_do_not() {
    let mut occurred = [0; 4];
    for seed in 0..200 {
        let script = Script::idle();
        let mut world = world(&script, seed, in_step(10, 50));
        world.run_until(at(20));
        let writes: Vec<Do> = (0..4).map(|file| Do::Write(file, byte(file, 1))).collect();
        tell(&mut world, 1, &writes);
        world.run_until(at(40));
        let store = world.store(NODE).expect("it exists");
        let files: Vec<u64> = store.list().collect();
        assert_eq!(files, (0..files.len() as u64).collect::<Vec<_>>());
        occurred[files.len()] += 1;
        let written = script.times(1, |what| matches!(what, What::Written(_)));
        assert!(written.is_empty(), "nobody is left to be told");
    }
    assert!(occurred.iter().all(|times| *times > 5), "{occurred:?}");
}

#[test]
fn any_effect_will_do_and_a_step_without_one_will_not() {
    let unknown = RequestId(u64::MAX);
    for effect in [
        Do::Send(0, 1),
        Do::Write(1, byte(1, 1)),
        Do::Sync(1),
        Do::Read(1),
        Do::Reply(1),
        Do::Refuse,
        Do::ReplyTo(unknown, 1),
    ] {
        for seed in 0..SEEDS {
            let script = Script::idle();
            let mut world = world(&script, seed, in_step(10, 50));
            world.run_until(at(20));
            tell(&mut world, 1, &[Do::At(at(30)), Do::Disarm]);
            tell(&mut world, 0, &[Do::Send(1, 1)]);
            world.run_until(at(25));
            assert_eq!(script.numbers(1), [1]);
            assert!(world.machine(NODE).is_some(), "no effect, no crash");
            tell(&mut world, 1, core::slice::from_ref(&effect));
            world.run_until(at(26));
            assert!(world.machine(NODE).is_none(), "{effect:?}, seed {seed}");
            world.run_until(at(100));
            assert_eq!(starts(&script), [0, 50], "down to the incident's end");
        }
    }
}

#[test]
fn a_timer_is_a_step_too() {
    for seed in 0..SEEDS {
        let script = Script::new(|seen| match seen.what {
            What::Start { .. } if seen.life == 0 => vec![Do::At(at(15))],
            What::Timeout => vec![Do::Send(0, 1)],
            _ => Vec::new(),
        });
        let mut world = world(&script, seed, in_step(10, 50));
        world.run_until(at(15));
        assert!(world.machine(NODE).is_none() && world.machine(NodeId(0)).is_some());
        assert_eq!(world.stats().crashes, 1);
    }
}

#[test]
fn nothing_happens_when_no_step_has_effects_till_the_end() {
    for seed in 0..SEEDS {
        let script = Script::idle();
        let mut world = world(&script, seed, in_step(10, 50));
        world.run_until(at(20));
        tell(&mut world, 1, &[]);
        world.run_until(at(50));
        tell(
            &mut world,
            1,
            &[Do::Send(0, 1), Do::Send(0, 2), Do::Send(0, 3)],
        );
        world.run_until(at(100));
        assert_eq!(starts(&script), [0]);
        assert_eq!(script.numbers(0), [1, 2, 3]);
        assert_eq!(world.stats().crashes, 0);
    }
}

#[test]
fn the_step_before_the_incident_and_those_of_the_next_life_are_whole() {
    for seed in 0..SEEDS {
        let script = Script::idle();
        let mut world = world(&script, seed, in_step(10, 50));
        let sends = |first: u64| -> Vec<Do> {
            (first..first + 5)
                .map(|number| Do::Send(0, number))
                .collect()
        };
        for moment in [5, 20, 60] {
            world.run_until(at(moment));
            tell(&mut world, 1, &sends(moment * 10));
        }
        world.run_until(at(100));
        let numbers = script.numbers(0);
        let of = |first: u64| {
            let those = first..first + 5;
            numbers
                .iter()
                .filter(|number| those.contains(number))
                .count()
        };
        assert_eq!((of(50), of(600)), (5, 5));
        assert!(of(200) < 5, "of that step a part is missing");
        assert_eq!(world.stats().crashes, 1);
    }
}

/// A step that asks for more than a crash waits for loses the rest; one that asks for less is lost
/// at its end, with all of it done.
#[test]
fn the_client_may_be_answered_or_not() {
    let (mut answered, mut unknown) = (0, 0);
    for seed in 0..200 {
        let script = Script::idle();
        let mut world = world(&script, seed, in_step(10, 50));
        world.run_until(at(20));
        tell(&mut world, 1, &[Do::Reply(1)]);
        world.run_until(at(100));
        assert_eq!(
            world.history().len(),
            1,
            "it was taken, so it is not refused"
        );
        match world.history().open() {
            0 => answered += 1,
            _ => unknown += 1,
        }
    }
    assert!(answered > 20 && unknown > 20, "{answered} {unknown}");
}
