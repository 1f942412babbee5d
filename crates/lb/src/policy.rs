//! The policies.

pub(crate) mod draws;
pub(crate) mod random;
pub(crate) mod round_robin;

pub use random::Random;
pub use round_robin::RoundRobin;
