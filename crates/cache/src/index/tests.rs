#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use super::{Index, WIDTH};
use crate::policy::Slot;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use proptest::prelude::*;
use purlin_core::random::{Random, SplitMix64};

/// Few hashes that differ in few bits, so that homes overflow and tags collide.
fn clashing_hash() -> impl Strategy<Value = u64> {
    (0_u64..4, 0_u64..6).prop_map(|(home, tag)| home << 38 | tag)
}

proptest! {
    #[test]
    fn holds_what_was_put_in(
        steps in proptest::collection::vec((any::<bool>(), clashing_hash(), any::<prop::sample::Index>()), 1..200),
    ) {
        let mut index = Index::new();
        let mut model: Vec<u64> = Vec::new(); // the hash of each slot
        for (insert, hash, which) in steps {
            if insert || model.is_empty() {
                model.push(hash);
                if model.len() > index.capacity() {
                    index.rebuild(model.len() * 2, model.iter().copied());
                } else {
                    index.insert(hash, Slot(model.len() as u32 - 1));
                }
            } else {
                let at = which.index(model.len());
                index.remove(model[at], Slot(at as u32), |other| model[other.index()]);
                let last = model.len() - 1;
                if at != last {
                    index.relocate(model[last], Slot(last as u32), Slot(at as u32));
                }
                model.swap_remove(at);
            }
            let mut all: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            for (slot, &hash) in model.iter().enumerate() {
                all.entry(hash).or_default().push(slot as u32);
            }
            for hash in (0..4).flat_map(|home| (0..6).map(move |tag| home << 38 | tag)) {
                let found = RefCell::new(Vec::new());
                // One search offers everything with this tag on the way; nothing twice.
                let none = index.find(hash, |slot| {
                    found.borrow_mut().push(slot.0);
                    false
                });
                let found = found.into_inner();
                prop_assert_eq!(none, None);
                for slot in all.get(&hash).into_iter().flatten() {
                    prop_assert_eq!(found.iter().filter(|one| *one == slot).count(), 1);
                }
            }
        }
    }
}

#[test]
fn a_removal_leaves_no_trace() {
    let mut index = Index::new();
    index.rebuild(40, core::iter::empty());
    let fresh = alloc::format!(
        "{:?}",
        index
            .buckets
            .iter()
            .map(|bucket| bucket.tags)
            .collect::<Vec<_>>()
    );
    for slot in 0..3 * WIDTH as u32 {
        index.insert(7, Slot(slot));
    }
    for slot in 0..3 * WIDTH as u32 {
        index.remove(7, Slot(slot), |_| 7);
    }
    let after = alloc::format!(
        "{:?}",
        index
            .buckets
            .iter()
            .map(|bucket| bucket.tags)
            .collect::<Vec<_>>()
    );
    assert_eq!(fresh, after);
}

#[test]
fn searches_are_short_in_a_full_table() {
    let mut random = SplitMix64::new(1);
    let hashes: Vec<u64> = (0..100_000).map(|_| random.next_u64()).collect();
    let mut index = Index::new();
    index.rebuild(hashes.len(), hashes.iter().copied());
    let compared = Cell::new(0);
    for (slot, &hash) in (0..).zip(&hashes) {
        let found = index.find(hash, |other| {
            compared.set(compared.get() + 1);
            other == Slot(slot)
        });
        assert_eq!(found, Some(Slot(slot)));
    }
    // Half of the others come before it, and one in 255 has its tag.
    let compared = compared.get();
    assert!(
        compared < 104_000,
        "{compared} comparisons for 100,000 searches"
    );
}

#[test]
fn churn_makes_searches_no_longer() {
    let mut random = SplitMix64::new(2);
    let mut hashes: Vec<u64> = (0..1_000).map(|_| random.next_u64()).collect();
    let mut index = Index::new();
    index.rebuild(hashes.len(), hashes.iter().copied());
    let overflowed = |index: &Index| {
        index
            .buckets
            .iter()
            .filter(|bucket| bucket.overflowed())
            .count()
    };
    let fresh = overflowed(&index);
    for _ in 0..100_000 {
        let slot = random.next_u64() as usize % hashes.len();
        index.remove(hashes[slot], Slot(slot as u32), |other| {
            hashes[other.index()]
        });
        hashes[slot] = random.next_u64();
        index.insert(hashes[slot], Slot(slot as u32));
    }
    let churned = overflowed(&index);
    let buckets = index.buckets.len();
    assert!(
        fresh < buckets / 8 && churned < buckets / 6,
        "{fresh} overflowed buckets of {buckets}, and {churned} after churn"
    );
}
