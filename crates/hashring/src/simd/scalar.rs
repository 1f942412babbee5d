//! One node after the other: what the vector versions must agree with.

use crate::mix::pair;

/// As [`super::highest`].
#[inline]
pub(super) fn highest(node_keys: &[u64], key: u64, limit: u64) -> Option<usize> {
    let mut best = None;
    for (at, &node) in node_keys.iter().enumerate() {
        let draw = pair(node, key);
        if draw <= limit && best.is_none_or(|(highest, _)| draw > highest) {
            best = Some((draw, at));
        }
    }
    best.map(|(_, at)| at)
}

/// As [`super::above`].
#[inline]
pub(super) fn above(node_keys: &[u64], key: u64, mut each: impl FnMut(usize, u64) -> u64) {
    let mut least = 0;
    for (at, &node) in node_keys.iter().enumerate() {
        let draw = pair(node, key);
        if draw >= least {
            least = each(at, draw);
        }
    }
}
