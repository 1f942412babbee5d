//! Which key wins rests on a sketch, of which there is no naive model: here are the laws that hold whoever wins.

use crate::harness::{Cache, Op, ops};
use proptest::prelude::*;
use purlin_cache::policy::{Policy, TinyLfu, WTinyLfu};

/// One leaves for each that comes to a full cache (the reference cache panics when an absent one leaves, or none
/// does without a right to reject), the order has every entry once, and equal seeds choose equally.
fn keeps_the_laws<P: Policy>(policy: impl Fn() -> P, entries: usize, ops: Vec<Op>) {
    let mut one = Cache::new(policy(), entries);
    let mut other = Cache::new(policy(), entries);
    let mut present = Vec::new();
    for op in ops {
        let outcome = one.apply(op);
        assert_eq!(other.apply(op), outcome);
        present.retain(|key| !outcome.evicted.contains(key));
        match op {
            Op::Lookup(key) if !outcome.hit => present.extend(one.contains(key).then_some(key)),
            Op::Remove(key) => present.retain(|other| *other != key),
            _ => {}
        }
        let mut shown = one.order();
        shown.sort_unstable();
        present.sort_unstable();
        assert_eq!(shown, present);
    }
}

proptest! {
    #[test]
    fn tiny_lfu_keeps_the_laws(entries in 0..24_usize, seed: u64, ops in ops()) {
        keeps_the_laws(|| TinyLfu::with_seed(entries, seed), entries, ops);
    }

    #[test]
    fn w_tiny_lfu_keeps_the_laws(entries in 0..24_usize, seed: u64, ops in ops()) {
        keeps_the_laws(|| WTinyLfu::with_seed(entries, seed), entries, ops);
    }
}
