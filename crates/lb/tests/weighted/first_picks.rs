//! A fresh balancer begins anywhere: the first pick of many is distributed as the weights. What
//! `edf.json` asks of one of them; Envoy issues 31378, 14597, 32233.

use crate::{cluster, due, pick, sum};
use purlin_lb::Balancer;
use purlin_lb::policy::{EarliestDeadlineFirst, StaticStride, WeightedRandom, WeightedRoundRobin};

const FRESH: u32 = 400_000;

fn check<P: Balancer>(name: &str, seeded: impl Fn(u64) -> P) {
    for weights in [&[25, 75][..], &[1, 99], &[50, 50], &[1, 20, 79]] {
        let mut counts = vec![0_u32; weights.len()];
        for seed in 0..FRESH {
            counts[pick(&cluster(seeded(seed.into()), weights))] += 1;
        }
        for (count, weight) in counts.into_iter().zip(weights) {
            let off = f64::from(count) - due(FRESH, *weight, sum(weights));
            let points = off.abs() / f64::from(FRESH) * 100.0;
            assert!(points < 0.3, "{name}: {points} points off with {weights:?}");
        }
    }
}

#[test]
fn by_the_golden_ratio() {
    check("golden", WeightedRoundRobin::seeded);
}

#[test]
fn by_deadlines() {
    check("deadline", EarliestDeadlineFirst::seeded);
}

#[test]
fn by_strides() {
    check("stride", StaticStride::seeded);
}

#[test]
fn by_chance() {
    check("random", WeightedRandom::seeded);
}

/// The tenth pick, too: it is the state that is random, not the first answer.
#[test]
fn later_picks_are_as_fair() {
    fn tenth<P: Balancer>(name: &str, seeded: impl Fn(u64) -> P) {
        let weights = [2, 5, 13];
        let mut counts = [0_u32; 3];
        for seed in 0..100_000 {
            let cluster = cluster(seeded(seed), &weights);
            for _ in 1..10 {
                pick(&cluster);
            }
            counts[pick(&cluster)] += 1;
        }
        for (count, weight) in counts.into_iter().zip(weights) {
            let off = f64::from(count) - due(100_000, weight, 20);
            assert!(off.abs() < 1_000.0, "{name}: {off} off for {weight}");
        }
    }
    tenth("golden", WeightedRoundRobin::seeded);
    tenth("deadline", EarliestDeadlineFirst::seeded);
    tenth("stride", StaticStride::seeded);
}
