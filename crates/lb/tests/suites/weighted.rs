//! What the vector files of weighted sequences mean.

use purlin_vectors::Suite;

pub(crate) fn register(suite: &mut Suite<'_>) {
    let _ = suite;
}
