//! The sequences, pick by pick, against models that only say the rule.

use crate::{cluster, pick};
use proptest::prelude::*;
use purlin_lb::policy::{EarliestDeadlineFirst, SmoothWeightedRoundRobin, StaticStride};
use purlin_lb::{Identity as _, UpdateError};

/// All of them open but for those that are drained; one at least is open.
fn weights_and_drained(most: u32) -> impl Strategy<Value = (Vec<u32>, Vec<bool>)> {
    let pool = (1_usize..60).prop_flat_map(move |len| {
        let weights = proptest::collection::vec(1..=most, len);
        (
            weights,
            proptest::collection::vec(any::<bool>(), len),
            0..len,
        )
    });
    pool.prop_map(|(weights, mut drained, open)| {
        drained[open] = false;
        (weights, drained)
    })
}

proptest! {
    #[test]
    fn smooth_is_what_nginx_does(
        (weights, drained) in weights_and_drained(20),
        flips in proptest::collection::vec((0_usize..60, 0..5), 1..100),
    ) {
        let cluster = cluster(SmoothWeightedRoundRobin::new(), &weights);
        let mut current = vec![0_i64; weights.len()];
        let mut down = vec![false; weights.len()];
        for (at, run) in flips {
            // Back and forth between all open and the drained ones closed, one by one.
            let at = at % weights.len();
            if drained[at] {
                down[at] = !down[at];
                let id = (at as u64).id();
                let flipped: Result<bool, UpdateError> =
                    if down[at] { cluster.drain(id) } else { cluster.undrain_at(crate::NOW, id) };
                prop_assert_eq!(flipped, Ok(true));
            }
            for _ in 0..run {
                let mut best: Option<usize> = None;
                let mut total = 0;
                for peer in (0..weights.len()).filter(|peer| !down[*peer]) {
                    current[peer] += i64::from(weights[peer]);
                    total += i64::from(weights[peer]);
                    best = match best {
                        Some(best) if current[best] >= current[peer] => Some(best),
                        _ => Some(peer),
                    };
                }
                let best = best.expect("one is open");
                current[best] -= total;
                prop_assert_eq!(pick(&cluster), best);
                prop_assert_eq!(cluster.load().policy().credits(), current.clone());
            }
        }
    }

    /// With whole fractions: the k-th turn of weight w is at k / w. To 46 there is no rounding.
    #[test]
    fn the_earliest_deadline_is_first((weights, drained) in weights_and_drained(46)) {
        let cluster = cluster(EarliestDeadlineFirst::ordered(), &weights);
        for at in (0..weights.len()).filter(|at| drained[*at]) {
            prop_assert_eq!(cluster.drain((at as u64).id()), Ok(true));
        }
        let mut due: Vec<(u32, usize)> = (0..weights.len()).map(|at| (1, at)).collect();
        for turn in weights.len()..weights.len() + 1_000 {
            let open = (0..weights.len()).filter(|at| !drained[*at]);
            let first = open.min_by(|a, b| {
                let (at_a, at_b) = (due[*a].0 * weights[*b], due[*b].0 * weights[*a]);
                at_a.cmp(&at_b).then(due[*a].1.cmp(&due[*b].1))
            });
            let first = first.expect("one is open");
            due[first] = (due[first].0 + 1, turn);
            prop_assert_eq!(pick(&cluster), first);
        }
    }

    /// The rule of `grpc_static_stride.json`; closed endpoints are passed over.
    #[test]
    fn strides_are_those_of_grpc(
        (weights, drained) in weights_and_drained(60_000),
        start: u32,
    ) {
        let cluster = cluster(StaticStride::from(start), &weights);
        let heaviest = weights.iter().copied().max().expect("one is there");
        let len = u32::try_from(weights.len()).expect("a few");
        for at in (0..weights.len()).filter(|at| drained[*at] && weights[*at] != heaviest) {
            prop_assert_eq!(cluster.drain((at as u64).id()), Ok(true));
        }
        // All in whole numbers that a float holds exactly, but for the scaling.
        let mut rounds = f64::from(start / len);
        let mut index = start % len;
        for _ in 0..300 {
            let expected = loop {
                let (at, round) = (index as usize, rounds);
                index = (index + 1) % len;
                rounds += if index == 0 { 1.0 } else { 0.0 };
                let weight = (f64::from(weights[at]) * 65_535.0 / f64::from(heaviest)).round();
                let place = (weight * round + at as f64 * 32_767.0) % 65_535.0;
                let open = !drained[at] || weights[at] == heaviest;
                if place >= 65_535.0 - weight && open {
                    break at;
                }
            };
            prop_assert_eq!(pick(&cluster), expected);
        }
    }
}
