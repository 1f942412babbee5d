//! How far endpoints are off what they are due, after any number of requests.

use crate::{cluster, due, pick, policies, sum};
use purlin_lb::policy::{EarliestDeadlineFirst, SmoothWeightedRoundRobin, WeightedRoundRobin};

/// The most that any endpoint is off, after any of so many requests.
fn deviation(policy: Box<dyn purlin_lb::Balancer>, weights: &[u32], picks: u32) -> f64 {
    let cluster = cluster(policy, weights);
    let total = sum(weights);
    let mut counts = vec![0_u32; weights.len()];
    let mut most: f64 = 0.0;
    for picked in 1..=picks {
        counts[pick(&cluster)] += 1;
        for (count, weight) in counts.iter().zip(weights) {
            most = most.max((f64::from(*count) - due(picked, *weight, total)).abs());
        }
    }
    most
}

fn check(weights: &[u32], picks: u32, seeds: u64) {
    for seed in 0..seeds {
        for (name, policy, bar) in policies(seed) {
            let Some(bar) = bar else { continue };
            let most = deviation(policy, weights, picks);
            assert!(
                most <= bar,
                "{name}, seed {seed}: {most} off with {weights:?}"
            );
        }
    }
}

#[test]
fn few_endpoints() {
    check(&[5, 1, 1], 3_000, 50);
    check(&[99, 1], 3_000, 50);
    check(&[3], 10, 1);
    check(&[1, 1], 1_000, 50);
}

#[test]
fn twenty_endpoints() {
    let weights: Vec<u32> = (0..20).map(|i| i % 10 + 1).collect();
    check(&weights, 3_000, 50);
}

#[test]
fn a_hundred_endpoints() {
    let mixed: Vec<u32> = (0..100).map(|i| i % 10 + 1).collect();
    check(&mixed, 3_000, 20);
    let sorted: Vec<u32> = (0..100).map(|i| i / 10 + 1).collect();
    check(&sorted, 3_000, 20);
    check(&[7; 100], 3_000, 10);
}

#[test]
fn a_thousand_endpoints() {
    let weights: Vec<u32> = (0..1_000).map(|i| i * 7 % 100 + 1).collect();
    check(&weights, 3_000, 3);
}

/// What is hard for other sequences: light endpoints that are all due together, a heavy share in
/// pieces all over a table.
#[test]
fn one_heavy_endpoint_among_many() {
    let mut weights = vec![1; 100];
    weights[40] = 1_000;
    weights[70] = 90;
    for seed in 0..50 {
        let golden = WeightedRoundRobin::seeded(seed);
        let most = deviation(Box::new(golden), &weights, 3_000);
        assert!(most <= 4.0, "seed {seed}: {most}");
    }
    let most = deviation(Box::new(SmoothWeightedRoundRobin::new()), &weights, 3_000);
    assert!(most <= 1.5, "{most}");
    for seed in 0..50 {
        // The square root of how many there are, and luck.
        let deadline = EarliestDeadlineFirst::seeded(seed);
        let most = deviation(Box::new(deadline), &weights, 3_000);
        assert!(most <= 20.0, "seed {seed}: {most}");
    }
}
