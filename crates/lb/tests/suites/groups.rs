//! What the vector files of priorities, zones and subsets mean.

use purlin_vectors::Suite;

pub(crate) fn register(suite: &mut Suite<'_>) {
    let _ = suite;
}
