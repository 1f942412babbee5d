//! A cluster that gossips a counter: the machine of the rumour, of the faults and of the row
//! `gossip-10000`.

use core::convert::Infallible;
use core::time::Duration;

use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, Xoshiro256PlusPlus};
use purlin_core::time::Instant;
use purlin_sim::{Boot, Effects, Event, Host, Link, Moment, Probability, Schedule, Store, World};

/// How often a node tells another one.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);

/// The node that knows from the start.
const SOURCE: NodeId = NodeId(0);

/// The value that it starts with, and all others are to learn.
const RUMOUR: u64 = 1;

/// Tells a random node the highest counter that it has on disk, five times a second.
pub(super) struct Gossip {
    nodes: u64,
    /// Known, and safe from a crash.
    kept: u64,
    /// Known, and on its way to the disk.
    pending: u64,
    next: Instant,
    random: Xoshiro256PlusPlus,
    output: Option<Output>,
}

/// What happens to a node.
pub(super) enum Input {
    Heard(u64),
    Kept(u64),
    /// The disk has failed: whoever tells it again is listened to.
    NotKept,
}

/// What a node wants done.
pub(super) enum Output {
    Tell(NodeId, u64),
    Keep(u64),
}

impl Machine for Gossip {
    type Input = Input;
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, input: Input) -> Result<(), Infallible> {
        match input {
            Input::Heard(counter) if counter > self.kept.max(self.pending) => {
                self.pending = counter;
                self.output = Some(Output::Keep(counter));
            }
            Input::Heard(_) => {}
            Input::Kept(counter) => self.kept = self.kept.max(counter),
            Input::NotKept => self.pending = 0,
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now >= self.next {
            self.next = now + INTERVAL;
            let peer = NodeId(self.random.below(self.nodes));
            self.output = Some(Output::Tell(peer, self.kept));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

/// A node's disk: the highest counter written.
#[derive(Clone, Default)]
pub(super) struct Disk(u64);

impl Store for Disk {
    type Write = u64;

    fn apply(&mut self, counter: &u64) {
        self.0 = self.0.max(*counter);
    }
}

pub(super) struct GossipHost;

impl Host for GossipHost {
    type Machine = Gossip;
    type Message = u64;
    type Store = Disk;
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, Disk>) -> Gossip {
        let mut random = Xoshiro256PlusPlus::from_seed(boot.seed);
        // Somewhere within the first interval, so that nodes do not talk in step.
        let first_turn = INTERVAL.mul_f64(random.f64());
        let source = if boot.node == SOURCE { RUMOUR } else { 0 };
        Gossip {
            nodes: boot.nodes as u64,
            kept: boot.store.0.max(source),
            pending: 0,
            next: boot.now + first_turn,
            random,
            output: (source > boot.store.0).then_some(Output::Keep(source)),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<Input> {
        match event {
            Event::Message { message, .. } => Some(Input::Heard(message)),
            Event::Synced { token } => Some(Input::Kept(token)),
            Event::SyncFailed { .. } => Some(Input::NotKept),
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

/// A cluster in a data centre that loses this share of all messages.
pub(super) fn cluster(
    nodes: usize,
    loss: Probability,
    faults: Schedule,
    seed: u64,
) -> World<GossipHost> {
    let link = Link {
        loss,
        ..Link::lan()
    };
    World::builder(GossipHost, nodes, seed)
        .links(link)
        .faults(faults)
        .build()
}

/// How many nodes know; one that is down knows what it will find on its disk.
pub(super) fn informed(world: &World<GossipHost>) -> usize {
    let knows = |node: &NodeId| match world.machine(*node) {
        Some(gossip) => gossip.kept == RUMOUR,
        None => world.store(*node).is_some_and(|disk| disk.0 == RUMOUR),
    };
    (0..world.len() as u64).map(NodeId).filter(knows).count()
}

/// Runs until everybody knows, looked at every `step`; the simulated time it took, or `None` where
/// some do not know after `within`.
pub(super) fn converge(
    world: &mut World<GossipHost>,
    step: Duration,
    within: Duration,
) -> Option<Duration> {
    while informed(world) < world.len() {
        if world.now() >= Instant::ORIGIN + within {
            return None;
        }
        world.run_for(step);
    }
    Some(world.now() - Instant::ORIGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_gossip_takes_log2_n_plus_ln_n_rounds() {
        // Pittel, "On spreading a rumor" (1987): log2 n + ln n + O(1) rounds with high probability.
        // Turns are spread over the interval here, and the last doublings overlap, so that
        // a little less is possible; hence half of it to it all and a constant.
        for nodes in [100_usize, 1_000, 4_000] {
            let mut world = cluster(nodes, Probability::NEVER, Schedule::new(), 7);
            let step = Duration::from_millis(10);
            let took =
                converge(&mut world, step, Duration::from_secs(60)).expect("nothing is lost");
            let rounds = took.as_secs_f64() / INTERVAL.as_secs_f64();
            let n = nodes as f64;
            let expected = n.log2() + n.ln();
            assert!(
                (0.5 * expected..expected + 8.0).contains(&rounds),
                "{nodes} nodes: {rounds} rounds, expected {expected}"
            );
        }
    }

    #[test]
    fn nobody_learns_what_is_never_delivered() {
        let mut world = cluster(10, Probability::ALWAYS, Schedule::new(), 7);
        let took = converge(&mut world, INTERVAL, Duration::from_secs(5));
        assert_eq!((took, informed(&world)), (None, 1));
    }
}
