//! Exponentially distributed times: the memoryless wait.

use purlin_core::random::{Random, RandomExt};

/// A time with the given mean, in seconds, by inversion. O(1).
pub(super) fn exponential(mean: f64, random: &mut impl Random) -> f64 {
    // f64() is below 1, so that the logarithm is finite.
    -libm::log1p(-random.f64()) * mean
}
