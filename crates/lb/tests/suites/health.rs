//! What the vector files of slow start and outliers mean.

use purlin_vectors::Suite;

pub(crate) fn register(suite: &mut Suite<'_>) {
    let _ = suite;
}
