//! Ranges of hashes.

use super::subject::Case;
use crate::{HashRange, KeyHash, NodeIdx, Ranged, RangedExt};
use alloc::vec::Vec;
use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};

/// The ranges of a placement follow each other from the first hash to the last, neighbours belong
/// to different nodes, and the hashes of a range have one owner and the same replicas.
///
/// Takes the placement itself, since the registry's are not [`Ranged`] behind `dyn`. Ends of ranges
/// and random hashes within are looked up.
#[track_caller]
pub fn ranges(placement: &(impl Ranged + ?Sized), seed: u64) {
    let case = Case {
        property: "ranges",
        seed,
    };
    let mut random = Xoshiro256PlusPlus::from_seed(seed);
    let mut next = Some(0);
    let mut before = None;
    for (range, owner) in placement.ranges() {
        let what = format_args!("start of {range:?}");
        case.equal(&Some(range.start), &next, what);
        case.check(
            !range.is_empty() && before != Some(owner),
            format_args!("{range:?} of {owner:?} is empty, or continues the one before it"),
        );
        for key in [range.start, range.end, within(range, &mut random)] {
            let what = format_args!("owner of {key:#x} in {range:?}");
            case.equal(&placement.owner(KeyHash(key)), &owner, what);
        }
        before = Some(owner);
        next = range.end.checked_add(1);
    }
    case.equal(&next, &None, format_args!("what follows the last range"));
    for _ in 0..200 {
        let key = KeyHash(random.next_u64());
        boundary(case, placement, key, &mut random);
    }
}

/// That all is the same from a hash to the boundary after it.
#[track_caller]
fn boundary(
    case: Case,
    placement: &(impl Ranged + ?Sized),
    key: KeyHash,
    random: &mut Xoshiro256PlusPlus,
) {
    let (last, owner) = placement.next_boundary(key);
    case.check(
        last >= key,
        format_args!("the boundary after {key:?} is before it: {last:?}"),
    );
    let replicas = |key| -> Vec<NodeIdx> {
        let mut out = [NodeIdx(u32::MAX); 3];
        let found = placement.replicas(key, &mut out);
        out[..found].to_vec()
    };
    let range = HashRange {
        start: key.0,
        end: last.0,
    };
    for other in [key, last, KeyHash(within(range, random))] {
        let what = format_args!("owner of {other:?}, in one range with {key:?}");
        case.equal(&placement.owner(other), &owner, what);
        let what = format_args!("replicas of {other:?}, in one range with {key:?}");
        case.equal(&replicas(other), &replicas(key), what);
    }
}

/// A random hash of a range.
fn within(range: HashRange, random: &mut Xoshiro256PlusPlus) -> u64 {
    match u64::try_from(range.len()) {
        Ok(len) => range.start + random.below(len),
        Err(_) => random.next_u64(),
    }
}
