//! What the vector files of autoscaling mean.

use purlin_vectors::Suite;

pub(crate) fn register(suite: &mut Suite<'_>) {
    let _ = suite;
}
