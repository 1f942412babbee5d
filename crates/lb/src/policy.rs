//! The policies.

mod bounded_load;
mod earliest_deadline_first;
mod ewma;
mod failover;
mod hashed;
mod least_request;
mod prequal;
mod priority;
mod random;
mod round_robin;
mod smooth_weighted_round_robin;
mod static_stride;
mod sticky;
mod weighted_random;
mod weighted_round_robin;
mod zone_aware;

pub use crate::group::ZoneMap;
pub use bounded_load::BoundedLoad;
pub use earliest_deadline_first::EarliestDeadlineFirst;
pub use ewma::Ewma;
pub use failover::Failover;
pub use hashed::{HashPlacement, Hashed};
pub use least_request::LeastRequest;
pub use prequal::{Answer, Prequal, Probe, Probes, ServerLoad, Serving};
pub use priority::Priority;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use smooth_weighted_round_robin::SmoothWeightedRoundRobin;
pub use static_stride::StaticStride;
pub use sticky::{SessionToken, Sticky, TokenError};
pub use weighted_random::WeightedRandom;
pub use weighted_round_robin::WeightedRoundRobin;
pub use zone_aware::ZoneAware;
