//! The policies.

pub(crate) mod alias;
mod arcs;
mod draws;
pub(crate) mod earliest_deadline_first;
mod places;
mod proportion;
pub(crate) mod random;
pub(crate) mod round_robin;
pub(crate) mod smooth_weighted_round_robin;
pub(crate) mod static_stride;
pub(crate) mod weighted_random;
pub(crate) mod weighted_round_robin;

pub use earliest_deadline_first::EarliestDeadlineFirst;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use smooth_weighted_round_robin::SmoothWeightedRoundRobin;
pub use static_stride::StaticStride;
pub use weighted_random::WeightedRandom;
pub use weighted_round_robin::WeightedRoundRobin;
