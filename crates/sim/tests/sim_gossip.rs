//! Ten thousand nodes gossip a counter under loss, splits and crashes, and all come to know its
//! last value.

extern crate alloc;

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt, Xoshiro256PlusPlus};
use purlin_core::time::Instant;
use purlin_sim::{
    Boot, Effects, Event, FaultKind, FaultPlan, Host, Link, Moment, Store, Violation, World,
};

const INTERVAL: Duration = Duration::from_millis(200);
const LAST: u64 = 20;

/// Tells a random node the counter, five times a second. Node 0 alone counts, once at each of its
/// first turns.
struct Gossip {
    me: NodeId,
    nodes: u64,
    counter: u64,
    next: Instant,
    random: Xoshiro256PlusPlus,
    outputs: VecDeque<Output>,
}

enum Output {
    Tell(NodeId, u64),
    Keep(u64),
}

impl Machine for Gossip {
    type Input = u64;
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, heard: u64) -> Result<(), Infallible> {
        self.counter = self.counter.max(heard);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        if self.me == NodeId(0) && self.counter < LAST {
            self.counter += 1;
            self.outputs.push_back(Output::Keep(self.counter));
        }
        let peer = NodeId(self.random.below(self.nodes));
        self.outputs.push_back(Output::Tell(peer, self.counter));
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

/// What node 0 must not forget.
#[derive(Clone, Default)]
struct Kept(u64);

impl Store for Kept {
    type Write = u64;

    fn apply(&mut self, write: &u64) {
        self.0 = self.0.max(*write);
    }
}

struct GossipHost;

impl Host for GossipHost {
    type Machine = Gossip;
    type Message = u64;
    type Store = Kept;
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, Kept>) -> Gossip {
        let mut random = Xoshiro256PlusPlus::from_seed(boot.seed);
        let first_turn = Duration::from_nanos(random.below(200_000_000));
        Gossip {
            me: boot.node,
            nodes: boot.nodes as u64,
            counter: boot.store.0,
            next: boot.now + first_turn,
            random,
            outputs: VecDeque::new(),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<u64> {
        match event {
            Event::Message { message, .. } => Some(message),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, output: Output, effects: &mut Effects<Self>) {
        match output {
            Output::Tell(to, counter) => effects.send(to, counter),
            Output::Keep(counter) => {
                effects.write(counter, counter);
                effects.sync(counter);
            }
        }
    }
}

fn world(nodes: usize, seed: u64) -> World<GossipHost> {
    let kinds = [
        FaultKind::Crash,
        FaultKind::Split,
        FaultKind::Loss,
        FaultKind::Pause,
    ];
    let plan = FaultPlan::new(nodes, Duration::from_secs(8))
        .kinds(&kinds)
        .intensity(1_000);
    let faults = plan.schedule(seed);
    World::builder(GossipHost, nodes, seed)
        .links(Link::wan())
        .faults(faults)
        .build()
}

fn check(world: &mut World<GossipHost>) -> Result<(), Violation> {
    world.run_for(Duration::from_secs(8));
    let patience = Duration::from_secs(30);
    let counted = world.run_until_true(patience, |world| {
        let first = world.machine(NodeId(0));
        first.is_some_and(|gossip| gossip.counter == LAST)
    });
    counted.ok_or_else(|| Violation::new("the counter did not reach its last value"))?;
    let half_a_second = Duration::from_millis(500);
    world.run_until_converged(patience, half_a_second, |gossip| gossip.counter)?;
    Ok(())
}

#[test]
fn ten_thousand_nodes_converge() {
    let mut world = world(10_000, 1);
    check(&mut world).expect("everybody knows the counter in the end");
    assert!(world.stats().steps > 500_000, "{:?}", world.stats());
    assert!(world.stats().lost > 10_000, "{:?}", world.stats());
}

#[test]
fn small_clusters_converge_whatever_happens() {
    let checked = purlin_sim::run(0..100, |seed| world(9, seed), check);
    assert!(checked > 0);
}
