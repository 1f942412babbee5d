//! The policies.

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
