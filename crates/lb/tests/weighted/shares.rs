//! In the long run open endpoints get what their weights ask, whatever is closed.

use crate::{cluster, due, policies, sum, try_pick};
use proptest::prelude::*;
use purlin_lb::{Identity as _, NodeId, Request};

const PICKS: u32 = 10_000;

/// What chance may be off; and what a sequence may that others' turns are taken out of, in which a
/// heavy endpoint may be ahead of a turn of each of the others.
fn allowance(due: f64, bar: Option<f64>, others: usize) -> f64 {
    match bar {
        Some(bar) => 3.0 * bar + others as f64 * due / f64::from(PICKS),
        None => 6.0 * due.sqrt() + 3.0,
    }
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => 1_u32..20,
        1 => Just(0),
        1 => 1_u32..2_000,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn are_the_weights_of_those_open(
        endpoints in proptest::collection::vec((weight(), any::<bool>(), any::<bool>()), 1..40),
        seed: u64,
    ) {
        let weights: Vec<u32> = endpoints.iter().map(|(weight, ..)| *weight).collect();
        let drained: Vec<bool> = endpoints.iter().map(|(_, drained, _)| *drained).collect();
        let excluded = (0_u64..).zip(&endpoints).filter(|(_, (.., excluded))| *excluded);
        let excluded: Vec<NodeId> = excluded.map(|(name, _)| name.id()).collect();
        for exclude in [&[][..], &excluded] {
            let open = (0_u64..).zip(&endpoints).map(|(name, (weight, drained, _))| {
                if *drained || exclude.contains(&name.id()) { 0 } else { *weight }
            });
            let open: Vec<u32> = open.collect();
            for (name, policy, bar) in policies(seed) {
                let cluster = cluster(policy, &weights);
                for (name, _) in (0_u64..).zip(&drained).filter(|(_, drained)| **drained) {
                    prop_assert_eq!(cluster.drain(name.id()), Ok(true));
                }
                let request = Request::new().exclude(exclude);
                let mut counts = vec![0_u32; weights.len()];
                for _ in 0..PICKS {
                    match try_pick(&cluster, &request) {
                        Ok(picked) => counts[picked] += 1,
                        Err(_) => prop_assert_eq!(sum(&open), 0, "{}", name),
                    }
                }
                for (at, count) in counts.into_iter().enumerate() {
                    if open[at] == 0 {
                        prop_assert_eq!(count, 0, "{} picked a closed endpoint", name);
                        continue;
                    }
                    let due = due(PICKS, open[at], sum(&open));
                    let off = (f64::from(count) - due).abs();
                    // Where few are open, all draw by chance.
                    let mostly_open = sum(&open) * 2 >= sum(&weights);
                    let bar = bar.filter(|_| mostly_open);
                    prop_assert!(
                        off <= allowance(due, bar, open.len()),
                        "{}: {} off of {} at {}", name, off, due, at
                    );
                }
            }
        }
    }
}

/// Three open ones of 1,000: draws hardly ever find one of them.
#[test]
fn of_the_few_that_are_open() {
    let weights: Vec<u32> = (0..1_000).map(|at| at % 5 + 1).collect();
    for (name, policy, _) in policies(3) {
        let cluster = cluster(policy, &weights);
        for at in (0..1_000_u64).filter(|at| ![100, 501, 902].contains(at)) {
            assert_eq!(cluster.drain(at.id()), Ok(true));
        }
        let mut counts = [0_u32; 3];
        for _ in 0..6_000 {
            let picked = try_pick(&cluster, &Request::new()).expect("three are open");
            counts[(picked - 100) / 401] += 1;
        }
        for (count, due) in counts.into_iter().zip([1_000, 2_000, 3_000_u32]) {
            assert!(count.abs_diff(due) < 200, "{name}: {counts:?}");
        }
    }
}

/// The first half of a window of slow start, at a factor of 0.5: between weights of 1 and 1.
#[test]
fn slow_start_takes_its_part() {
    use core::time::Duration;
    use purlin_lb::{ClusterBuilder, SlowStart, Upstream};
    let ramp = SlowStart::new(Duration::from_secs(100)).expect("a window");
    let since = crate::NOW - Duration::from_secs(50);
    for (name, policy, _) in policies(9) {
        let builder = ClusterBuilder::new(policy).slow_start(ramp);
        let cluster = builder.build([0_u64, 1].map(Upstream::new)).expect("two");
        let _ejected = cluster.eject(1_u64.id());
        assert_eq!(cluster.readmit_at(since, 1_u64.id()), Ok(true));
        let picks = (0..6_000).map(|_| try_pick(&cluster, &Request::new()));
        let warming = picks.filter(|picked| *picked == Ok(1)).count();
        assert!(warming.abs_diff(2_000) < 250, "{name}: {warming} of 6,000");
    }
}
