//! A machine with next to nothing to do, so that what is timed is the simulator.

use core::convert::Infallible;
use core::hint::black_box;
use core::iter;
use core::time::Duration;

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{Boot, Effects, Event, Host, Link, Moment, World};

use super::nodes_of;
use crate::error::LabError;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::harness::{self, Effort};
use crate::versus::{Contender, Contest, Role};

/// Hands every token on to the next node, one token for each node.
struct Passer {
    next: NodeId,
    /// How far the token at hand has come.
    token: Option<u64>,
}

impl Machine for Passer {
    type Input = u64;
    type Output = (NodeId, u64);
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, hops: u64) -> Result<(), Infallible> {
        self.token = Some(hops + 1);
        Ok(())
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_output(&mut self) -> Option<(NodeId, u64)> {
        Some((self.next, self.token.take()?))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

struct PasserHost;

impl Host for PasserHost {
    type Machine = Passer;
    type Message = u64;
    type Store = ();
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, ()>) -> Passer {
        Passer {
            next: NodeId((boot.node.0 + 1) % boot.nodes as u64),
            token: Some(0),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<u64> {
        match event {
            Event::Message { message, .. } => Some(message),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, (to, token): (NodeId, u64), effects: &mut Effects<Self>) {
        effects.send(to, token);
    }
}

fn world(nodes: usize, seed: u64) -> World<PasserHost> {
    World::builder(PasserHost, nodes, seed)
        .links(Link::lan())
        .build()
}

/// Runs the world for that many steps of its machines.
fn run_steps(world: &mut World<PasserHost>, steps: u64) -> u64 {
    let target = world.stats().steps + steps;
    while world.stats().steps < target && world.step() {}
    world.stats().steps
}

/// A simulated world; one operation is one step of a machine.
fn enter(nodes: usize, seed: u64) -> Contest {
    let mut world = world(nodes, seed);
    Contest::over(vec![()])
        .enter_kernel(Role::Ours, &format!("{nodes} nodes"), move |steps| {
            black_box(run_steps(&mut world, steps))
        })
        .build()
}

/// Steps of five nodes, beside what no simulator can do without: to take the first of the pending
/// events out of a queue and to put the next one in.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn steps(settings: &Settings) -> Result<Contest, LabError> {
    const NODES: usize = 5;
    let mut world = world(NODES, settings.seed);
    // Keys as the simulator's: when, which came first, and where the event is.
    let mut keys: BinaryHeap<Reverse<(u64, u64, u32)>> = (0..NODES as u64)
        .map(|key| Reverse((key, key, 0)))
        .collect();
    let contest = Contest::over(vec![()])
        .enter_kernel(Role::Ours, "purlin-sim World", move |steps| {
            black_box(run_steps(&mut world, steps))
        })
        .enter_kernel(Role::Floor, "BinaryHeap pop and push", move |steps| {
            for _ in 0..steps {
                if let Some(Reverse((at, order, slot))) = keys.pop() {
                    // Neither always the first nor always the last: between the others, as a
                    // message would.
                    let later = at + 1 + (order.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60);
                    keys.push(black_box(Reverse((later, order + NODES as u64, slot))));
                }
            }
            keys.len() as u64
        });
    Ok(contest.build())
}

/// Steps per second by number of nodes.
pub(super) fn table(sizes: &[u64], settings: &Settings, effort: Effort) -> Result<Table, LabError> {
    let sizes = sizes
        .iter()
        .map(|nodes| nodes_of(*nodes))
        .collect::<Result<Vec<_>, _>>()?;
    let contenders = sizes.iter().map(|nodes| enter(*nodes, settings.seed));
    let mut contenders: Vec<Contender> = contenders.map(Contest::into_ours).collect();
    let series = harness::interleave(&mut contenders, effort, settings.seed);

    let columns = [
        "nodes",
        "steps a second",
        "cost of a step",
        "simulated for each real second",
    ];
    let mut table = Table::new("How fast the simulator runs", columns);
    for (nodes, series) in iter::zip(sizes, series) {
        let cost = series.median();
        let per_second = cost.map(|nanoseconds| 1e9 / nanoseconds);
        let simulated =
            per_second.map(|steps| steps / steps_per_simulated_second(nodes, settings.seed));
        table.push([
            Cell::count(nodes as u64),
            Cell::maybe_number(per_second.map(|steps| steps / 1e6), "M"),
            Cell::maybe_number(cost, "ns"),
            Cell::maybe_number(simulated, "s"),
        ]);
    }
    Ok(table.note(
        "Every node hands a token on as soon as one arrives, over links of a data centre (median 0.25 ms). A step is one call of a machine; it includes the message's \
         random latency and its way through the event queue. One thread.",
    ))
}

/// How many steps the cluster takes in a second of its own time.
fn steps_per_simulated_second(nodes: usize, seed: u64) -> f64 {
    let mut world = world(nodes, seed);
    // The more nodes, the sooner enough has happened.
    let span = Duration::from_secs(10) / u32::try_from(nodes).unwrap_or(u32::MAX).max(1);
    world.run_for(span);
    world.stats().steps as f64 / span.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_token_that_arrived() {
        let mut world = world(5, 1);
        run_steps(&mut world, 1_000);
        let stats = world.stats();
        assert_eq!(
            (stats.steps, stats.delivered, stats.lost),
            (1_000, 1_000, 0)
        );
        assert_eq!(stats.sent, 1_005, "five tokens are always under way");
    }

    #[test]
    fn a_simulated_second_has_as_many_steps_as_tokens_fit_latencies() {
        // The latency is lognormal with a median of 0.25 ms and a 99th percentile of 2 ms: its mean
        // is 0.25 ms x exp(s^2 / 2), s = ln 8 / 2.3263.
        let sigma = 8_f64.ln() / 2.3263;
        let mean = 0.25e-3 * (sigma * sigma / 2.0).exp();
        let steps = steps_per_simulated_second(100, 1);
        let expected = 100.0 / mean;
        assert!(
            (steps / expected - 1.0).abs() < 0.05,
            "{steps}, expected {expected}"
        );
    }
}
