//! Many threads share one sequence.

use crate::{cluster, due, pick, policies, sum};

#[test]
fn are_as_even_as_one() {
    const EACH: u32 = 30_000;
    let weights: Vec<u32> = (0..50).map(|at| at % 7 + 1).collect();
    for (name, policy, bar) in policies(1) {
        let cluster = cluster(policy, &weights);
        let count = || {
            let mut counts = vec![0_u32; weights.len()];
            for _ in 0..EACH {
                counts[pick(&cluster)] += 1;
            }
            counts
        };
        let (first, second) = std::thread::scope(|scope| {
            let [first, second] = [scope.spawn(count), scope.spawn(count)];
            (first.join(), second.join())
        });
        let both = first
            .expect("no panic")
            .into_iter()
            .zip(second.expect("no panic"));
        for ((first, second), weight) in both.zip(&weights) {
            let due = due(2 * EACH, *weight, sum(&weights));
            let off = (f64::from(first + second) - due).abs();
            // Nothing of the sequence is lost or given twice.
            let bar = bar.unwrap_or_else(|| 6.0 * due.sqrt());
            assert!(off <= bar, "{name}: {off} of {due}");
        }
        let left = cluster
            .load()
            .iter()
            .map(|endpoint| endpoint.in_flight())
            .sum::<u32>();
        assert_eq!(left, 0, "{name}: leases that did not end");
    }
}
