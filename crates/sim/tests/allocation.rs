//! A steady simulation allocates nothing of its own.

use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{Boot, Effects, Event, Host, Link, Moment, Probability, World};

/// Passes what it gets to the next node, and starts a token of its own every ten milliseconds. Does
/// not allocate.
struct Ring {
    next: NodeId,
    token_at: Instant,
    outputs: [Option<u64>; 2],
}

impl Machine for Ring {
    type Input = u64;
    type Output = (NodeId, u64);
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, hops: u64) -> Result<(), Infallible> {
        self.outputs[0] = hops.checked_sub(1);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.token_at = now + Duration::from_millis(10);
        self.outputs[1] = Some(8);
    }

    fn poll_output(&mut self) -> Option<(NodeId, u64)> {
        let hops = self.outputs.iter_mut().find_map(Option::take)?;
        Some((self.next, hops))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.token_at)
    }
}

struct RingHost;

impl Host for RingHost {
    type Machine = Ring;
    type Message = u64;
    type Store = ();
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, ()>) -> Ring {
        let next = NodeId((boot.node.0 + 1) % boot.nodes as u64);
        Ring {
            next,
            token_at: boot.now,
            outputs: [None; 2],
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<u64> {
        match event {
            Event::Message { message, .. } => Some(message),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, (to, hops): (NodeId, u64), effects: &mut Effects<Self>) {
        effects.send(to, hops);
    }
}

#[test]
fn a_steady_simulation_does_not_allocate() {
    let duplicating = Link {
        duplicate: Probability::percent(1),
        loss: Probability::percent(1),
        ..Link::lan()
    };
    let mut world = World::builder(RingHost, 100, 1).links(duplicating).build();
    world.run_for(Duration::from_secs(10)); // the queue and its slab grow to what they need
    let before = world.stats().steps;
    let allocations = allocation_counter::measure(|| world.run_for(Duration::from_secs(10)));
    let steps = world.stats().steps - before;
    assert!(steps > 500_000, "{steps}");
    // A new record of pending events may still grow the queue, once in a while.
    assert!(
        allocations.count_total <= 2,
        "{allocations:?} in {steps} steps"
    );
}
