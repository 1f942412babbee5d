//! The policies.

mod draws;
#[cfg(feature = "registry")]
pub(crate) use draws::entropy;
pub(crate) mod random;
pub(crate) mod round_robin;

pub use random::Random;
pub use round_robin::RoundRobin;
