//! Drives `Heartbeat` with the simulator, through a thousand bad networks.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use core::convert::Infallible;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_examples::{Heartbeat, INTERVAL, Output, PATIENCE};
use purlin_sim::{
    Boot, Effects, Event, FaultKind, FaultPlan, Host, Link, Moment, Violation, World,
};

/// Says which outputs are messages, and which events are inputs. The loop is the simulator's.
struct HeartbeatHost;

impl Host for HeartbeatHost {
    type Machine = Heartbeat;
    type Message = ();
    type Store = ();
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, ()>) -> Heartbeat {
        Heartbeat::new(boot.now)
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<()> {
        matches!(event, Event::Message { .. }).then_some(())
    }

    fn output(&self, at: Moment, output: Output, effects: &mut Effects<Self>) {
        if output == Output::Beat {
            effects.send(NodeId(1 - at.node.0), ());
        }
    }
}

fn main() {
    let trouble = Duration::from_secs(20);
    let build = |seed| {
        let plan =
            FaultPlan::new(2, trouble).kinds(&[FaultKind::Cut, FaultKind::Pause, FaultKind::Crash]);
        let faults = plan.max_down(1).schedule(seed);
        World::builder(HeartbeatHost, 2, seed)
            .links(Link::lan())
            .faults(faults)
            .build()
    };
    let checked = purlin_sim::run(0..1_000, build, |world| {
        world.run_for(trouble);
        // When all faults are over, both hear each other within a beat and the longest latency.
        world.run_for(INTERVAL + PATIENCE);
        match world.machines().find(|(_, machine)| machine.is_peer_lost()) {
            Some((node, _)) => Err(Violation::new(format!("{node} still misses its peer"))),
            None => Ok(()),
        }
    });
    println!("{checked} networks, and every heartbeat was found again");
}
