//! Weighted sequences and draws: shares, smoothness, starts, updates, and what is closed.

#[path = "weighted/deviation.rs"]
mod deviation;
#[path = "weighted/edges.rs"]
mod edges;
#[path = "weighted/first_picks.rs"]
mod first_picks;
#[path = "weighted/models.rs"]
mod models;
#[path = "weighted/shares.rs"]
mod shares;
#[path = "weighted/threads.rs"]
mod threads;
#[path = "weighted/updates.rs"]
mod updates;

use purlin_lb::policy::{
    EarliestDeadlineFirst, SmoothWeightedRoundRobin, StaticStride, WeightedRandom,
    WeightedRoundRobin,
};
use purlin_lb::{Balancer, Cluster, Instant, Request, Unavailable, Upstream};

/// Some time in the life of a service.
const NOW: Instant = Instant::from_secs(1_000);

/// All policies of this kind by name, with the most that any endpoint may be off what it is due,
/// after any number of requests; of the random one by what chance allows.
fn policies(seed: u64) -> [(&'static str, Box<dyn Balancer>, Option<f64>); 6] {
    [
        (
            "golden",
            Box::new(WeightedRoundRobin::seeded(seed)),
            Some(4.0),
        ),
        (
            "smooth",
            Box::new(SmoothWeightedRoundRobin::new()),
            Some(1.0),
        ),
        (
            "ordered",
            Box::new(EarliestDeadlineFirst::ordered()),
            Some(2.0),
        ),
        (
            "deadline",
            Box::new(EarliestDeadlineFirst::seeded(seed)),
            Some(2.0),
        ),
        ("stride", Box::new(StaticStride::seeded(seed)), Some(2.0)),
        ("random", Box::new(WeightedRandom::seeded(seed)), None),
    ]
}

/// Endpoint i is the number i and stands at position i.
fn cluster<P: Balancer>(policy: P, weights: &[u32]) -> Cluster<u64, P> {
    let upstreams = (0..).zip(weights);
    let upstreams = upstreams.map(|(name, weight)| Upstream::new(name).weight(*weight));
    Cluster::new(policy, upstreams).expect("different names")
}

fn try_pick<P: Balancer>(
    cluster: &Cluster<u64, P>,
    request: &Request<'_>,
) -> Result<usize, Unavailable> {
    let lease = cluster.pick_at(NOW, request)?;
    Ok(usize::try_from(*lease.node()).expect("a small number"))
}

fn pick<P: Balancer>(cluster: &Cluster<u64, P>) -> usize {
    try_pick(cluster, &Request::new()).expect("an endpoint is open")
}

/// What an endpoint of that weight is due of so many requests.
fn due(picks: u32, weight: u32, total: u64) -> f64 {
    f64::from(picks) * f64::from(weight) / total as f64
}

fn sum(weights: &[u32]) -> u64 {
    weights.iter().map(|weight| u64::from(*weight)).sum()
}
