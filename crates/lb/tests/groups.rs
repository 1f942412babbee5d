//! Priorities, zones, failover and subsets.

extern crate alloc;

#[path = "groups/division.rs"]
mod division;
#[path = "groups/failover.rs"]
mod failover;
#[path = "groups/nesting.rs"]
mod nesting;
#[path = "groups/priority.rs"]
mod priority;
#[path = "groups/subsets.rs"]
mod subsets;
#[path = "groups/threads.rs"]
mod threads;
#[path = "groups/zone_aware.rs"]
mod zone_aware;

use alloc::collections::BTreeMap;
use purlin_lb::{Balancer, Cluster, Identity as _, Instant, NodeId, Request};

/// How often each endpoint was picked, of so many times.
fn picks<P: Balancer>(cluster: &Cluster<u64, P>, count: usize) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..count {
        let lease = cluster.pick_at(Instant::ORIGIN, &Request::new());
        let lease = lease.expect("something is open");
        *counts.entry(*lease.node()).or_default() += 1;
    }
    counts
}

/// The part of the picks that fell on these endpoints.
fn share(counts: &BTreeMap<u64, usize>, of: impl Fn(u64) -> bool) -> f64 {
    let all: usize = counts.values().sum();
    let some: usize = (counts.iter())
        .filter(|(node, _)| of(**node))
        .map(|(_, count)| count)
        .sum();
    some as f64 / all as f64
}

fn id(node: u64) -> NodeId {
    node.id()
}
