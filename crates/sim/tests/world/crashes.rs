use crate::recorder::{Do, Script, What, at, byte, ms, takes, tell};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_sim::{ClockStep, Fault, Latency, Schedule, StorageModel, World};

const NODE: NodeId = NodeId(1);
const SEEDS: u64 = 50;

fn crash(from: u64, until: u64) -> Schedule {
    Schedule::new().with(at(from), ms(until - from), Fault::Crash(NODE))
}

fn wipe(from: u64, until: u64) -> Schedule {
    Schedule::new().with(at(from), ms(until - from), Fault::Wipe(NODE))
}

fn world(script: &Script, seed: u64, faults: Schedule) -> World<Script> {
    script.world(2, seed).links(takes(1)).faults(faults).build()
}

/// When node 1 was started, how often before, and what was on its disk.
fn starts(script: &Script) -> Vec<(u64, u32, Vec<u64>)> {
    script.of(1, |seen| match &seen.what {
        What::Start {
            restarts,
            nodes: 2,
            files,
            ..
        } => Some((seen.at.as_millis(), *restarts, files.list().collect())),
        _ => None,
    })
}

#[test]
fn a_node_restarts_at_the_end_of_its_crash_with_its_restarts_counted() {
    for seed in 0..SEEDS {
        let script = Script::idle();
        let mut world = world(
            &script,
            seed,
            crash(10, 50).with(at(60), ms(5), Fault::Crash(NODE)),
        );
        world.run_until(at(100));
        let expected = [(0, 0, vec![]), (50, 1, vec![]), (65, 2, vec![])];
        assert_eq!(starts(&script), expected);
        assert_eq!(world.stats().crashes, 2);
        assert_eq!(
            script.times(0, |_| true),
            [0],
            "the other node is not touched"
        );
    }
}

#[test]
fn timers_of_the_old_life_never_fire_in_the_new_one() {
    for seed in 0..SEEDS {
        let script = Script::idle();
        let mut world = world(&script, seed, crash(10, 50));
        tell(
            &mut world,
            1,
            &[Do::At(at(30)), Do::At(at(50)), Do::At(at(80))],
        );
        world.run_until(at(100));
        let late = script.times(1, |what| *what == What::Timeout);
        assert!(late.iter().all(|moment| *moment < 50), "{late:?}");
    }
}

#[test]
fn completions_of_the_old_life_never_arrive_in_the_new_one() {
    let slow = Latency::Constant(ms(60));
    let storage = StorageModel {
        write_latency: slow,
        sync_latency: slow,
        ..StorageModel::perfect()
    };
    for seed in 0..SEEDS {
        let script = Script::idle();
        let mut world = script
            .world(2, seed)
            .storage(storage)
            .faults(crash(10, 50))
            .build();
        world.run_until(at(5));
        let old = [Do::Write(1, byte(1, 1)), Do::Sync(1), Do::Read(1)];
        tell(&mut world, 1, &old);
        world.run_until(at(55));
        let new = [Do::Write(2, byte(1, 1)), Do::Sync(2), Do::Read(2)];
        tell(&mut world, 1, &new);
        world.run_until(at(200));
        let tokens = script.of(1, |seen| match seen.what {
            What::Written(token) | What::Synced(token) | What::Read(token, _) => {
                Some((seen.life, token))
            }
            _ => None,
        });
        assert_eq!(tokens, [(1, 2); 3]);
    }
}

#[test]
fn overlapping_crashes_restart_the_node_once_at_the_later_end() {
    for seed in 0..SEEDS {
        let script = Script::idle();
        let faults = crash(10, 50).with(at(30), ms(50), Fault::Crash(NODE)).with(
            at(40),
            ms(5),
            Fault::Crash(NODE),
        );
        let mut world = world(&script, seed, faults);
        world.run_until(at(100));
        let times: Vec<u64> = starts(&script).iter().map(|start| start.0).collect();
        assert_eq!(times, [0, 80]);
        assert_eq!(world.stats().crashes, 1);
    }
}

