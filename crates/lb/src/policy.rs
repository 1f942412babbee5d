//! The policies.

pub(crate) mod alias;
pub(crate) mod arcs;
mod draws;
#[cfg(feature = "registry")]
pub(crate) use draws::entropy;
pub(crate) mod earliest_deadline_first;
mod places;
mod proportion;
mod choices;
mod draws;
pub(crate) mod ewma;
pub(crate) mod least_request;
mod probation;
pub(crate) mod draws;
pub(crate) mod random;
pub(crate) mod round_robin;
pub(crate) mod smooth_weighted_round_robin;
pub(crate) mod static_stride;
pub(crate) mod weighted_random;
pub(crate) mod weighted_round_robin;

pub use earliest_deadline_first::EarliestDeadlineFirst;
pub use ewma::Ewma;
pub use least_request::LeastRequest;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use smooth_weighted_round_robin::SmoothWeightedRoundRobin;
pub use static_stride::StaticStride;
pub use weighted_random::WeightedRandom;
pub use weighted_round_robin::WeightedRoundRobin;
mod bounded_load;
mod draws;
#[cfg(feature = "registry")]
pub(crate) use draws::entropy;
mod hashed;
pub(crate) mod random;
pub(crate) mod round_robin;
mod sticky;

pub use bounded_load::BoundedLoad;
pub use hashed::{HashPlacement, Hashed};
pub use random::Random;
pub use round_robin::RoundRobin;
pub use sticky::{SessionToken, Sticky, TokenError};
