//! Prequal: against a naive model, by its rules one by one, and what it keeps within bounds.

extern crate alloc;

#[path = "prequal/bounds.rs"]
mod bounds;
#[path = "prequal/model.rs"]
mod model;
#[path = "prequal/rules.rs"]
mod rules;
#[path = "prequal/server_load.rs"]
mod server_load;

use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_lb::policy::{Answer, Prequal, Probe, Probes};
use purlin_lb::{Cluster, Identity as _, Instant, NodeId, Request, Upstream};

const NOW: Instant = Instant::from_secs(1_000);

type Servers = Cluster<u64, Prequal>;

fn cluster(policy: Prequal, len: u64) -> (Servers, Probes) {
    let probes = policy.probes();
    let cluster = Cluster::new(policy, (0..len).map(Upstream::new)).expect("no duplicates");
    (cluster, probes)
}

fn pick(cluster: &Servers, now: Instant) -> u64 {
    let lease = cluster.pick_at(now, &Request::new());
    *lease.expect("some are open").node()
}

fn fetch(probes: &mut Probes) -> Vec<Probe> {
    core::iter::from_fn(|| probes.poll_output()).collect()
}

fn answer(probes: &mut Probes, now: Instant, number: u64, (rif, millis): (u32, u64)) {
    let latency = Duration::from_millis(millis);
    let answer = Answer {
        number,
        rif,
        latency,
    };
    let Ok(()) = probes.handle(now, answer);
}

/// Picks until every endpoint was asked, and answers for each `says` of it. One pick more uses none
/// of what came before, for only the last answers of each are kept.
fn told(len: u64, policy: Prequal, says: impl Fn(u64) -> (u32, u64)) -> (Servers, Probes) {
    let policy = policy.probes_per_request(16.0).expect("in range");
    let (cluster, mut probes) = cluster(policy.pool_size(64).expect("in range"), len);
    pick(&cluster, NOW);
    let asked = fetch(&mut probes);
    assert_eq!(asked.len() as u64, len, "as many as there are, each once");
    for probe in asked {
        answer(&mut probes, NOW, probe.number, says(node(probe.endpoint)));
    }
    (cluster, probes)
}

/// Which of the first thousand this is.
fn node(id: NodeId) -> u64 {
    (0..1_000_u64)
        .find(|node| node.id() == id)
        .expect("it is there")
}
