//! Updates neither restart a sequence nor disturb it.

use crate::{NOW, cluster, pick};
use proptest::prelude::*;
use purlin_lb::policy::{
    EarliestDeadlineFirst, SmoothWeightedRoundRobin, StaticStride, WeightedRandom,
    WeightedRoundRobin,
};
use purlin_lb::{Balancer, Cluster, Identity as _, Upstream};

const OTHER: u64 = 1_000_000;

/// What the light one of 99 and 1 gets while something else changes every 10 picks: Envoy issues
/// 31378 and 14597, where it gets nothing.
fn light_share<P: Balancer + Clone>(policy: P, change: impl Fn(&Cluster<u64, P>, bool)) -> f64 {
    let cluster = cluster(policy, &[99, 1, 0]);
    let mut counts = [0_u32; 3];
    for round in 0..10_000 {
        change(&cluster, round % 2 == 0);
        for _ in 0..10 {
            counts[pick(&cluster).min(2)] += 1;
        }
    }
    f64::from(counts[1]) / f64::from(counts[0] + counts[1])
}

fn the_light_one_does_not_starve<P: Balancer + Clone>(seeded: impl Fn(u64) -> P) {
    for seed in 0..3 {
        let shares = [
            light_share(seeded(seed), |cluster, add| {
                let other = Upstream::new(OTHER).weight(0);
                if add {
                    cluster.insert_at(NOW, other).expect("it was not there");
                } else {
                    cluster.remove(OTHER.id()).expect("it was there");
                }
            }),
            light_share(seeded(seed), |cluster, add| {
                let other = Upstream::new(OTHER).weight(100);
                if add {
                    cluster.insert_at(NOW, other).expect("it was not there");
                } else {
                    cluster.remove(OTHER.id()).expect("it was there");
                }
            }),
            light_share(seeded(seed), |cluster, more| {
                let weight = if more { 30_u32 } else { 0 };
                cluster.set_weight(2_u64.id(), weight).expect("it is there");
            }),
        ];
        for share in shares {
            assert!((0.007..=0.013).contains(&share), "{shares:?}");
        }
    }
}

#[test]
fn golden_does_not_starve() {
    the_light_one_does_not_starve(WeightedRoundRobin::seeded);
}

#[test]
fn random_does_not_starve() {
    the_light_one_does_not_starve(WeightedRandom::seeded);
}

#[test]
fn smooth_does_not_starve() {
    the_light_one_does_not_starve(|_| SmoothWeightedRoundRobin::new());
}

#[test]
fn deadlines_do_not_starve() {
    the_light_one_does_not_starve(EarliestDeadlineFirst::seeded);
    the_light_one_does_not_starve(|_| EarliestDeadlineFirst::ordered());
}

#[test]
fn strides_do_not_starve() {
    the_light_one_does_not_starve(StaticStride::seeded);
}

/// Picks as of one that nothing happened to, while an endpoint of weight 0 comes and goes.
fn goes_on<P: Balancer + Clone>(policy: &P, weights: &[u32], runs: &[usize]) {
    let [calm, busy] = [(); 2].map(|()| cluster(policy.clone(), weights));
    let mut there = false;
    for run in runs {
        for _ in 0..*run {
            assert_eq!(pick(&busy), pick(&calm), "{policy:?}");
        }
        if there {
            busy.remove(OTHER.id()).expect("it was there");
        } else {
            let other = Upstream::new(OTHER).weight(0);
            busy.insert_at(NOW, other).expect("it was not there");
        }
        there = !there;
    }
}

proptest! {
    #[test]
    fn a_sequence_goes_on(
        weights in proptest::collection::vec(1_u32..50, 1..30),
        runs in proptest::collection::vec(0_usize..20, 1..30),
        seed: u64,
    ) {
        goes_on(&WeightedRoundRobin::seeded(seed), &weights, &runs);
        goes_on(&SmoothWeightedRoundRobin::new(), &weights, &runs);
        goes_on(&EarliestDeadlineFirst::seeded(seed), &weights, &runs);
        goes_on(&EarliestDeadlineFirst::ordered(), &weights, &runs);
        goes_on(&StaticStride::seeded(seed), &weights, &runs);
    }

    /// The last endpoint moves to where another one left: what is known of it moves, too.
    #[test]
    fn a_sequence_follows_those_who_move(
        weights in proptest::collection::vec(1_u32..50, 2..30),
        before in 0_usize..100,
        seed: u64,
    ) {
        let mut with_a_hole = weights.clone();
        with_a_hole[0] = 0;
        let policy = EarliestDeadlineFirst::seeded(seed);
        let [stays, leaves] = [(); 2].map(|()| cluster(policy.clone(), &with_a_hole));
        for _ in 0..before {
            prop_assert_eq!(pick(&stays), pick(&leaves));
        }
        prop_assert!(leaves.remove(0_u64.id()).is_ok());
        for _ in 0..200 {
            prop_assert_eq!(pick(&stays), pick(&leaves));
        }

        let smooth = cluster(SmoothWeightedRoundRobin::new(), &with_a_hole);
        for _ in 0..before {
            pick(&smooth);
        }
        let former = smooth.load().policy().credits();
        prop_assert!(smooth.remove(0_u64.id()).is_ok());
        let mut credits = smooth.load().policy().credits();
        // The last one is first now.
        credits.rotate_left(1);
        prop_assert_eq!(&credits, &former[1..]);
    }
}

/// Debts are in requests: weights a thousand million times smaller leave none that take for ever.
#[test]
fn small_weights_after_large_ones() {
    fn check<P: Balancer + Clone>(name: &str, policy: P) {
        let cluster = cluster(policy, &[1_000_000_000, 1_000_000_000, 500_000_000]);
        for _ in 0..7 {
            pick(&cluster);
        }
        for (at, weight) in [(0_u64, 2_u32), (1, 2), (2, 1)] {
            cluster.set_weight(at.id(), weight).expect("it is there");
        }
        let mut counts = [0_u32; 3];
        for _ in 0..50 {
            counts[pick(&cluster)] += 1;
        }
        for (count, due) in counts.into_iter().zip([20_u32, 20, 10]) {
            assert!(count.abs_diff(due) <= 5, "{name}: {counts:?}");
        }
    }
    check("golden", WeightedRoundRobin::seeded(0));
    check("smooth", SmoothWeightedRoundRobin::new());
    check("deadline", EarliestDeadlineFirst::seeded(0));
    check("stride", StaticStride::seeded(0));
}
