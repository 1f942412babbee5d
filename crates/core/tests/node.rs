//! Weights from untrusted numbers, epochs at their end, and how nodes are written.

use proptest::prelude::*;
use purlin_core::node::{Epoch, NodeId, NodeIdx, Weight};

proptest! {
    #[test]
    fn a_weight_is_any_u32_and_nothing_else(
        number in prop_oneof![any::<i64>(), -2..2_i64, i64::from(u32::MAX) - 2..i64::from(u32::MAX) + 2],
    ) {
        let expected = u32::try_from(number).ok();
        prop_assert_eq!(Weight::try_from(number).ok().map(Weight::get), expected);
        let Err(error) = Weight::try_from(number) else { return Ok(()) };
        prop_assert_eq!(error.value, i128::from(number));
        prop_assert!(error.to_string().contains(&number.to_string()));
    }

    #[test]
    fn a_weight_from_unsigned_numbers_has_the_same_bounds(
        number in prop_oneof![any::<u64>(), u64::from(u32::MAX) - 2..u64::from(u32::MAX) + 2],
    ) {
        match (Weight::try_from(number), u32::try_from(number)) {
            (Ok(weight), Ok(expected)) => prop_assert_eq!(weight, Weight::from(expected)),
            (Err(error), Err(_)) => prop_assert_eq!(error.value, i128::from(number)),
            (weight, _) => prop_assert!(false, "{:?} of {}", weight, number),
        }
    }
}

#[test]
fn weights_have_names_at_their_ends() {
    assert_eq!(
        (Weight::DRAIN.get(), Weight::ONE.get(), Weight::MAX.get()),
        (0, 1, u32::MAX)
    );
    assert_eq!(Weight::default(), Weight::ONE);
    assert!(Weight::DRAIN.is_drain() && !Weight::ONE.is_drain());
}

#[test]
fn epochs_grow_and_stay_at_the_last() {
    assert_eq!(Epoch(7).next(), Epoch(8));
    assert_eq!(Epoch(u64::MAX - 1).next(), Epoch(u64::MAX));
    assert_eq!(Epoch(u64::MAX).next(), Epoch(u64::MAX));
}

#[test]
fn nodes_are_written_by_their_kind() {
    let written = [
        NodeId(7).to_string(),
        NodeIdx(7).to_string(),
        Epoch(7).to_string(),
        Weight::new(7).to_string(),
    ];
    assert_eq!(written, ["n7", "#7", "7", "7"]);
    assert_eq!(NodeIdx(u32::MAX).get() as u64, u64::from(u32::MAX));
}
