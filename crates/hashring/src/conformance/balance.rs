//! How evenly keys fall on nodes.

use super::draw::{self, Draw};
use super::subject::{Case, Subject};
use crate::NodeId;
use alloc::collections::BTreeMap;

/// How many keys are counted for each node, on average.
const KEYS_PER_NODE: usize = 2_000;

/// No node owns more than `1 + excess` of its share of the keys, nor less than `1 - excess`, where
/// a share is in proportion to the weight.
///
/// Shares are estimated by 2,000 random keys a node, and what five standard deviations of chance
/// explain is forgiven: about 11 % at a mean share.
#[track_caller]
pub fn balance(subject: &Subject<'_>, seed: u64, excess: f64) {
    let case = Case {
        property: "balance",
        seed,
    };
    let mut draw = Draw::new(subject, seed);
    let placement = subject.build(case, draw.members());
    let keys = draw.keys(KEYS_PER_NODE * placement.len());
    let mut owned: BTreeMap<NodeId, u32> = BTreeMap::new();
    for &key in &keys {
        match draw::owner(&*placement, key) {
            Some(id) => *owned.entry(id).or_default() += 1,
            None => case.fail(format_args!("nobody owns {key:?}")),
        }
    }
    let total = placement.roster().total_weight();
    for member in placement.roster().iter() {
        let count = owned.get(&member.id).copied().unwrap_or(0);
        let share = real(keys.len() as u64) * f64::from(member.weight.get()) / real(total);
        // Squares, since there is no square root without the standard library.
        let apart = (f64::from(count) - share).abs() - excess * share;
        case.check(
            apart <= 0.0 || apart * apart <= 25.0 * share,
            format_args!(
                "{} of weight {} owns {count} keys of {}, its share is {share:.0}",
                member.id,
                member.weight,
                keys.len()
            ),
        );
    }
}

/// Numbers of keys and sums of small weights are far below 2^53.
fn real(number: u64) -> f64 {
    number as f64
}
