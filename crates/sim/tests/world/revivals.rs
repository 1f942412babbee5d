//! Nodes that restart while they are paused or slow.

use crate::recorder::{Do, Script, What, at, ms, takes, tell};
use purlin_core::node::NodeId;
use purlin_sim::{Fault, Schedule, World};

const NODE: NodeId = NodeId(1);

/// At each start node 1 tells node 0 its life, and sets a timer for 10 ms later, at which it tells
/// it again.
fn eager() -> Script {
    Script::new(|seen| {
        let life = u64::from(seen.life);
        match seen.what {
            What::Start { .. } if seen.node == 1 => {
                vec![Do::Send(0, life), Do::At(seen.at + ms(10))]
            }
            What::Timeout => vec![Do::Send(0, 100 + life)],
            _ => Vec::new(),
        }
    })
}

/// Node 1 is down from 20 to 40 ms.
fn world(script: &Script, stop: Fault, more: (u64, u64, Fault)) -> World<Script> {
    let (from, until, fault) = more;
    let faults = Schedule::new()
        .with(at(20), ms(20), stop)
        .with(at(from), ms(until - from), fault);
    script.world(2, 1).links(takes(1)).faults(faults).build()
}

#[test]
fn a_node_that_restarts_in_a_pause_does_nothing_until_the_pause_ends() {
    for stop in [Fault::Crash(NODE), Fault::Wipe(NODE)] {
        for from in [15, 30] {
            let script = eager();
            let mut world = world(&script, stop.clone(), (from, 80, Fault::Pause(NODE)));
            world.run_until(at(60));
            tell(&mut world, 0, &[Do::Send(1, 7)]);
            world.run_until(at(79));
            assert_eq!(script.messages(0), [(1, 0), (11, 100)], "nothing yet");
            assert!(world.machine(NODE).is_some() && script.messages(1).is_empty());
            world.run_until(at(200));
            assert_eq!(script.messages(0)[2..], [(81, 1), (81, 101)]);
            assert_eq!(script.messages(1), [(80, 7)]);
            let lives = script.times(1, |what| matches!(what, What::Start { .. }));
            assert_eq!(lives, [0, 40]);
        }
    }
}

#[test]
fn a_pause_that_ends_before_the_restart_has_no_part_in_it() {
    let script = eager();
    let mut world = world(&script, Fault::Crash(NODE), (15, 35, Fault::Pause(NODE)));
    world.run_until(at(200));
    assert_eq!(script.messages(0), [(1, 0), (11, 100), (41, 1), (51, 101)]);
}

#[test]
fn a_node_that_crashes_again_in_the_pause_forgets_what_it_wanted() {
    let script = eager();
    let mut world = world(&script, Fault::Crash(NODE), (15, 80, Fault::Pause(NODE)));
    world.run_until(at(50));
    world.inject(Fault::Crash(NODE), ms(10));
    world.run_until(at(200));
    assert_eq!(script.messages(0)[2..], [(81, 2), (81, 102)]);
}

/// Slow is not paused: a node that restarts slowly does what it wants at once, or soon, but not
/// only when somebody else wakes it.
#[test]
fn a_node_that_restarts_while_it_is_slow_acts_of_its_own_accord() {
    let script = eager();
    let slow = (15, 500, Fault::Slow(NODE, ms(5)));
    let mut world = world(&script, Fault::Crash(NODE), slow);
    world.run_until(at(200));
    let later = &script.messages(0)[2..];
    let lives: Vec<u64> = later.iter().map(|(_, life)| *life).collect();
    assert_eq!(lives, [1, 101]);
    assert!(later[0].0 <= 40 + 5 + 1, "{later:?}");
    assert!(later[1].0 <= 40 + 5 + 10 + 5 + 1, "{later:?}");
}

/// A step is a call of a machine; that a machine is heard for the first time is none.
#[test]
fn a_start_in_a_pause_is_not_a_step() {
    let script = Script::idle();
    let pause = (15, 80, Fault::Pause(NODE));
    let mut world = world(&script, Fault::Crash(NODE), pause);
    world.run_until(at(200));
    assert_eq!(world.stats().steps, 0);
}
