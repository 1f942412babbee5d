use crate::algorithm::memento::tests::{churn, naive_owner, steps};
use crate::bucket::reduce;
use crate::{Anchor, Placement};
use proptest::prelude::*;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// Memento's model, over buckets of which those that were never used are the first to have gone.
fn model(placement: &Anchor<u64>, key: KeyHash) -> Option<NodeIdx> {
    let seats = &crate::Membership::roster(placement).seats;
    let capacity = placement.capacity();
    let unused = (u32::try_from(seats.bound()).ok()?..capacity).rev();
    let gone = unused.chain(seats.gaps().iter().map(|gap| gap.0));
    naive_owner(key, reduce(key.0, capacity), capacity, gone)
}

proptest! {
    #[test]
    fn follows_the_step_by_step_model(nodes in 0..30_u32, spare in 1..30_u32, steps in steps()) {
        let builder = Anchor::builder().capacity(nodes + spare);
        let mut placement = builder.build((0..nodes).map(u64::from)).expect("room for all");
        churn(&mut placement, &steps, model)?;
        prop_assert!(placement.len() <= (nodes + spare) as usize);
    }
}
