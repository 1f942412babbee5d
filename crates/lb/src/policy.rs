//! The policies.

mod choices;
mod draws;
pub(crate) mod ewma;
pub(crate) mod least_request;
mod probation;
pub(crate) mod random;
pub(crate) mod round_robin;

pub use ewma::Ewma;
pub use least_request::LeastRequest;
pub use random::Random;
pub use round_robin::RoundRobin;