#[test]
fn a_wipe_stops_the_node_at_once_and_empties_its_disk() {
    for (faults, restart) in [
        (wipe(10, 50), 50),
        (crash(5, 30).with(at(10), ms(40), Fault::Wipe(NODE)), 50),
        (wipe(10, 50).with(at(20), ms(40), Fault::Crash(NODE)), 60),
    ] {
        for seed in 0..SEEDS {
            let script = Script::idle();
            let mut world = script
                .world(2, seed)
                .storage(StorageModel::perfect())
                .faults(faults.clone())
                .build();
            tell(&mut world, 1, &[Do::Write(1, byte(7, 1)), Do::Sync(1)]);
            world.run_until(at(4));
            let files = |world: &World<Script>| -> Vec<u64> {
                world.store(NODE).expect("it exists").list().collect()
            };
            assert_eq!(files(&world), [7]);
            world.run_until(at(10));
            assert!(world.machine(NODE).is_none());
            assert!(files(&world).is_empty());
            world.run_until(at(100));
            assert_eq!(starts(&script), [(0, 0, vec![]), (restart, 1, vec![])]);
        }
    }
}

#[test]
fn a_crash_stops_the_node_at_once() {
    let script = Script::new(|seen| match seen.what {
        What::Start { .. } if seen.node == 1 => vec![Do::At(at(10))],
        What::Timeout => vec![Do::Send(0, 1)],
        _ => Vec::new(),
    });
    for seed in 0..SEEDS {
        let mut world = world(&script, seed, crash(10, 50));
        world.run_until(at(10) - Duration::from_nanos(1));
        assert!(world.machine(NODE).is_some());
        world.run_until(at(10));
        assert!(world.machine(NODE).is_none());
        assert_eq!((world.stats().crashes, world.stats().steps), (1, 0));
        world.run_until(at(49));
        assert!(world.machine(NODE).is_none());
        assert!(script.numbers(0).is_empty(), "it did nothing more");
    }
}

#[test]
fn messages_for_a_node_that_is_down_are_lost_and_counted() {
    let script = Script::idle();
    let mut world = world(&script, 1, wipe(10, 50));
    for moment in [5, 20, 30, 49] {
        world.run_until(at(moment));
        tell(&mut world, 0, &[Do::Send(1, moment)]);
    }
    world.run_until(at(100));
    assert_eq!(script.messages(1), [(6, 5), (50, 49)]);
    assert_eq!(world.stats().lost, 2);
}

#[test]
fn messages_that_waited_for_a_node_when_it_crashed_are_lost_and_counted() {
    let script = Script::idle();
    let faults = wipe(30, 50).with(at(10), ms(30), Fault::Pause(NODE));
    let mut world = world(&script, 1, faults);
    world.run_until(at(20));
    tell(&mut world, 0, &[Do::Send(1, 1), Do::Send(1, 2)]);
    tell(&mut world, 1, &[Do::Reply(1)]);
    world.run_until(at(60));
    tell(&mut world, 0, &[Do::Send(1, 3)]);
    world.run_until(at(100));
    assert_eq!(script.messages(1), [(61, 3)]);
    let unknown = world.history().open();
    assert_eq!(
        unknown, 3,
        "the request that waited was not answered either"
    );
    let stats = world.stats();
    assert_eq!((stats.sent, stats.delivered, stats.lost), (3, 1, 2));
}

/// The trace is for people: what did not happen to a machine is not in it, and not counted as a
/// step.
#[test]
fn steps_are_calls_of_machines() {
    for seed in 0..SEEDS {
        let script = Script::new(|seen| match seen.what {
            What::Message { .. } => vec![
                Do::Disarm,
                Do::At(seen.at + ms(7)),
                Do::Write(1, byte(1, 1)),
                Do::Sync(2),
            ],
            _ => Vec::new(),
        });
        let back = Fault::ClockStep(NODE, ClockStep::Back(ms(3)));
        let faults = crash(10, 50)
            .with(at(60), ms(10), Fault::Wipe(NODE))
            .with(at(75), ms(0), back)
            .with(at(80), ms(5), Fault::CrashInStep(NODE));
        let mut world = world(&script, seed, faults);
        for moment in 0..100 {
            world.run_until(at(moment));
            tell(&mut world, 0, &[Do::Send(1, moment)]);
        }
        world.run_until(at(500));
        let starts = |what: &What| matches!(what, What::Start { .. });
        let calls = script
            .seen()
            .iter()
            .filter(|seen| !starts(&seen.what))
            .count();
        assert_eq!(world.stats().steps, calls as u64);
    }
}
