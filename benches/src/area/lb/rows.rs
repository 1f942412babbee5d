//! What `lab versus lb` measures.

use super::quality::QUALITY;
use super::speed::SPEED;
use crate::versus::Row;

/// All of them.
pub(super) static ROWS: [Row; QUALITY.len() + SPEED.len()] = joined(&[&SPEED, &QUALITY]);

/// Lists as one, which they fill.
const fn joined<const ALL: usize>(lists: &[&[Row]]) -> [Row; ALL] {
    let mut all = [lists[0][0]; ALL];
    let (mut list, mut next) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            all[next] = lists[list][at];
            (next, at) = (next + 1, at + 1);
        }
        list += 1;
    }
    assert!(next == ALL, "every row of the list is one of a part");
    all
}
