//! Policies that go by load: least request, moving averages of latency, reported load.

extern crate alloc;

#[path = "adaptive/ewma.rs"]
mod ewma;
#[path = "adaptive/failures.rs"]
mod failures;
#[path = "adaptive/least_request.rs"]
mod least_request;
#[path = "adaptive/load_report.rs"]
mod load_report;

use purlin_lb::{Balancer, Cluster, Identity, Instant, Lease, NodeId, Request, Upstream};

const NOW: Instant = Instant::from_secs(1_000);

/// So many endpoints of these weights, in turn.
fn cluster<P: Balancer>(policy: P, len: u64, weights: &[u32]) -> Cluster<u64, P> {
    let weights = weights.iter().copied().cycle();
    let upstreams = (0..len).zip(weights);
    let upstreams = upstreams.map(|(node, weight)| Upstream::new(node).weight(weight));
    Cluster::new(policy, upstreams).expect("no duplicates")
}

/// A request that goes to this endpoint and no other.
fn lease<P: Balancer>(cluster: &Cluster<u64, P>, node: u64, now: Instant) -> Lease<u64> {
    let others: Vec<NodeId> = cluster
        .load()
        .iter()
        .map(|endpoint| endpoint.id())
        .filter(|id| *id != node.id())
        .collect();
    let request = Request::new().exclude(&others);
    let lease = cluster.pick_at(now, &request).expect("it is open");
    assert_eq!(*lease.node(), node);
    lease
}

/// How many of so many requests, one after the other, go to each endpoint.
fn counts<P: Balancer>(cluster: &Cluster<u64, P>, len: usize, picks: u32) -> Vec<u32> {
    let mut counts = vec![0; len];
    for _ in 0..picks {
        let lease = cluster
            .pick_at(NOW, &Request::new())
            .expect("some are open");
        counts[usize::try_from(*lease.node()).expect("small")] += 1;
    }
    counts
}
